// A JSON object written member by member, as large as it may be: the bytes of dump_json({.indent = 4, .sort_keys = false}) and a line end.
#pragma once

#include <string>

#include "base/files.h"
#include "base/json.h"

namespace attune {

class ObjectWriter {
 public:
  explicit ObjectWriter(OutputFile& out) : out_(out) {}
  /// A key given twice stands there twice.
  void add(const std::string& key, const Json& value);
  void end();

 private:
  OutputFile& out_;
  std::string text_;
  bool any_ = false;
};

}  // namespace attune
