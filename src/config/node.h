// A configuration value as written, before anybody gave it a type. Own tree, so that limits (size, depth, count), duplicate keys and
// alias cycles are dealt with once; line numbers are kept for messages.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace attune {

struct ConfigNode {
  enum class Kind { kNull, kText, kList, kMap };
  struct Member;
  Kind kind = Kind::kNull;
  std::string text;  ///< of kText
  bool quoted = false;
  std::vector<ConfigNode> items;
  std::vector<Member> members;  ///< keys are distinct
  int line = 0;                 ///< 1-based; 0: not from a file
};
struct ConfigNode::Member {
  std::string key;
  int line = 0;
  ConfigNode value;
};

/// Error(kUsage) "config.syntax", "config.too_large", "config.depth", "config.utf8", "config.duplicate_key"; `where` is the file.
ConfigNode parse_yaml(std::string_view text, const std::string& where);
/// A value from the command line: `[...]` and `{...}` as YAML, anything else is text (`null` included).
ConfigNode parse_value(const std::string& text, const std::string& where);
/// Unquoted null, true, 3, 2.5e-4 get their types, everything else is a string.
nlohmann::ordered_json to_json(const ConfigNode& node);
/// "a list", "'abc'", "null": for messages.
std::string describe(const ConfigNode& node);

}  // namespace attune
