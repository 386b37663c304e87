// Text to number and back, the same rules in YAML files and on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune {

/// true/false/yes/no/on/off in any case.
std::optional<bool> parse_bool(std::string_view text);
/// A whole number; 1e3 and 8.0 count, 2.5 does not.
std::optional<int64_t> parse_integer(std::string_view text);
/// A finite number.
std::optional<double> parse_number(std::string_view text);
/// Bytes: 2GB, 512 MB, 1.5GiB, 100k or a plain whole number, in any case; kB, MB, GB, TB are powers of 1000.
std::optional<int64_t> parse_bytes(std::string_view text);
std::string bytes_text(int64_t bytes);  ///< "1.40 GB"
bool is_null_word(std::string_view text);  ///< "", null, none, ~ in any case
/// Shortest text that reads back, with a dot where there is an exponent (YAML 1.1 readers want 5.0e-05).
std::string number_text(double value);
/// Split at commas; spaces around the parts and empty parts go.
std::vector<std::string> split_commas(std::string_view text);

}  // namespace attune
