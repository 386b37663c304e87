#include "metrics/entities.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace attune {
namespace {

/// How a scheme writes an entity.
struct Letters {
  const char* name;
  std::string_view all;  ///< beside O
  char open, inside, close, single;
};
constexpr std::array<Letters, 5> kLetters{{{"IO", "I", 'I', 'I', 'I', 'I'},
                                           {"IOB1", "IB", 'I', 'I', 'I', 'I'},
                                           {"IOB2", "BI", 'B', 'I', 'I', 'B'},
                                           {"IOBES", "BIES", 'B', 'I', 'E', 'S'},
                                           {"BILOU", "BILU", 'B', 'I', 'L', 'U'}}};
const Letters& letters_of(TagScheme scheme) { return kLetters[static_cast<size_t>(scheme)]; }

std::string written(const EntityTag& tag) { return tag.prefix == 'O' ? "O" : fmt::format("{}-{}", tag.prefix, tag.type); }

/// What may follow `before` (O before the first token) in a scheme without closing tags; "" when `tag` may.
std::string problem_without_closing(const EntityTag& before, const EntityTag& tag, TagScheme scheme) {
  const bool goes_on = before.prefix != 'O' && before.type == tag.type;
  if (scheme == TagScheme::kIob2 && tag.prefix == 'I' && !goes_on)
    return fmt::format("{} follows {}, but IOB2 opens an entity with B-{}", written(tag), written(before), tag.type);
  if (scheme == TagScheme::kIob1 && tag.prefix == 'B' && !goes_on)
    return fmt::format("{} follows {}, but IOB1 has B only right after an entity of the same type", written(tag), written(before));
  return "";
}

/// The same for IOBES and BILOU: an entity that was opened stays open until it is closed.
std::string problem_with_closing(const EntityTag& before, const EntityTag& tag, const Letters& letters) {
  const bool open = before.prefix == letters.open || before.prefix == letters.inside;
  const bool needs_open = tag.prefix == letters.inside || tag.prefix == letters.close;
  if (open && !(needs_open && before.type == tag.type))
    return fmt::format("{} is followed by {}, but {} closes an entity with {}-{}", written(before), written(tag), letters.name,
                       letters.close, before.type);
  if (!open && needs_open)
    return fmt::format("{} follows {}, but {} opens an entity with {}-{}", written(tag), written(before), letters.name, letters.open,
                       tag.type);
  return "";
}

}  // namespace

const char* scheme_name(TagScheme scheme) { return letters_of(scheme).name; }

std::optional<TagScheme> scheme_from_name(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (upper == "BIO") upper = "IOB2";
  if (upper == "BIOES") upper = "IOBES";
  if (upper == "BILUO") upper = "BILOU";
  for (size_t i = 0; i < kLetters.size(); ++i)
    if (upper == kLetters[i].name) return static_cast<TagScheme>(i);
  return std::nullopt;
}

std::optional<EntityTag> parse_tag(std::string_view tag) {
  if (tag == "O") return EntityTag{};
  if (tag.size() < 3 || tag[1] != '-' || std::string_view("BIESLU").find(tag[0]) == std::string_view::npos) return std::nullopt;
  return EntityTag{tag[0], tag.substr(2)};
}

std::vector<TagProblem> check_tags(std::span<const std::string> tags, TagScheme scheme) {
  const Letters& letters = letters_of(scheme);
  const bool closes = letters.close != letters.inside;
  std::vector<TagProblem> problems;
  EntityTag before;
  for (size_t i = 0; i < tags.size(); ++i) {
    const std::optional<EntityTag> tag = parse_tag(tags[i]);
    const auto problem = [&](std::string reason) {
      if (!reason.empty()) problems.push_back({static_cast<int64_t>(i), std::move(reason)});
    };
    if (!tag) {
      problem(fmt::format("'{}' is no tag: expected O, or a letter, '-' and a type", tags[i]));
      before = {};
      continue;
    }
    if (tag->prefix != 'O' && letters.all.find(tag->prefix) == std::string_view::npos) {
      problem(fmt::format("{} has no meaning in {}", tags[i], letters.name));
    } else {
      problem(closes ? problem_with_closing(before, *tag, letters) : problem_without_closing(before, *tag, scheme));
    }
    before = *tag;
  }
  if (closes && (before.prefix == letters.open || before.prefix == letters.inside))
    problems.push_back({static_cast<int64_t>(tags.size()) - 1, fmt::format("{} is the last tag, but {} closes an entity with {}-{}",
                                                                           written(before), letters.name, letters.close, before.type)});
  return problems;
}

std::optional<TagScheme> detect_scheme(std::span<const std::vector<std::string>> sequences) {
  SchemeDetector detector;
  for (const auto& tags : sequences) detector.add(tags);
  return detector.scheme();
}

void SchemeDetector::add(std::span<const std::string> tags) {
  for (const std::string& text : tags) {
    const auto tag = parse_tag(text);
    all_tags_ = all_tags_ && tag;
    if (tag) used_.insert(tag->prefix);
  }
  if (!all_tags_) return;
  iob1_problems_ += check_tags(tags, TagScheme::kIob1).size();
  iob2_problems_ += check_tags(tags, TagScheme::kIob2).size();
}

std::optional<TagScheme> SchemeDetector::scheme() const {
  if (!all_tags_) return std::nullopt;
  if (used_.contains('L') || used_.contains('U')) return TagScheme::kBilou;
  if (used_.contains('E') || used_.contains('S')) return TagScheme::kIobes;
  if (!used_.contains('B')) return used_.contains('I') ? TagScheme::kIo : TagScheme::kIob2;
  return iob1_problems_ < iob2_problems_ ? TagScheme::kIob1 : TagScheme::kIob2;
}

std::vector<EntitySpan> spans_of(std::span<const std::string> tags, TagScheme scheme) {
  require(check_tags(tags, scheme).empty(), "tags of the scheme");
  const Letters& letters = letters_of(scheme);
  std::vector<EntitySpan> spans;
  EntityTag before;
  for (size_t i = 0; i < tags.size(); ++i) {
    const EntityTag tag = *parse_tag(tags[i]);
    if (tag.prefix != 'O') {
      const bool first = tag.prefix == 'B' || tag.prefix == letters.single || before.prefix == 'O' || before.type != tag.type;
      const bool goes_on = tag.prefix == letters.inside && before.prefix != 'O' && before.type == tag.type;
      if (first && !goes_on) {
        spans.push_back({std::string(tag.type), static_cast<int64_t>(i), static_cast<int64_t>(i)});
      }
      spans.back().end = static_cast<int64_t>(i) + 1;
    }
    before = tag;
  }
  return spans;
}

std::vector<std::string> tags_of(std::span<const EntitySpan> spans, int64_t length, TagScheme scheme) {
  const Letters& letters = letters_of(scheme);
  std::vector<std::string> tags(static_cast<size_t>(length), "O");
  int64_t done = 0;
  const EntitySpan* last = nullptr;
  for (const EntitySpan& span : spans) {
    require(span.begin >= done && span.end > span.begin && span.end <= length, "spans in order, apart, inside the sequence");
    const bool touches = scheme == TagScheme::kIob1 && last != nullptr && last->end == span.begin && last->type == span.type;
    for (int64_t i = span.begin; i < span.end; ++i) {
      char letter = letters.inside;
      if (i == span.begin) letter = touches ? 'B' : letters.open;
      if (i == span.end - 1 && i != span.begin) letter = letters.close;
      if (span.end - span.begin == 1) letter = touches ? 'B' : letters.single;
      tags[static_cast<size_t>(i)] = fmt::format("{}-{}", letter, span.type);
    }
    done = span.end;
    last = &span;
  }
  return tags;
}

std::vector<std::string> convert_tags(std::span<const std::string> tags, TagScheme from, TagScheme to) {
  return tags_of(spans_of(tags, from), static_cast<int64_t>(tags.size()), to);
}

}  // namespace attune
