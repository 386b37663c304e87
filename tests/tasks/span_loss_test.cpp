// The loss of question answering against the cross-entropy op on one sequence at a time.
#include "ops/span_loss.h"

#include <gtest/gtest.h>

#include <random>

#include "kernels/kernels.h"

namespace attune {
namespace {

TEST(SpanLoss, IsTheMeanOfTwoCrossEntropiesOverEachSequence) {
  std::mt19937 g(11);
  std::normal_distribution<float> normal(0, 2);
  const std::vector<int64_t> starts{0, 5, 6, 13};
  const std::vector<std::pair<int32_t, int32_t>> spans{{1, 4}, {-1, -1}, {0, 6}};
  for (const float smoothing : {0.0f, 0.1f}) {
    Context ctx;
    ctx.kernels = &reference_kernels();
    Var logits(Tensor({13, 2}));
    for (float& z : logits.data.span()) z = normal(g);
    logits.grad = std::make_shared<Gradient>();
    const LossSum loss = span_loss(ctx, logits, starts, spans, smoothing);
    EXPECT_EQ(loss.count, 2);
    ASSERT_EQ(loss.rows.size(), 3u);
    EXPECT_EQ(loss.rows[1], 0.0f);
    double sum = 0;
    for (size_t b : {size_t{0}, size_t{2}}) {
      const int64_t first = starts[b], n = starts[b + 1] - first;
      double row = 0;
      for (int64_t c = 0; c < 2; ++c) {
        Var one(Tensor({1, n}));
        for (int64_t t = 0; t < n; ++t) one.data.f32()[t] = logits.data.f32()[(first + t) * 2 + c];
        one.grad = std::make_shared<Gradient>();
        const std::vector<int32_t> label{c == 0 ? spans[b].first : spans[b].second};
        row += 0.5 * cross_entropy_loss(ctx, one, label, {}, smoothing).sum;
        for (int64_t t = 0; t < n; ++t) EXPECT_NEAR(logits.grad->value().f32()[(first + t) * 2 + c], 0.5f * one.grad->value().f32()[t], 1e-6f);
      }
      EXPECT_NEAR(loss.rows[b], row, 1e-5);
      sum += row;
    }
    EXPECT_NEAR(loss.sum, sum, 1e-5);
    EXPECT_EQ(logits.grad->value().f32()[10], 0.0f) << "the sequence without a label";
  }
}

}  // namespace
}  // namespace attune
