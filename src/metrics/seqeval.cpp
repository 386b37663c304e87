#include "metrics/seqeval.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "base/code_points.h"
#include "base/error.h"
#include "base/utf8.h"
#include "metrics/counts.h"

namespace attune {
namespace {

// ---- default mode -------------------------------------------------------------------------------------------------

struct LooseTag {
  uint32_t prefix = 'O';
  std::string type;
};

LooseTag loose_tag(std::string_view text) {
  require(!text.empty(), "a tag that is not empty");
  LooseTag tag;
  const int first = std::max(1, decode_utf8(text, tag.prefix));
  std::string_view rest = text.substr(static_cast<size_t>(first));
  if (const size_t dash = rest.find('-'); dash != std::string_view::npos) rest.remove_prefix(dash + 1);
  tag.type = rest.empty() ? "_" : std::string(rest);
  return tag;
}

bool one_of(uint32_t c, std::string_view letters) { return c < 0x80 && letters.find(static_cast<char>(c)) != std::string_view::npos; }
bool outside(uint32_t c) { return c == 'O' || c == '.'; }

bool ends_before(const LooseTag& before, const LooseTag& tag) {
  return one_of(before.prefix, "ES") || (one_of(before.prefix, "BI") && one_of(tag.prefix, "BSO")) ||
         (!outside(before.prefix) && before.type != tag.type);
}

bool starts_at(const LooseTag& before, const LooseTag& tag) {
  return one_of(tag.prefix, "BS") || (one_of(before.prefix, "ESO") && one_of(tag.prefix, "EI")) ||
         (!outside(tag.prefix) && before.type != tag.type);
}

// ---- strict mode --------------------------------------------------------------------------------------------------

enum class Types { kAny, kSame, kOther };

/// A pair of neighbours, `before` and `now` one letter of each list.
struct Pattern {
  std::string_view before, now;
  Types types;
};

struct StrictScheme {
  std::string_view letters;
  std::vector<Pattern> start, inside, end;
};

const StrictScheme& strict_scheme(TagScheme scheme) {
  constexpr std::string_view kAll = "IOBESUL";
  static const StrictScheme kIob1{
      "IOB",
      {{"O", "I", Types::kAny}, {"I", "I", Types::kOther}, {"B", "I", Types::kAny}, {"IB", "B", Types::kSame}},
      {{"BI", "I", Types::kSame}},
      {{"I", "I", Types::kOther}, {"I", "OB", Types::kAny}, {"B", "O", Types::kAny}, {"B", "I", Types::kOther}, {"B", "B", Types::kSame}}};
  static const StrictScheme kIob2{
      "IOB", {{kAll, "B", Types::kAny}}, {{"BI", "I", Types::kSame}}, {{"BI", "OB", Types::kAny}, {"BI", "I", Types::kOther}}};
  static const StrictScheme kIobes{"IOBES", {{kAll, "BS", Types::kAny}}, {{"BI", "IE", Types::kSame}}, {{"SE", kAll, Types::kAny}}};
  static const StrictScheme kBilou{"BILOU", {{kAll, "BU", Types::kAny}}, {{"BI", "IL", Types::kSame}}, {{"UL", kAll, Types::kAny}}};
  switch (scheme) {
    case TagScheme::kIo:
    case TagScheme::kIob1:
      return kIob1;
    case TagScheme::kIob2:
      return kIob2;
    case TagScheme::kIobes:
      return kIobes;
    case TagScheme::kBilou:
      return kBilou;
  }
  throw Bug("a tag scheme");
}

struct StrictTag {
  char prefix = 'O';
  std::string_view type = "_";
};

StrictTag strict_tag(const std::string& text, const StrictScheme& scheme, TagScheme which) {
  require(!text.empty(), "a tag that is not empty");
  if (scheme.letters.find(text[0]) == std::string_view::npos)
    fail(ErrorCode::kInput, {.id = "seqeval.tag",
                             .where = text,
                             .what = "the tag has a prefix that the scheme does not have",
                             .expected = fmt::format("{} tags: one of {}", scheme_name(which), scheme.letters),
                             .got = text.substr(0, 1),
                             .hint = "score in default mode, or name the scheme the tags are in"});
  std::string_view type = std::string_view(text).substr(1);
  while (!type.empty() && type.front() == '-') type.remove_prefix(1);
  while (!type.empty() && type.back() == '-') type.remove_suffix(1);
  return {text[0], type.empty() ? std::string_view("_") : type};
}

bool matches(const std::vector<Pattern>& patterns, const StrictTag& before, const StrictTag& now) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& p) {
    return p.before.find(before.prefix) != std::string_view::npos && p.now.find(now.prefix) != std::string_view::npos &&
           (p.types == Types::kAny || (before.type == now.type) == (p.types == Types::kSame));
  });
}

// ---- scores -------------------------------------------------------------------------------------------------------

/// NumPy's pairwise sum, so that averages have the same last bits.
double numpy_sum(std::span<const double> x) {
  if (x.size() < 8) {
    double sum = 0;
    for (double v : x) sum += v;
    return sum;
  }
  if (x.size() > 128) {
    const size_t half = x.size() / 2 / 8 * 8;
    return numpy_sum(x.first(half)) + numpy_sum(x.subspan(half));
  }
  std::array<double, 8> r{};
  std::copy_n(x.begin(), 8, r.begin());
  size_t i = 8;
  for (; i + 8 <= x.size(); i += 8)
    for (size_t k = 0; k < 8; ++k) r[k] += x[i + k];
  double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < x.size(); ++i) sum += x[i];
  return sum;
}

ClassScores scores_from(int64_t hits, int64_t predicted, int64_t gold) {
  ClassScores s{.precision = ratio(hits, predicted), .recall = ratio(hits, gold), .f1 = 0, .support = gold};
  const double both = s.precision + s.recall;
  s.f1 = both == 0 ? 0.0 : 2 * s.precision * s.recall / both;
  return s;
}

ClassScores average(const std::vector<ClassScores>& all, bool weighted, int64_t support) {
  ClassScores out{.precision = 0, .recall = 0, .f1 = 0, .support = support};
  if (all.empty() || (weighted && support == 0)) return out;
  const auto mean = [&](double ClassScores::*member) {
    std::vector<double> values;
    for (const ClassScores& s : all) values.push_back(weighted ? s.*member * static_cast<double>(s.support) : s.*member);
    return numpy_sum(values) / static_cast<double>(weighted ? support : static_cast<int64_t>(all.size()));
  };
  out.precision = mean(&ClassScores::precision);
  out.recall = mean(&ClassScores::recall);
  out.f1 = mean(&ClassScores::f1);
  return out;
}

/// Entities of all sequences, positions counted over all of them.
using Found = std::set<std::tuple<std::string, int64_t, int64_t>>;

EntityScores scores_of_found(TagSequences gold, TagSequences predicted, const Found& in_gold, const Found& in_predicted) {
  int64_t tags = 0, right = 0;
  for (size_t i = 0; i < gold.size(); ++i) {
    tags += static_cast<int64_t>(gold[i].size());
    for (size_t t = 0; t < gold[i].size(); ++t) right += gold[i][t] == predicted[i][t];
  }
  EntityCountsByType by_type;
  for (const auto& entity : in_gold) {
    EntityCounts& c = by_type[std::get<0>(entity)];
    ++c.gold;
    c.hits += static_cast<int64_t>(in_predicted.count(entity));
  }
  for (const auto& entity : in_predicted) ++by_type[std::get<0>(entity)].predicted;
  return entity_scores(by_type, right, tags);
}

void check_pairs(TagSequences gold, TagSequences predicted) {
  require(gold.size() == predicted.size(), "a prediction for every sequence");
  for (size_t i = 0; i < gold.size(); ++i) require(gold[i].size() == predicted[i].size(), "a prediction for every tag");
}

/// The original reads all sequences as one with an O between them; odd tags see it.
Found lenient_entities(TagSequences sequences) {
  std::vector<std::string> joined;
  for (const auto& tags : sequences) {
    joined.insert(joined.end(), tags.begin(), tags.end());
    joined.emplace_back("O");
  }
  Found found;
  for (EntitySpan& s : lenient_spans(joined)) found.emplace(std::move(s.type), s.begin, s.end);
  return found;
}

Found strict_entities(TagSequences sequences, TagScheme scheme) {
  Found found;
  int64_t offset = 0;
  for (const auto& tags : sequences) {
    for (EntitySpan& s : strict_spans(tags, scheme)) found.emplace(std::move(s.type), offset + s.begin, offset + s.end);
    offset += static_cast<int64_t>(tags.size()) + 1;
  }
  return found;
}

}  // namespace

std::vector<EntitySpan> lenient_spans(std::span<const std::string> tags) {
  std::vector<EntitySpan> spans;
  LooseTag before{'O', ""};
  int64_t begin = 0;
  for (size_t i = 0; i <= tags.size(); ++i) {
    LooseTag tag = i < tags.size() ? loose_tag(tags[i]) : LooseTag{'O', "_"};
    const auto at = static_cast<int64_t>(i);
    if (ends_before(before, tag)) spans.push_back({before.type, begin, at});
    if (starts_at(before, tag)) begin = at;
    before = std::move(tag);
  }
  return spans;
}

std::vector<EntitySpan> strict_spans(std::span<const std::string> tags, TagScheme which) {
  const StrictScheme& scheme = strict_scheme(which);
  std::vector<StrictTag> all;
  for (const std::string& t : tags) all.push_back(strict_tag(t, scheme, which));
  all.push_back({});  // the sentence's end
  std::vector<EntitySpan> spans;
  StrictTag before;
  for (size_t i = 0; i < all.size();) {
    size_t next = i + 1;
    if (matches(scheme.start, before, all[i])) {
      while (next < all.size() && matches(scheme.inside, all[next - 1], all[next])) ++next;
      if (matches(scheme.end, all[next - 1], all[next]))
        spans.push_back({std::string(all[i].type), static_cast<int64_t>(i), static_cast<int64_t>(next)});
    }
    i = next;
    before = all[i - 1];
  }
  return spans;
}

EntityScores entity_scores(const EntityCountsByType& by_type, int64_t right, int64_t tags) {
  EntityScores out;
  EntityCounts all;
  for (const auto& [type, c] : by_type) {
    all.hits += c.hits;
    all.predicted += c.predicted;
    all.gold += c.gold;
    out.types.push_back(type);
    out.per_type.push_back(scores_from(c.hits, c.predicted, c.gold));
  }
  out.micro = scores_from(all.hits, all.predicted, all.gold);
  out.macro = average(out.per_type, false, all.gold);
  out.weighted = average(out.per_type, true, all.gold);
  out.accuracy = ratio(right, tags);
  return out;
}

EntityScores entity_scores(TagSequences gold, TagSequences predicted) {
  check_pairs(gold, predicted);
  return scores_of_found(gold, predicted, lenient_entities(gold), lenient_entities(predicted));
}

EntityScores strict_entity_scores(TagSequences gold, TagSequences predicted, TagScheme scheme) {
  check_pairs(gold, predicted);
  return scores_of_found(gold, predicted, strict_entities(gold, scheme), strict_entities(predicted, scheme));
}

std::string entity_report(const EntityScores& scores, int digits) {
  int64_t width = std::max<int64_t>(12, digits);  // "weighted avg"
  for (const std::string& type : scores.types) width = std::max(width, CodePoints(type).size());
  const auto padded = [&](const std::string& name) {
    return std::string(static_cast<size_t>(width - CodePoints(name).size()), ' ') + name;
  };
  std::string out = fmt::format("{}  {:>9} {:>9} {:>9} {:>9}\n\n", padded(""), "precision", "recall", "f1-score", "support");
  const auto row = [&](const std::string& name, const ClassScores& s) {
    out += fmt::format("{}  {:>9.{}f} {:>9.{}f} {:>9.{}f} {:>9}\n", padded(name), s.precision, digits, s.recall, digits, s.f1, digits,
                       s.support);
  };
  for (size_t i = 0; i < scores.types.size(); ++i) row(scores.types[i], scores.per_type[i]);
  out += '\n';
  row("micro avg", scores.micro);
  row("macro avg", scores.macro);
  row("weighted avg", scores.weighted);
  return out;
}

}  // namespace attune
