// The small files of a model folder by name: on the disk, or in memory where another file stands for the folder (GGUF).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/json.h"

namespace attune {

class TextFiles {
 public:
  using Texts = std::map<std::string, std::string>;

  TextFiles() = default;
  TextFiles(fs::path folder) : place_(std::move(folder)) {}  // NOLINT(google-explicit-constructor): a folder is its files
  /// `place`: for messages.
  TextFiles(fs::path place, std::shared_ptr<const Texts> texts) : place_(std::move(place)), texts_(std::move(texts)) {}

  const fs::path& place() const { return place_; }
  std::string where(const std::string& name) const { return (place_ / name).string(); }
  bool contains(const std::string& name) const;
  /// As read_file and read_json.
  std::string read(const std::string& name, uint64_t limit = UINT64_MAX) const;
  Json json(const std::string& name, const JsonLimits& limits = {}) const;

 private:
  fs::path place_;
  std::shared_ptr<const Texts> texts_;  // null: on the disk
};

}  // namespace attune
