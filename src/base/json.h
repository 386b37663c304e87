// JSON from outside goes through parse_json: it checks size, UTF-8, depth, duplicate keys and trailing content before a document
// object exists. Writing follows Python's json byte conventions (../docs/formats of Hugging Face files: indent 2, sorted keys).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/files.h"

namespace attune {

using Json = nlohmann::ordered_json;  ///< keeps the order of keys

struct JsonLimits {
  uint64_t max_bytes = uint64_t{64} << 20;
  int max_depth = 64;
  bool allow_nan = false;  ///< NaN, Infinity, -Infinity literals (trainer_state.json only); they become doubles
};

/// Error(kInput) "json.too_large", "json.utf8", "json.depth", "json.duplicate_key", "json.trailing", "json.syntax", "json.range" (1e999);
/// `where` is the file, to which the message adds line and column.
Json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits = {});
Json read_json(const fs::path& path, const JsonLimits& limits = {});

/// Python's json.dumps: floats as the shortest text that reads back (1e-05, 16.0), NaN refused (Bug) unless `nan_as_null`.
struct JsonStyle {
  int indent = 2;          ///< -1: one line, ", " and ": " as Python writes them
  bool sort_keys = true;
  bool ascii = true;       ///< \uXXXX escapes
  bool compact = false;    ///< one line without any white space
  bool nan_as_null = false;
};
std::string dump_json(const Json& value, const JsonStyle& style = {});

/// Typed reading with errors that name the path. `where` is the file, `key` the member.
/// Each returns the default when the key is absent or null; a wrong type or a value out of range is Error(kInput) "json.type" /
/// "json.range". 16.0 is an integer.
int64_t get_int(const Json& object, const std::string& key, int64_t absent, const std::string& where, int64_t least = INT64_MIN,
                int64_t most = INT64_MAX);
double get_number(const Json& object, const std::string& key, double absent, const std::string& where);
bool get_bool(const Json& object, const std::string& key, bool absent, const std::string& where);
std::string get_string(const Json& object, const std::string& key, const std::string& absent, const std::string& where);
std::vector<std::string> get_strings(const Json& object, const std::string& key, const std::string& where);

}  // namespace attune
