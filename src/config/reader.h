// Fills a struct from a YAML file, key=value texts and flags. Problems are collected and thrown once by finish(), so that one run of
// the program shows every mistake. Call in the order of precedence, weakest first: later values replace earlier ones.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "config/field.h"
#include "config/node.h"

namespace attune {

/// Arguments taken apart, not yet applied: what is a flag is known, what it means for the struct comes later.
struct Arguments {
  struct Flag {
    size_t field;         ///< index in the list
    std::string spelled;  ///< "--lr"
    std::string value;
  };
  std::vector<Flag> flags;
  std::vector<std::string> positionals;
};

class ConfigReader {
 public:
  /// `list` must outlive the reader, as must the struct behind it.
  explicit ConfigReader(const FieldList& list);

  /// Sections as nested maps, or one word for the field that has the section's name among its spellings ("quantization: nf4"). At the
  /// top also bare names that are unique ("learning_rate: 1e-4"), as Hugging Face writes them.
  void read_yaml(const fs::path& file);
  void read_node(const ConfigNode& top, const std::string& where);
  /// "training.learning_rate=1e-4" or "learning_rate=1e-4".
  void read_override(const std::string& text);
  /// --learning-rate 1e-4, --learning_rate=1e-4, --training.learning-rate ..., --shuffle, --no-shuffle, -c FILE; "--" ends flags.
  Arguments parse(const std::vector<std::string>& args);
  void read_flags(const Arguments& args);
  /// Gives positional arguments to the fields that asked for them; with `overrides`, key=value texts are taken out and returned.
  std::vector<std::string> read_positionals(const Arguments& args, bool overrides = false);

  void problem(const std::string& id, const std::string& text);
  /// Error(kUsage) with everything collected; its id is that of the first problem.
  void finish() const;
  const std::set<std::string>& given() const { return given_; }  ///< paths that were set
  bool failed() const { return !problems_.empty(); }

 private:
  std::vector<const Field*> find(const std::string& name) const;  ///< by path or by bare spelling
  void read_members(const ConfigNode& node, const std::string& prefix, const std::string& where);
  void take(const Field& field, const ConfigNode& value, const std::string& where);
  void take_member(const Field& field, const ConfigNode& map);
  std::string unknown(const std::string& name, const std::string& group) const;

  const FieldList& list_;
  std::set<std::string> given_;
  Problems problems_;
  std::string first_id_;
};

}  // namespace attune
