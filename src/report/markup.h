// The little markup of paragraphs: `code` between backticks and **bold**. A mark without its partner is text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace attune::report {

struct Span {
  enum class Kind { kText, kCode, kBold } kind = Kind::kText;
  std::string text;
  bool operator==(const Span&) const = default;
};
std::vector<Span> spans(std::string_view text);

}  // namespace attune::report
