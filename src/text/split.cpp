// Split and Digits of tokenizer.json: a word is cut into matches and what lies between them, and the behaviour says which parts are kept
// and which are joined.
#include <algorithm>

#include "text/pre_tokenizer.h"
#include "text/split_pattern.h"
#include "text/unicode.h"

namespace attune {
namespace {

struct Part {
  Span span;
  bool match;
};

/// Parts of [begin, end) from matches relative to `begin`, in order; together they cover it (an empty match is an empty part).
void parts_between(const std::vector<Span>& matches, size_t begin, size_t end, bool invert, std::vector<Part>& out) {
  out.clear();
  size_t done = begin;
  for (const Span& m : matches) {
    if (done != begin + m.begin) out.push_back({{done, begin + m.begin}, invert});
    out.push_back({{begin + m.begin, begin + m.end}, !invert});
    done = begin + m.end;
  }
  if (done != end) out.push_back({{done, end}, invert});
}

/// Joins parts from left to right; `joins(before, part)`: part is added to what the part before it went to.
template <class Joins>
void join_forward(const std::vector<Part>& parts, std::vector<Span>& words, Joins joins) {
  const size_t first = words.size();
  bool before = false;
  for (const Part& p : parts) {
    if (joins(before, p.match) && words.size() > first) {
      words.back().end = p.span.end;
    } else {
      words.push_back(p.span);
    }
    before = p.match;
  }
}

void apply(SplitBehavior behavior, std::vector<Part>& parts, std::vector<Span>& words) {
  const size_t first = words.size();
  switch (behavior) {
    case SplitBehavior::kRemoved:
      for (const Part& p : parts)
        if (!p.match) words.push_back(p.span);
      break;
    case SplitBehavior::kIsolated:
      for (const Part& p : parts) words.push_back(p.span);
      break;
    case SplitBehavior::kContiguous:
      join_forward(parts, words, [](bool before, bool match) { return before == match; });
      break;
    case SplitBehavior::kMergedWithPrevious:
      join_forward(parts, words, [](bool before, bool match) { return match && !before; });
      break;
    case SplitBehavior::kMergedWithNext: {
      bool after = false;
      for (auto p = parts.rbegin(); p != parts.rend(); ++p) {
        if (p->match && !after && words.size() > first) {
          words.back().begin = p->span.begin;
        } else {
          words.push_back(p->span);
        }
        after = p->match;
      }
      std::reverse(words.begin() + static_cast<ptrdiff_t>(first), words.end());
    }
  }
  const auto empty = [](const Span& s) { return s.size() == 0; };
  words.erase(std::remove_if(words.begin() + static_cast<ptrdiff_t>(first), words.end(), empty), words.end());
}

template <class Find>
void split_words(std::vector<Span>& words, SplitBehavior behavior, bool invert, Find find) {
  std::vector<Span> out, matches;
  std::vector<Part> parts;
  out.reserve(words.size() * 2);
  for (const Span& word : words) {
    find(word, matches);
    parts_between(matches, word.begin, word.end, invert, parts);
    apply(behavior, parts, out);
  }
  words = std::move(out);
}

class Split : public PreTokenizer {
 public:
  Split(SplitPattern pattern, SplitBehavior behavior, bool invert) : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void split(AlignedText& text, std::vector<Span>& words) const override {
    split_words(words, behavior_, invert_, [&](const Span& word, std::vector<Span>& matches) {
      pattern_.find(std::span<const char32_t>(text.chars).subspan(word.begin, word.size()), matches);
    });
  }

 private:
  SplitPattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

class Digits : public PreTokenizer {
 public:
  explicit Digits(bool individual) : individual_(individual) {}
  void split(AlignedText& text, std::vector<Span>& words) const override {
    const uint16_t* flags = unicode::flags();
    const auto numeric = [&](size_t i) { return (flags[text.chars[i]] & unicode::kNumeric) != 0; };
    std::vector<Span> out;
    out.reserve(words.size() * 2);
    for (const Span& word : words) {
      size_t begin = word.begin;
      for (size_t i = word.begin + 1; i <= word.end; ++i) {
        if (i < word.end && numeric(i) == numeric(i - 1) && !(individual_ && numeric(i))) continue;
        out.push_back({begin, i});
        begin = i;
      }
    }
    words = std::move(out);
  }

 private:
  bool individual_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_split(SplitPattern pattern, SplitBehavior behavior, bool invert) {
  return std::make_unique<Split>(std::move(pattern), behavior, invert);
}
std::unique_ptr<PreTokenizer> make_digits(bool individual) { return std::make_unique<Digits>(individual); }

}  // namespace attune
