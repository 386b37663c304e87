// Tag sequences of named entities: which scheme they follow, where they break it, and the entities they name. Nothing is repaired here:
// spans and conversions are of valid sequences, and check_tags says why a sequence is none.
//   IO      I-X on every token of an entity; two of one type side by side are one
//   IOB1    I-X, and B-X only for an entity right after another of its type (the original CoNLL-2003 files)
//   IOB2    B-X opens every entity (called BIO)
//   IOBES   B-X I-X E-X, and S-X for a single token
//   BILOU   the same with L for E and U for S
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attune {

enum class TagScheme { kIo, kIob1, kIob2, kIobes, kBilou };
const char* scheme_name(TagScheme scheme);  ///< "IOB2"
/// Ignoring case; "BIO" is IOB2, "BILUO" is BILOU, "BIOES" is IOBES.
std::optional<TagScheme> scheme_from_name(std::string_view name);

/// "B-PER" is B and "PER", "O" is O and "".
struct EntityTag {
  char prefix = 'O';
  std::string_view type;
};
/// Nothing where the text is no tag of any scheme: a letter of BIOESLU, '-' and a type, or O alone.
std::optional<EntityTag> parse_tag(std::string_view tag);

/// Tokens [begin, end) of one sequence.
struct EntitySpan {
  std::string type;
  int64_t begin = 0, end = 0;
  bool operator==(const EntitySpan&) const = default;
};

struct TagProblem {
  int64_t position = 0;  ///< token, from 0
  std::string reason;    ///< "I-PER follows O, but IOB2 opens an entity with B-PER"
};
/// Everything at odds with the scheme.
std::vector<TagProblem> check_tags(std::span<const std::string> tags, TagScheme scheme);

/// The scheme of all sequences together. By the letters used; where B, I and O leave IOB1 and IOB2 open, the one broken less often (IOB2
/// of equals). I and O alone are IO. Nothing when some text is no tag: part-of-speech tags, for example.
std::optional<TagScheme> detect_scheme(std::span<const std::vector<std::string>> sequences);

/// The same, sequence by sequence.
class SchemeDetector {
 public:
  void add(std::span<const std::string> tags);
  std::optional<TagScheme> scheme() const;

 private:
  bool all_tags_ = true;
  std::set<char> used_;
  size_t iob1_problems_ = 0, iob2_problems_ = 0;
};

/// Bug when the tags are not valid (check_tags).
std::vector<EntitySpan> spans_of(std::span<const std::string> tags, TagScheme scheme);
/// Tags of `length` tokens. Spans are in order and do not overlap (Bug).
std::vector<std::string> tags_of(std::span<const EntitySpan> spans, int64_t length, TagScheme scheme);
/// IO cannot hold two entities of a type side by side: they become one.
std::vector<std::string> convert_tags(std::span<const std::string> tags, TagScheme from, TagScheme to);

}  // namespace attune
