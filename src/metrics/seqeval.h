// Entity scores equal to seqeval 1.2.2 (Nakayama, 2018), to the byte of its text report. An entity counts when type, begin and end agree.
// Default mode reads any tags as conlleval does (a stray I-X opens an entity); strict mode counts only entities that follow the scheme.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "metrics/classification.h"
#include "metrics/entities.h"

namespace attune {

using TagSequences = std::span<const std::vector<std::string>>;

/// Entities of the gold, of the prediction, and those both name.
struct EntityCounts {
  int64_t hits = 0, predicted = 0, gold = 0;
};
using EntityCountsByType = std::map<std::string, EntityCounts>;

struct EntityScores {
  std::vector<std::string> types;      ///< in code point order
  std::vector<ClassScores> per_type;   ///< in the same order; support: entities of the gold
  ClassScores micro, macro, weighted;  ///< all 0 where there is no entity at all
  double accuracy = 0;                 ///< of all tags, O included; 0 without a tag
};

/// Entities of one sequence as conlleval reads it: first character the prefix, what follows the first '-' the type ("_" when empty).
std::vector<EntitySpan> lenient_spans(std::span<const std::string> tags);
/// Entities of one sequence that follow the scheme. Error(kInput) "seqeval.tag": a prefix the scheme does not have.
std::vector<EntitySpan> strict_spans(std::span<const std::string> tags, TagScheme scheme);

/// Sequences in pairs of equal length (Bug). No tag is empty (Bug).
EntityScores entity_scores(TagSequences gold, TagSequences predicted);
EntityScores strict_entity_scores(TagSequences gold, TagSequences predicted, TagScheme scheme);
/// Of entities already counted; `right` of all `tags`.
EntityScores entity_scores(const EntityCountsByType& by_type, int64_t right, int64_t tags);

/// seqeval.metrics.classification_report(..., digits=digits).
std::string entity_report(const EntityScores& scores, int digits = 4);

}  // namespace attune
