// "Did you mean": the nearest of the known names.
#pragma once

#include <string>
#include <vector>

namespace attune {

/// The nearest candidate by Damerau-Levenshtein distance (case, '-' and '_' ignored), or "" when none is near enough to be a slip.
std::string nearest(const std::string& given, const std::vector<std::string>& candidates);
/// "did you mean 'x'? known: a, b, c" (at most `shown` names), or only the list when nothing is near.
std::string suggestion(const std::string& given, const std::vector<std::string>& candidates, size_t shown = 12);

}  // namespace attune
