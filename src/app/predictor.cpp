#include "app/predictor.h"

#include <cmath>

#include "app/compare_logits.h"
#include "app/int8_run.h"
#include "app/sentence_modules.h"
#include "app/stored_base.h"
#include "base/error.h"
#include "train/evaluation.h"

namespace attune {
namespace {

OpenedModel open_for(const std::string& model, const std::string& base_model, const DataConfig& reading) {
  OpenedModel opened = open_model(model, base_model);
  if (!opened.settings && !opened.adapter) opened.settings = sentence_settings(opened.folder, max_positions(opened));
  if (opened.settings) apply_reading(reading, *opened.settings);
  return opened;
}

}  // namespace

Predictor::Predictor(const std::string& model, const std::string& base_model, const DataConfig& reading, int64_t batch_size, HoldBase quantization,
                     Compute compute, int64_t threads, bool strict)
    : context_(make_context(threads)), batch_size_(batch_size) {
  OpenedModel opened = open_for(model, base_model, reading);
  const BaseStorage storage{storage_of(QuantizationConfig::asked(quantization), opened), context_.threads};
  loaded_ = load_for_use(std::move(opened), strict, storage);
  infer_in(compute, loaded_, context_);
}

std::vector<Json> Predictor::answers(std::span<const Row> rows, bool logits) const {
  if (!loaded_.task->answers_rows())
    fail(ErrorCode::kUsage, {.id = "predict.language_model",
                             .where = loaded_.opened.given,
                             .what = "is a language model, which has no answer for a row",
                             .hint = "attune generate writes text with it, attune evaluate measures it"});
  const std::vector<Example> examples = encode_rows(loaded_, rows);
  EvaluationOptions options;
  options.max_sequences = batch_size_;
  const Outputs outputs = *outputs_of(context_, *loaded_.model, examples, options);
  std::vector<Json> answers;
  for (const RowOutputs& row : by_row(rows, examples, outputs)) {
    for (size_t i = 0; i < row.examples.size(); ++i)
      for (const float x : row.logits(i))
        if (!std::isfinite(x))
          fail(ErrorCode::kNumerical, {.id = "predict.not_finite",
                                       .where = loaded_.opened.given,
                                       .what = "the logits of the row at line " + std::to_string(row.row->line) + " are not finite",
                                       .hint = "the model's weights are damaged or diverged in training"});
    answers.push_back(loaded_.task->answer(row, logits));
  }
  return answers;
}

}  // namespace attune
