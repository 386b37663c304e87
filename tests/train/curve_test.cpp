// Twenty optimizer steps against PyTorch in float64 (tests/golden/curves): loss, gradient norm and rate of each step, the final logits.
#include <gtest/gtest.h>

#include "train/rig.h"

namespace attune {
namespace {

using namespace testing;

// Loss and norm: an f32 run of PyTorch itself is up to 5e-5 (loss) and 1e-4 (norm) away.
constexpr double kCurve = 1e-4, kFinalLogits = 1e-3;

class Curve : public ::testing::TestWithParam<std::string> {};

TEST_P(Curve, EqualsPyTorch) {
  Rig rig(GetParam());
  std::set<std::string> decayed, expected;
  for (const auto& p : rig.job.parameters)
    if (takes_weight_decay(p)) decayed.insert(p.name);
  for (const auto& name : rig.golden["weight_decay_on"]) expected.insert(name.get<std::string>());
  EXPECT_EQ(rig.job.parameters.size(), rig.golden["trainable"].size());
  EXPECT_EQ(decayed.size(), expected.size());
  if (rig.golden["method"] != "lora") { EXPECT_EQ(decayed, expected); }

  const FitResult result = fit(rig.job);
  const auto steps = step_entries(result.state.log_history);
  ASSERT_EQ(steps.size(), rig.golden["steps"].size());
  for (size_t i = 0; i < steps.size(); ++i) {
    const Json& want = rig.golden["steps"][i];
    for (const char* key : {"loss", "grad_norm"}) {
      const double expected_value = want[key].get<double>();
      EXPECT_NEAR(steps[i][key].get<double>(), expected_value, kCurve * expected_value) << key << " of step " << i + 1;
    }
    EXPECT_NEAR(steps[i]["learning_rate"].get<double>(), want["learning_rate"].get<double>(), 1e-12) << "step " << i + 1;
  }
  const Tensor logits = outputs_of(rig.job.context, *rig.model, rig.examples)->logits;
  for (int64_t i = 0; i < logits.rows(); ++i)
    for (int64_t c = 0; c < logits.cols(); ++c)
      EXPECT_NEAR(logits.f32()[i * logits.cols() + c], rig.golden["final_logits"][static_cast<size_t>(i)][static_cast<size_t>(c)].get<double>(), kFinalLogits);
}

INSTANTIATE_TEST_SUITE_P(All, Curve, ::testing::ValuesIn(list_folder(golden_folder() / "curves")), [](const auto& curve) { return curve.param; });

}  // namespace
}  // namespace attune
