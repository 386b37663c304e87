// Steps steps on quantised bases and with 8-bit products against the same steps in F32 on the values the base stands for.
#include <gtest/gtest.h>

#include "tolerance.h"
#include "train/quantized_rig.h"

namespace attune {
namespace {

using namespace testing;

std::vector<Precision> stored_forms() { return {{StoredForm::kInt8}, {StoredForm::kNf4}, {StoredForm::kNf4, true}}; }

struct Steps {
  std::vector<double> losses, norms;
  std::vector<float> weights;
  Int8Check check;
};

Steps finish(Rig& rig, Int8Check check = {}) {
  Steps run;
  run.check = std::move(check);
  for (const Json& e : step_entries(fit(rig.job).state.log_history)) {
    run.losses.push_back(e["loss"].get<double>());
    run.norms.push_back(e["grad_norm"].get<double>());
  }
  run.weights = rig.weights();
  return run;
}
Steps run(const std::string& curve, const Precision& p, const Kernels& kernels = cpu_kernels(), int steps = 20, bool dropout = false,
          int threads = 1) {
  Rig rig(curve, dropout, kernels);
  rig.job.config.max_steps = steps;
  rig.job.context.threads = threads;
  Int8Check check = hold(rig, p);
  return finish(rig, std::move(check));
}
/// F32 weights with the values of `p`'s codes.
Steps run_on_values(const std::string& curve, const Precision& p) {
  Rig rig(curve), quantised(curve);
  hold(quantised, p);
  const auto layers = frozen_layers(rig), from = frozen_layers(quantised);
  for (size_t i = 0; i < layers.size(); ++i) layers[i]->weight.f32.var.data = from[i]->weight.values(1);
  return finish(rig);
}
/// The largest difference of the first `steps` losses.
double apart(const Steps& a, const Steps& b, size_t steps = 20) {
  steps = std::min({steps, a.losses.size(), b.losses.size()});
  double most = 0;
  for (size_t i = 0; i < steps; ++i) most = std::max(most, std::fabs(a.losses[i] - b.losses[i]) / (1 + b.losses[i]));
  return most;
}

class QuantizedCurve : public ::testing::TestWithParam<std::string> {};

TEST_P(QuantizedCurve, InF32EqualsTheStoredValues) {
  const Steps unquantised = run(GetParam(), {});
  for (const Precision& p : stored_forms()) {
    const Steps got = run(GetParam(), p), want = run_on_values(GetParam(), p);
    EXPECT_EQ(got.losses, want.losses) << p.name();
    EXPECT_EQ(got.norms, want.norms) << p.name();
    EXPECT_EQ(got.weights, want.weights) << p.name();
    EXPECT_GT(apart(got, unquantised), 1e-5) << p.name() << " quantised nothing";
  }
}

TEST_P(QuantizedCurve, In8BitsIsNearF32) {
  for (Precision p : std::vector<Precision>{{}, {StoredForm::kInt8}, {StoredForm::kNf4}, {StoredForm::kNf4, true}}) {
    const Steps want = run(GetParam(), p);
    p.eight_bit = true;
    const Steps got = run(GetParam(), p);
    EXPECT_GE(got.check.least(), kLeastCosine) << p.name();
    // The tiny DistilBERT was trained far: its gradients are small differences of large ones, and sit at the limit.
    if (GetParam().starts_with("bert")) {
      EXPECT_TRUE(got.check.two_terms.empty() && got.check.exact.empty()) << p.name() << ": a healthy model falls back nowhere";
    }
    EXPECT_FALSE(got.check.layers.empty());
    EXPECT_LT(apart(got, want, 5), tolerance::kInt8Start) << p.name();
    EXPECT_LT(apart(got, want), tolerance::kInt8Curve) << p.name();
    EXPECT_GT(apart(got, want), 1e-8) << p.name() << ": 8-bit products did not run";
    if (p.form != StoredForm::kNf4) continue;
    p.resident = Resident::k4Bit;
    EXPECT_EQ(run(GetParam(), p).weights, got.weights) << p.name();
  }
}

INSTANTIATE_TEST_SUITE_P(All, QuantizedCurve,
                         ::testing::Values("bert_lora", "bert_lora_accumulation", "bert_lora_bias_all", "distilbert_lora"),
                         [](const auto& curve) { return curve.param; });

TEST(QuantizedCurves, EveryTableGivesTheReferencesCurve) {
  constexpr int kSteps = 5;
  const std::vector<std::pair<std::string, Precision>> cases = {{"bert_lora", {StoredForm::kNf4, false, true}},
                                                                {"bert_lora", {StoredForm::kInt8, false, true}},
                                                                {"distilbert_lora", {StoredForm::kNf4, false, true}}};
  for (const auto& [curve, p] : cases) {
    const Steps want = run(curve, p, reference_kernels(), kSteps);
    for (const Kernels* const* k = all_kernels() + 1; *k; ++k) {
      const double limit = (*k)->int8_limit == 127 ? tolerance::kInt8StartFlips : tolerance::kInt8Curve;  // else 7-bit weights
      EXPECT_LT(apart(run(curve, p, **k, kSteps), want), limit) << curve << " " << p.name() << " " << (*k)->name;
    }
  }
}

TEST(QuantizedCurves, AreTheSameBitsTwice) {
  for (const Precision& p : std::vector<Precision>{{StoredForm::kNf4}, {StoredForm::kNf4, true, true}, {StoredForm::kInt8, false, true}})
    for (const int threads : {1, 2}) {
      if (threads > 1 && !p.double_quant) continue;
      const int steps = threads == 1 ? 20 : 2;  // threads that take turns on a busy machine are slow
      const Steps first = run("bert_lora", p, cpu_kernels(), steps, true, threads),
                  again = run("bert_lora", p, cpu_kernels(), steps, true, threads);
      EXPECT_EQ(first.losses, again.losses) << p.name();
      EXPECT_EQ(first.weights, again.weights) << p.name();
    }
}

}  // namespace
}  // namespace attune
