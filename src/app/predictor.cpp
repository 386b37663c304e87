#include "app/predictor.h"

#include <cmath>

#include "app/int8_run.h"
#include "base/error.h"
#include "train/evaluation.h"

namespace attune {
namespace {

OpenedModel open_for(const std::string& model, const std::string& base_model, const DataConfig& reading) {
  OpenedModel opened = open_model(model, base_model);
  if (opened.settings) apply_reading(reading, *opened.settings);
  return opened;
}

}  // namespace

Predictor::Predictor(const std::string& model, const std::string& base_model, const DataConfig& reading, int64_t batch_size, Compute compute,
                     int64_t threads, bool strict)
    : loaded_(load_for_use(open_for(model, base_model, reading), strict)), context_(make_context(threads)), batch_size_(batch_size) {
  infer_in(compute, loaded_, context_);
}

Tensor Predictor::logits(std::span<const Row> rows) const {
  std::vector<Example> examples;
  for (const Row& row : rows) examples.push_back(loaded_.task->encode(row, *loaded_.tokenizer));
  EvaluationOptions options;
  options.max_sequences = batch_size_;
  Tensor all = *logits_of(context_, *loaded_.model, examples, options);
  for (int64_t i = 0; i < all.size(); ++i)
    if (!std::isfinite(all.f32()[i]))
      fail(ErrorCode::kNumerical, {.id = "predict.not_finite",
                                   .where = loaded_.opened.given,
                                   .what = "the logits of the row at line " + std::to_string(rows[static_cast<size_t>(i / all.cols())].line) + " are not finite",
                                   .hint = "the model's weights are damaged or diverged in training"});
  return all;
}

}  // namespace attune
