// Rows of JSON files: JSON Lines (an object a line) and documents (a list of objects, an object that holds one, or columns by name).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace attune {

/// One object and where it starts; `problem` not empty: it could not be read.
struct JsonRecord {
  uint64_t line = 0;
  Json object;
  std::string problem;
};

struct JsonRecords {
  std::vector<JsonRecord> records;
  uint64_t blank_lines = 0;
};

/// The object of one line, or its problem.
JsonRecord parse_json_line(std::string_view line, uint64_t number, uint64_t max_record);

/// A .json file that holds several documents one after another is read as JSON Lines.
/// Error(kInput): those of parse_json, and "data.json_shape" when there is no list of objects to be found.
JsonRecords parse_json_document(std::string_view content, const std::string& where, uint64_t max_bytes, uint64_t max_record);
JsonRecords parse_json_lines(std::string_view content, uint64_t max_record);

/// All keys in the order they first appear.
std::vector<std::string> keys_of(const JsonRecords& records);

}  // namespace attune
