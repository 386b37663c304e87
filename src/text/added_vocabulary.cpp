// Matching walks down the sorted patterns: after d characters, the range of patterns that begin with them. No automaton is built, since
// a tokenizer has a handful of added tokens and their first character is rare in text.
#include "text/added_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "text/unicode.h"

namespace attune {

void AddedVocabulary::add(const std::vector<AddedToken>& tokens, const Vocabulary& model) {
  const auto size = static_cast<int32_t>(model.size());
  int32_t next = size;
  if (!by_id_.empty()) {
    const int32_t most = by_id_.rbegin()->first;
    if (most >= size || size == 0) next = most + 1;
  }
  for (const AddedToken& t : tokens) {
    if (t.content.empty()) continue;
    std::optional<int32_t> known = id(t.content);
    if (!known) known = model.id(t.content);
    const int32_t given = known ? *known : next++;
    ids_[t.content] = given;
    if (t.special) special_[t.content] = true;
    by_id_[given] = t;
  }
}

void AddedVocabulary::finish(const Normalizer* normalizer, const std::string& where) {
  raw_.clear();
  normalized_.clear();
  normal_form_.clear();
  for (const auto& [id, t] : by_id_) {
    std::u32string text = to_code_points(t.content);
    if (t.normalized && normalizer) {
      AlignedText in, out;
      decode_text(t.content, in);
      normalizer->apply(in.view(), out);
      std::u32string normal(out.chars.begin(), out.chars.end());
      if (normal != text) normal_form_[id] = to_utf8(normal);
      text = std::move(normal);
    }
    (t.normalized ? normalized_ : raw_).push_back({std::move(text), id});
  }
  for (auto* patterns : {&raw_, &normalized_}) {
    std::sort(patterns->begin(), patterns->end(), [](const Pattern& a, const Pattern& b) { return a.text < b.text; });
    for (size_t i = 0; i < patterns->size(); ++i) {
      const bool same = i > 0 && (*patterns)[i].text == (*patterns)[i - 1].text;
      if (!same && !(*patterns)[i].text.empty()) continue;
      fail(ErrorCode::kInput,
           {.id = "tokenizer.added_token",
            .where = where,
            .what = fmt::format("the added token '{}' {}", by_id_.at((*patterns)[i].id).content,
                                same ? "cannot be told from another one in normalised text" : "vanishes when normalised"),
            .hint = "set \"normalized\": false for it"});
    }
  }
}

std::optional<int32_t> AddedVocabulary::id(std::string_view token) const {
  const auto at = ids_.find(token);
  if (at == ids_.end()) return std::nullopt;
  return at->second;
}

const AddedToken* AddedVocabulary::token(int32_t id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &at->second;
}

std::optional<std::string> AddedVocabulary::decoded(int32_t id) const {
  const AddedToken* t = token(id);
  if (!t) return std::nullopt;
  const auto at = normal_form_.find(id);
  return at == normal_form_.end() ? t->content : at->second;
}

bool AddedVocabulary::is_special(std::string_view token) const { return special_.find(token) != special_.end(); }

size_t AddedVocabulary::outside(const Vocabulary& model) const {
  size_t n = 0;
  for (const auto& [token, id] : ids_) n += !model.id(token);
  return n;
}

std::vector<AddedVocabulary::Part> AddedVocabulary::find(const std::vector<Pattern>& patterns, std::span<const char32_t> chars) const {
  std::vector<Part> parts;
  if (chars.empty()) return parts;
  const uint16_t* flags = unicode::flags();
  uint64_t firsts = 0;  // a bit for the low six bits of each pattern's first character
  for (const Pattern& p : patterns) firsts |= uint64_t{1} << (p.text[0] & 63);
  const size_t n = chars.size();
  size_t done = 0;  // everything before is in a part
  size_t at = 0;
  while (at < n) {
    if (!(firsts >> (chars[at] & 63) & 1)) {
      ++at;
      continue;
    }
    auto low = patterns.begin(), high = patterns.end();
    const Pattern* best = nullptr;
    for (size_t depth = 0; low != high && at + depth < n; ++depth) {
      const char32_t c = chars[at + depth];
      low = std::partition_point(low, high, [&](const Pattern& p) { return p.text.size() <= depth || p.text[depth] < c; });
      high = std::partition_point(low, high, [&](const Pattern& p) { return p.text[depth] <= c; });
      if (low != high && low->text.size() == depth + 1) best = &*low;
    }
    if (!best) {
      ++at;
      continue;
    }
    size_t begin = at, end = at + best->text.size();
    at = end;
    const AddedToken& token = by_id_.at(best->id);
    if (split_special_ && is_special(token.content)) continue;
    if (token.single_word) {
      const bool free_left = begin == 0 || !(flags[chars[begin - 1]] & unicode::kWordChar);
      const bool free_right = end == n || !(flags[chars[end]] & unicode::kWordChar);
      if (!free_left || !free_right) continue;
    }
    if (token.lstrip) {
      while (begin > done && flags[chars[begin - 1]] & unicode::kRegexWhite) --begin;
    }
    if (token.rstrip) {
      while (end < n && flags[chars[end]] & unicode::kRegexWhite) ++end;
    }
    if (done < begin) parts.push_back({std::nullopt, {done, begin}});
    parts.push_back({best->id, {begin, end}});
    done = end;
  }
  if (done < n) parts.push_back({std::nullopt, {done, n}});
  return parts;
}

}  // namespace attune
