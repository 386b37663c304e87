// A loaded model that labels rows: what predict, the public API and later the server share.
#pragma once

#include "app/load_model.h"
#include "app/predict.h"

namespace attune {

class Predictor {
 public:
  Predictor(const std::string& model, const std::string& base_model, const DataConfig& reading, int64_t batch_size, HoldBase quantization, Compute compute,
            int64_t threads, bool strict);
  const Task& task() const { return *loaded_.task; }
  /// Task::answer of each row, in their order. Error(kNumerical) "predict.not_finite". Thread-safe.
  std::vector<Json> answers(std::span<const Row> rows, bool logits = false) const;

 private:
  LoadedModel loaded_;
  Context context_;
  int64_t batch_size_;
};

}  // namespace attune
