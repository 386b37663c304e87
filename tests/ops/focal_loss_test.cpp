// Focal losses against PyTorch's autograd (tests/golden/focal.json), central differences, and logits where a naive form loses everything.
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "ops/ops.h"
#include "support/random_tensor.h"

namespace attune {
namespace {

using namespace testing;

struct Ran {
  LossSum loss;
  Tensor grad;
};

template <typename Loss>
Ran run(const Tensor& logits, Loss loss) {
  Tape tape;
  const Context ctx{&reference_kernels(), 1, &tape, true};
  Var z(logits.clone(MemoryClass::kOther));
  z.grad = Gradient::of_parameter(logits.shape());
  Ran r;
  r.loss = loss(ctx, z);
  r.grad = z.grad->value();
  return r;
}

Tensor tensor_of(const Json& rows) {
  Tensor t({static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
  size_t at = 0;
  for (const Json& row : rows)
    for (const Json& x : row) t.f32()[at++] = x.get<float>();
  return t;
}

void expect_golden(const Ran& r, const Json& c) {
  const std::string what = c["name"];
  EXPECT_NEAR(r.loss.sum, c["sum"].get<double>(), 2e-6 * std::max(1.0, c["sum"].get<double>())) << what;
  size_t at = 0;
  for (const Json& row : c["grad"])
    for (const Json& x : row) {
      const double want = x.get<double>();
      EXPECT_NEAR(r.grad.f32()[at++], want, 2e-6 * std::max(0.05, std::fabs(want))) << what;
    }
  double rows = 0;
  for (const float x : r.loss.rows) rows += static_cast<double>(x);
  EXPECT_NEAR(rows, r.loss.sum, 1e-5 * std::max(1.0, r.loss.sum)) << what;
}

const Json& golden() {
  static const Json cases = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/focal.json");
  return cases;
}

TEST(FocalLoss, EqualsAutograd) {
  ASSERT_GE(golden()["softmax"].size(), 30u);
  for (const Json& c : golden()["softmax"]) {
    const auto labels = c["labels"].get<std::vector<int32_t>>();
    const auto weight = c["weight"].get<std::vector<float>>();
    const Ran r = run(tensor_of(c["logits"]), [&](const Context& ctx, const Var& z) { return focal_loss(ctx, z, labels, weight, c["gamma"].get<float>()); });
    expect_golden(r, c);
    EXPECT_NEAR(r.loss.count, c["count"].get<double>(), 1e-6) << c["name"];
  }
}

TEST(FocalLoss, SigmoidEqualsAutograd) {
  ASSERT_GE(golden()["sigmoid"].size(), 12u);
  for (const Json& c : golden()["sigmoid"]) {
    std::vector<float> targets;
    for (const Json& row : c["targets"])
      for (const Json& x : row) targets.push_back(x.get<float>());
    const Ran r = run(tensor_of(c["logits"]), [&](const Context& ctx, const Var& z) { return sigmoid_focal_loss(ctx, z, targets, c["gamma"].get<float>()); });
    expect_golden(r, c);
    EXPECT_EQ(r.loss.count, static_cast<double>(targets.size()));
  }
}

TEST(FocalLoss, GammaZeroIsCrossEntropy) {
  const Tensor logits = random_tensor({7, 4}, 3);
  const std::vector<int32_t> labels{0, 3, -100, 1, 2, 2, 0};
  const std::vector<float> weight{0.5f, 2, 1, 3}, targets(28, 1.0f);
  const auto same = [](const Ran& a, const Ran& b) {
    EXPECT_NEAR(a.loss.sum, b.loss.sum, 1e-5);
    EXPECT_EQ(a.loss.count, b.loss.count);
    for (size_t i = 0; i < a.grad.span().size(); ++i) EXPECT_NEAR(a.grad.span()[i], b.grad.span()[i], 1e-6);
  };
  same(run(logits, [&](const Context& ctx, const Var& z) { return focal_loss(ctx, z, labels, weight, 0); }),
       run(logits, [&](const Context& ctx, const Var& z) { return cross_entropy_loss(ctx, z, labels, weight, 0); }));
  same(run(logits, [&](const Context& ctx, const Var& z) { return sigmoid_focal_loss(ctx, z, targets, 0); }),
       run(logits, [&](const Context& ctx, const Var& z) { return bce_with_logits_loss(ctx, z, targets); }));
}

TEST(FocalLoss, GradientEqualsCentralDifferences) {
  const std::vector<int32_t> labels{2, 0, 1, 1, 2};
  const std::vector<float> weight{0.5f, 2, 1.25f}, targets{0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1, 0};
  for (const float gamma : {0.5f, 1.0f, 2.0f, 3.5f})
    for (const bool softmax : {true, false}) {
      const auto loss = [&](const Context& ctx, const Var& z) { return softmax ? focal_loss(ctx, z, labels, weight, gamma) : sigmoid_focal_loss(ctx, z, targets, gamma); };
      Tensor at = random_tensor({5, 3}, 11);
      const Ran r = run(at, loss);
      for (int64_t i = 0; i < at.size(); ++i) {
        const float x = at.f32()[i], h = 1.0f / 512;
        at.f32()[i] = x + h;
        const double up = run(at, loss).loss.sum;
        at.f32()[i] = x - h;
        const double down = run(at, loss).loss.sum;
        at.f32()[i] = x;
        EXPECT_NEAR(r.grad.f32()[i], (up - down) / (2.0 * static_cast<double>(h)), 1e-4) << "gamma " << gamma << " element " << i;
      }
    }
}

TEST(FocalLoss, StaysFiniteWhereProbabilitiesAreZeroOrOne) {
  const std::vector<int32_t> labels{0, 0, 0, 0};
  Tensor logits({4, 2});
  const float values[] = {200, -200, -200, 200, 40, 0, 0, 40};
  std::copy(std::begin(values), std::end(values), logits.f32());
  const std::vector<float> targets{1, 0, 1, 0, 1, 0, 1, 0};
  for (const float gamma : {0.25f, 2.0f}) {
    const Ran soft = run(logits, [&](const Context& ctx, const Var& z) { return focal_loss(ctx, z, labels, {}, gamma); });
    const Ran sigmoid = run(logits, [&](const Context& ctx, const Var& z) { return sigmoid_focal_loss(ctx, z, targets, gamma); });
    for (const Ran* r : {&soft, &sigmoid}) {
      EXPECT_TRUE(std::isfinite(r->loss.sum));
      for (const float x : r->grad.span()) EXPECT_TRUE(std::isfinite(x));
    }
    EXPECT_NEAR(soft.loss.rows[1], 400, 1e-3);  // wholly wrong: cross entropy
    EXPECT_NEAR(soft.grad.f32()[2], -1, 1e-6);
    EXPECT_EQ(soft.loss.rows[0], 0);
    // exp(-40) is kept where 1 - p in floats is 0; with gamma 2 the loss itself is below what a float holds.
    if (gamma < 1) {
      EXPECT_NEAR(soft.loss.rows[2] / std::pow(std::exp(-40.0), 1.0 + static_cast<double>(gamma)), 1, 1e-5);
    }
  }
}

}  // namespace
}  // namespace attune
