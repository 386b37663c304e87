// Combinations of windows are kept as pairs of indices while the template is walked; encodings are written once each at the end.
#include "text/post_processor.h"

#include <algorithm>
#include <array>

namespace attune {
namespace {

using Choice = std::array<size_t, 2>;  ///< window of the first and of the second text

/// As the package does it, in characters: `first` is the first token of its text that is left after truncation.
void trim(std::pair<int32_t, int32_t>& offsets, Margin margin, bool first, bool add_prefix_space) {
  auto& [begin, end] = offsets;
  if (margin.leading > 0) {
    const bool added = (first || begin == 0) && add_prefix_space && margin.leading == 1;
    begin = std::min(begin + (added ? 0 : margin.leading), end);
  }
  if (margin.trailing > 0 && end >= margin.trailing) end = std::max(end - margin.trailing, begin);
}

void write(const PostProcessor& processor, const std::vector<TemplatePiece>& pieces, const std::vector<TextTokens>& texts,
           const std::vector<std::vector<Span>>& windows, const Choice& choice, bool special_tokens, Encoding& out) {
  size_t total = 0;
  for (const TemplatePiece& p : pieces) {
    total += p.kind == TemplatePiece::kSpecial ? p.ids.size() : windows[p.kind][choice[p.kind]].size();
  }
  out.ids.reserve(total);
  out.type_ids.reserve(total);
  out.offsets.reserve(total);
  out.special.reserve(total);
  out.sequence.reserve(total);
  out.word_ids.reserve(total);
  for (const TemplatePiece& p : pieces) {
    if (p.kind == TemplatePiece::kSpecial) {
      if (!special_tokens) continue;
      const size_t n = p.ids.size();
      out.ids.insert(out.ids.end(), p.ids.begin(), p.ids.end());
      out.type_ids.insert(out.type_ids.end(), n, p.type_id);
      out.offsets.insert(out.offsets.end(), n, {0, 0});
      out.special.insert(out.special.end(), n, int8_t{1});
      out.sequence.insert(out.sequence.end(), n, int8_t{-1});
      out.word_ids.insert(out.word_ids.end(), n, -1);
      continue;
    }
    const TextTokens& t = texts[p.kind];
    const Span w = windows[p.kind][choice[p.kind]];
    const auto begin = static_cast<ptrdiff_t>(w.begin), end = static_cast<ptrdiff_t>(w.end);
    out.ids.insert(out.ids.end(), t.ids.begin() + begin, t.ids.begin() + end);
    const bool own_type = processor.types_kept_windows_only && choice[p.kind] > 0;
    out.type_ids.insert(out.type_ids.end(), w.size(), own_type ? static_cast<int32_t>(p.kind) : p.type_id);
    out.offsets.insert(out.offsets.end(), t.offsets.begin() + begin, t.offsets.begin() + end);
    for (const bool add_prefix_space : processor.trims) {
      const size_t at = out.offsets.size() - w.size();
      for (size_t i = 0; i < w.size(); ++i) trim(out.offsets[at + i], t.margins[w.begin + i], i == 0, add_prefix_space);
    }
    out.special.insert(out.special.end(), w.size(), int8_t{0});
    out.sequence.insert(out.sequence.end(), w.size(), static_cast<int8_t>(p.kind));
    out.word_ids.insert(out.word_ids.end(), t.words.begin() + begin, t.words.begin() + end);
  }
}

}  // namespace

int64_t PostProcessor::special_count(bool is_pair) const {
  int64_t n = 0;
  for (const TemplatePiece& p : pieces(is_pair)) n += static_cast<int64_t>(p.ids.size());
  return n;
}

Encoding post_process(const PostProcessor& processor, const std::vector<TextTokens>& texts, const std::vector<std::vector<Span>>& windows,
                      bool special_tokens) {
  const auto& pieces = processor.pieces(texts.size() > 1);
  std::vector<Choice> overflow;
  for (const TemplatePiece& p : pieces) {
    if (p.kind == TemplatePiece::kSpecial || windows[p.kind].size() == 1) continue;
    std::vector<Choice> next;
    for (const Choice& o : overflow) {
      for (size_t w = 0; w < windows[p.kind].size(); ++w) {
        next.push_back(o);
        next.back()[p.kind] = w;
      }
    }
    for (size_t w = 1; w < windows[p.kind].size(); ++w) {
      next.push_back({0, 0});
      next.back()[p.kind] = w;
    }
    overflow = std::move(next);
  }
  Encoding out;
  write(processor, pieces, texts, windows, {0, 0}, special_tokens, out);
  out.overflow.resize(overflow.size());
  for (size_t i = 0; i < overflow.size(); ++i) {
    write(processor, pieces, texts, windows, overflow[i], special_tokens, out.overflow[i]);
    out.overflow[i].truncated = true;
  }
  return out;
}

}  // namespace attune
