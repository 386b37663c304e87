// Every architecture against PyTorch in float64: hidden states, logits, losses and the gradient of every parameter, on every table
// of kernels this CPU runs.
#include <gtest/gtest.h>

#include "ops/span_loss.h"
#include "support/golden_model.h"

namespace attune {
namespace {

using namespace testing;

// Two correct F32 runs differ by up to 1.1e-5 in logits and 2e-4 of a tensor's largest entry in gradients (formats, section 6.1).
constexpr double kLogits = 1e-4, kGradient = 1e-3, kKeyBias = 1e-5;

struct Case {
  std::string model;
  const Kernels* kernels;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.model << " " << c.kernels->name; }

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& m : golden_models())
    for (const Kernels* const* k = all_kernels(); *k; ++k) all.push_back({m, *k});
  return all;
}

class GoldenModel : public ::testing::TestWithParam<Case> {
 protected:
  fs::path folder_ = golden_folder() / "models" / GetParam().model;
  Json golden_ = read_json(folder_ / "golden.json");
  SafetensorsFile tensors_{folder_ / "golden.safetensors"};
  Batch batch_ = golden_batch(golden_);
  Context context_{GetParam().kernels, 2, nullptr, false};
};

std::vector<float> flat(const Json& rows) {
  std::vector<float> all;
  for (const auto& row : rows) {
    if (row.is_array())
      for (const auto& x : row) all.push_back(x.get<float>());
    else
      all.push_back(row.get<float>());
  }
  return all;
}

TEST_P(GoldenModel, HiddenStatesOfAllTokens) {
  const auto model = load_golden(folder_, HeadKind::kNone, 0);
  const Var hidden = model->forward(context_, batch_);
  const Tensor expected = tensors_.read_f32("hidden." + std::to_string(model->info().layers));
  EXPECT_LE(largest_difference(hidden.data.span(), expected.span()), kLogits);
}

/// First and last token of each sequence's answer.
std::vector<std::pair<int32_t, int32_t>> answer_targets(const Json& golden) {
  std::vector<std::pair<int32_t, int32_t>> all;
  for (const auto& span : golden["targets"]) all.emplace_back(span[0].get<int32_t>(), span[1].get<int32_t>());
  return all;
}

std::vector<int32_t> token_targets(const Json& golden) {
  std::vector<int32_t> all;
  for (const auto& row : golden["targets"])
    for (const auto& x : row) all.push_back(x.get<int32_t>());
  return all;
}

LossSum golden_loss(const Context& ctx, const Var& logits, const Batch& batch, const Json& golden) {
  if (head_of(golden) == HeadKind::kQuestionAnswering) return span_loss(ctx, logits, batch.starts, answer_targets(golden), 0.0f);
  if (golden.contains("targets")) return cross_entropy_loss(ctx, logits, token_targets(golden), {}, 0.0f);
  const std::string problem = golden["problem_type"].get<std::string>();
  if (problem == "regression") return mse_loss(ctx, logits, flat(golden["labels"]));
  if (problem == "multi_label_classification") return bce_with_logits_loss(ctx, logits, flat(golden["labels"]));
  return cross_entropy_loss(ctx, logits, golden["labels"].get<std::vector<int32_t>>(), {}, 0.0f);
}

/// Gradients of the mean loss against the file.
void expect_gradients(const Context& ctx, Model& model, const fs::path& file, double count) {
  const SafetensorsFile grads(file);
  size_t compared = 0;
  for (auto& np : named_parameters(model)) {
    ASSERT_NE(grads.find(np.name), nullptr) << np.name;
    Tensor got = checkpoint_form(*np.parameter, np.parameter->var.grad->value());
    ctx.kernels->axpby(ctx, got.size(), static_cast<float>(1.0 / count), got.f32(), 0.0f, got.f32());
    const Tensor expected = grads.read_f32(np.name);
    const bool key_bias = np.name.ends_with("key.bias") || np.name.ends_with("k_lin.bias");
    // Shifting all logits of a span's softmax changes nothing: the last biases have gradients of zero, and noise in F32.
    const double floor = model.head() && np.name.ends_with("bias") && model.labels() == 2 ? 1e-7 : 1e-9;
    const double allowed = key_bias ? kKeyBias : kGradient * largest(expected.span()) + floor;
    EXPECT_LE(largest_difference(got.span(), expected.span()), allowed) << np.name;
    ++compared;
  }
  EXPECT_EQ(compared, grads.entries().size());
}

TEST_P(GoldenModel, LogitsLossAndEveryGradient) {
  const int64_t labels = golden_["num_labels"].get<int64_t>();
  const auto model = load_golden(folder_, head_of(golden_), labels);
  EXPECT_EQ(model->labels(), labels);
  for (auto& np : named_parameters(*model)) set_trainable(*np.parameter, true);
  Tape tape;
  context_.tape = &tape;
  const Var logits = model->forward(context_, batch_);
  const Tensor expected = tensors_.read_f32("logits");
  EXPECT_LE(largest_difference(logits.data.span(), expected.span()), kLogits);

  const LossSum loss = golden_loss(context_, logits, batch_, golden_);
  const double expected_loss = golden_["loss"]["plain"].get<double>();
  EXPECT_NEAR(loss.sum / loss.count, expected_loss, 1e-5 * (1 + std::abs(expected_loss)));

  tape.backward(context_);
  EXPECT_EQ(tape.size(), 0u);
  expect_gradients(context_, *model, folder_ / "golden_grads.safetensors", loss.count);
}

/// The loss of a language model without its logits: the same sum, the same gradients.
TEST_P(GoldenModel, LanguageLossWithoutLogits) {
  const HeadKind head = head_of(golden_);
  if (head != HeadKind::kCausalLm && head != HeadKind::kMaskedLm) GTEST_SKIP() << "language models only";
  const auto model = load_golden(folder_, head, 0);
  for (auto& np : named_parameters(*model)) set_trainable(*np.parameter, true);
  Tape tape;
  context_.tape = &tape;
  const std::vector<int32_t> targets = token_targets(golden_);
  const LossSum loss = model->head()->language_loss(context_, model->hidden(context_, batch_), targets, 0.0f);
  EXPECT_NEAR(loss.sum / loss.count, golden_["loss"]["plain"].get<double>(), 1e-5 * (1 + loss.sum / loss.count));
  ASSERT_EQ(loss.rows.size(), targets.size());
  double sum = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    EXPECT_EQ(loss.rows[i] == 0.0f, targets[i] == -100);
    sum += static_cast<double>(loss.rows[i]);
  }
  EXPECT_NEAR(sum, loss.sum, 1e-4);
  tape.backward(context_);
  expect_gradients(context_, *model, folder_ / "golden_grads.safetensors", loss.count);

  context_.tape = nullptr;  // and only measured
  EXPECT_NEAR(model->head()->language_loss(context_, model->hidden(context_, batch_), targets, 0.0f).sum, loss.sum, 1e-5 * loss.sum);
}

TEST_P(GoldenModel, SmoothingAndClassWeights) {
  if (!golden_["loss"].contains("class_weights")) GTEST_SKIP() << "single-label models only";
  const auto model = load_golden(folder_, HeadKind::kSequenceClassification, golden_["num_labels"].get<int64_t>());
  const Var forward = model->forward(context_, batch_);
  const auto labels = golden_["labels"].get<std::vector<int32_t>>();
  const auto weights = golden_["class_weights"].get<std::vector<float>>();
  const auto check = [&](const std::string& name, std::span<const float> w, float smoothing) {
    Var logits = forward;
    logits.grad = std::make_shared<Gradient>();
    const LossSum loss = cross_entropy_loss(context_, logits, labels, w, smoothing);
    const double expected = golden_["loss"][name].get<double>();
    EXPECT_NEAR(loss.sum / loss.count, expected, 2e-5 * std::abs(expected)) << name;
    Tensor g = logits.grad->value();
    context_.kernels->axpby(context_, g.size(), static_cast<float>(1.0 / loss.count), g.f32(), 0.0f, g.f32());
    EXPECT_LE(largest_difference(g.span(), tensors_.read_f32("dlogits." + name).span()), 2e-5) << name;
  };
  check("plain", {}, 0.0f);
  check("label_smoothing_0.1", {}, 0.1f);
  check("class_weights", weights, 0.0f);
  check("class_weights_label_smoothing_0.1", weights, 0.1f);
}

/// Reading only first rows gives the rows of the full computation.
TEST_P(GoldenModel, RowsReadEqualTheFullPass) {
  const auto model = load_golden(folder_, HeadKind::kNone, 0);
  const Var all = model->forward(context_, batch_);
  for (ReadRows read : {ReadRows::kFirst, ReadRows::kLast}) {
    const Var some = model->backbone().forward(context_, {&batch_, read, nullptr});
    auto rows = std::make_shared<std::vector<int64_t>>(*rows_read(batch_, read));
    for (size_t b = 0; b < rows->size(); ++b) {
      // Decoders read the rightmost token that is not the padding.
      const int32_t pad = model->info().causal && read == ReadRows::kLast ? model->info().pad_token_id : -1;
      while (pad >= 0 && (*rows)[b] > batch_.starts[b] && batch_.ids[static_cast<size_t>((*rows)[b])] == pad) --(*rows)[b];
      const auto full = all.data.row_range((*rows)[b], 1);
      EXPECT_LE(largest_difference(some.data.row_range(static_cast<int64_t>(b), 1).span(), full.span()), 2e-5);
    }
  }
}

/// A frozen model records nothing; with only the head trainable, backward stops there.
TEST_P(GoldenModel, NothingIsRecordedBelowTheLowestTrainable) {
  const auto model = load_golden(folder_, head_of(golden_), golden_["num_labels"].get<int64_t>());
  Tape tape;
  context_.tape = &tape;
  model->forward(context_, batch_);
  EXPECT_EQ(tape.size(), 0u);
  const auto own = named_parameters(*model->head());
  if (own.empty()) return;
  for (auto& np : own)
    if (np.owner == own.back().owner) set_trainable(*np.parameter, true);
  model->forward(context_, batch_);
  const bool language = head_of(golden_) == HeadKind::kMaskedLm;  // its last layer is a norm before the word embeddings
  EXPECT_EQ(tape.size(), language ? 2u : 1u);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenModel, ::testing::ValuesIn(cases()), [](const auto& tested) {
  std::string name = tested.param.model + "_" + tested.param.kernels->name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace attune
