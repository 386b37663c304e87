// Regular expressions over module names. Python's re is what PEFT uses; PCRE2 agrees with it on everything such patterns need, and
// works under limits, so that a hostile pattern ends in an Error and never in minutes of backtracking.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"

namespace attune {

/// Where an option came from: what its errors say.
struct Origin {
  ErrorCode code = ErrorCode::kUsage;  ///< kInput for a file's content
  std::string where = "peft";          ///< config section, or the file
};

class Pattern {
 public:
  /// Error "peft.regex" when `text` is no valid expression. `key`: the option that holds it.
  Pattern(const std::string& text, const std::string& key, const Origin& origin);
  /// Python's re.fullmatch. Error "peft.regex_limit" when matching takes more steps than allowed.
  bool matches(const std::string& subject) const;
  /// Python's re.match (anchored at the start only): the text of the group `name`.
  std::optional<std::string> prefix_group(const std::string& subject, const std::string& name) const;

 private:
  bool run(const std::string& subject, bool whole) const;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace attune
