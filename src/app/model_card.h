// README.md of a run folder: what it is, what it was trained on, how good it is and what it cost, how to use it and to make it again. The
// front matter is what the Hub reads (huggingface.co/docs/hub/model-cards); what is not known, such as language and license, is left out.
#pragma once

#include <string>

#include "app/load_model.h"
#include "app/run_config.h"
#include "app/sample_predictions.h"

namespace attune {

/// What a run says of itself.
struct RunRecord {
  int64_t train_rows = 0;
  std::string validation_file, test_file;  ///< "": none
  const Json& results;                     ///< as all_results.json has them
  const Json& log_history;
  int64_t weights_step = 0;  ///< whose weights the folder has
  std::vector<SamplePrediction> samples;
};

std::string model_card(const RunConfig& config, const LoadedModel& model, const RunRecord& record);

}  // namespace attune
