// The figures of question answering, so that a model's evaluation and stored predictions give the same.
#pragma once

#include "metrics/span_answers.h"
#include "metrics/squad.h"

namespace attune {

/// squad_json with exact_interval and f1_interval (in percent, questions of one cluster drawn together) and version_2_with_negative:
/// `may_have_none`, which also asks for the best thresholds.
Json answering_json(std::span<const AnswerScores> questions, std::span<const uint64_t> clusters, bool may_have_none);
/// start_accuracy, end_accuracy, span_accuracy and windows.
void add_positions(Json& metrics, const PositionScores& positions);

}  // namespace attune
