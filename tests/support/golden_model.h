// The tiny checkpoints of tests/golden/models with the numbers PyTorch gave for them (tests/golden/README.md).
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "io/model_folder.h"
#include "models/registry.h"
#include "nn/load_weights.h"

namespace attune::testing {

inline fs::path golden_folder() { return fs::path(ATTUNE_SOURCE_DIR) / "tests/golden"; }

inline std::vector<std::string> golden_models() { return list_folder(golden_folder() / "models"); }

inline TensorSource source_of(const WeightFiles& files, std::string where) {
  TensorSource s;
  s.where = std::move(where);
  for (const auto& name : files.names()) s.entries.emplace_back(name, files.entry(name).shape);
  s.read = [&files](const std::string& name) { return files.read_f32(name); };
  return s;
}

/// The head a golden model was made with.
inline HeadKind head_of(const Json& golden) {
  const std::string head = golden.contains("head") ? golden["head"].get<std::string>() : "sequence_classification";
  if (head == "token_classification") return HeadKind::kTokenClassification;
  if (head == "question_answering") return HeadKind::kQuestionAnswering;
  if (head == "masked_lm") return HeadKind::kMaskedLm;
  if (head == "causal_lm") return HeadKind::kCausalLm;
  require(head == "sequence_classification", "a head that is known");
  return HeadKind::kSequenceClassification;
}
inline HeadKind head_of(const std::string& model) { return head_of(read_json(golden_folder() / "models" / model / "golden.json")); }

/// A model with the weights of `folder`; config.json from `config_folder` ("" = the same).
inline std::unique_ptr<Model> load_golden(const fs::path& folder, HeadKind head, int64_t labels, LoadReport* report = nullptr) {
  const ModelConfig config{read_json(folder / "config.json"), (folder / "config.json").string()};
  auto model = make_model(config, head, labels);
  const WeightFiles files(folder);
  LoadReport r = load_weights(*model, source_of(files, folder.string()), 1);
  if (report) *report = std::move(r);
  return model;
}

/// The sequences of golden.json packed in order.
inline Batch golden_batch(const Json& golden) {
  Batch batch;
  batch.starts.push_back(0);
  for (const auto& sequence : golden["sequences"]) {
    const auto ids = sequence["input_ids"].get<std::vector<int32_t>>();
    const auto types = sequence.contains("token_type_ids") ? sequence["token_type_ids"].get<std::vector<int32_t>>() : std::vector<int32_t>(ids.size());
    for (size_t i = 0; i < ids.size(); ++i) {
      batch.ids.push_back(ids[i]);
      batch.type_ids.push_back(types[i]);
      batch.positions.push_back(static_cast<int32_t>(i));
    }
    batch.starts.push_back(static_cast<int64_t>(batch.ids.size()));
    batch.rows.push_back(batch.rows.size());
  }
  batch.labels.resize(batch.rows.size());
  return batch;
}

inline double largest(std::span<const float> a) {
  double m = 0;
  for (float x : a) m = std::max(m, std::abs(static_cast<double>(x)));
  return m;
}
inline double largest_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return 1e300;
  double m = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(d <= m)) m = d;  // a NaN stays
  }
  return m;
}

}  // namespace attune::testing
