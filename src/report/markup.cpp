#include "report/markup.h"

namespace attune::report {
namespace {

/// The text between two marks at the start of `rest`; empty where there is none.
std::string_view enclosed(std::string_view rest, std::string_view mark) {
  if (!rest.starts_with(mark)) return {};
  const size_t end = rest.find(mark, mark.size());
  return end == std::string_view::npos ? std::string_view{} : rest.substr(mark.size(), end - mark.size());
}

}  // namespace

std::vector<Span> spans(std::string_view text) {
  std::vector<Span> found;
  std::string plain;
  const auto add = [&](Span::Kind kind, std::string_view inner) {
    if (!plain.empty()) found.push_back({Span::Kind::kText, plain});
    plain.clear();
    found.push_back({kind, std::string(inner)});
  };
  for (size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    if (const auto code = enclosed(rest, "`"); !code.empty()) {
      add(Span::Kind::kCode, code);
      i += code.size() + 2;
    } else if (const auto bold = enclosed(rest, "**"); !bold.empty()) {
      add(Span::Kind::kBold, bold);
      i += bold.size() + 4;
    } else {
      plain += text[i++];
    }
  }
  if (!plain.empty()) found.push_back({Span::Kind::kText, plain});
  return found;
}

}  // namespace attune::report
