// Flat arrays, the optimizer and cross-entropy against the reference.
#include "kernels/support.h"

namespace attune {
namespace {

ATTUNE_EACH_TABLE(ArrayTest);

constexpr int64_t kSizes[] = {0, 1, 3, 15, 16, 17, 1000, 8191, 70001};

TEST_P(ArrayTest, Axpby) {
  for (const int64_t n : kSizes) {
    const Floats x = normals(n, 1);
    for (const float beta : {0.0f, 1.0f, -0.5f}) {
      Floats a = beta == 0.0f ? Floats(n, NAN) : normals(n, 2), b = a;
      ref().axpby(ctx(), n, 1.5f, x.data(), beta, a.data());
      k().axpby(ctx(), n, 1.5f, x.data(), beta, b.data());
      expect_near(b, a, tolerance::kFunction, "y");
    }
  }
}

TEST_P(ArrayTest, SumOfSquaresIsExactToDouble) {
  for (const int64_t n : kSizes) {
    const Floats x = normals(n, 3);
    const double want = ref().sum_of_squares(ctx(), n, x.data());
    EXPECT_NEAR(k().sum_of_squares(ctx(), n, x.data()), want, 1e-12 * want) << n;  // double sums in another order
  }
  const Floats huge(100, 1e30f);  // its square is no f32
  EXPECT_NEAR(k().sum_of_squares(ctx(), 100, huge.data()), 1e62, 1e55);
}

TEST_P(ArrayTest, AllFiniteFindsEachPlace) {
  for (const int64_t n : {1, 16, 31, 70001}) {
    Floats x(n, 3e38f);
    EXPECT_TRUE(k().all_finite(ctx(), n, x.data()));
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      for (const int64_t at : {int64_t{0}, n / 2, n - 1}) {
        x[at] = bad;
        EXPECT_FALSE(k().all_finite(ctx(), n, x.data())) << n << " " << at;
        x[at] = -1.0f;
      }
    }
  }
  EXPECT_TRUE(k().all_finite(ctx(), 0, nullptr));
}

TEST_P(ArrayTest, AdamW) {
  for (const int64_t n : kSizes) {
    const Floats g = normals(n, 4);
    Floats p1 = normals(n, 5), m1(n), v1(n), p2 = p1, m2(n), v2(n);
    for (int step = 1; step <= 3; ++step) {
      const AdamWStep s = {.lr = 1e-2f,
                           .beta1 = 0.9f,
                           .beta2 = 0.999f,
                           .eps = 1e-8f,
                           .weight_decay = 0.01f,
                           .bias_correction1 = 1.0f - std::pow(0.9f, static_cast<float>(step)),
                           .bias_correction2 = 1.0f - std::pow(0.999f, static_cast<float>(step)),
                           .gradient_scale = 0.7f};
      ref().adamw(ctx(), n, s, p1.data(), g.data(), m1.data(), v1.data());
      k().adamw(ctx(), n, s, p2.data(), g.data(), m2.data(), v2.data());
    }
    expect_near(p2, p1, tolerance::kOptimizer, "p");
    expect_near(m2, m1, tolerance::kOptimizer, "m");
    expect_near(v2, v1, tolerance::kOptimizer, "v", 1e-3);
  }
}

TEST_P(ArrayTest, CrossEntropy) {
  for (const int64_t v : {1, 2, 3, 16, 33, 1000, 50257}) {
    const int64_t r = v > 10000 ? 3 : 19, pitch = v + 2;
    const Floats logits = normals(r * pitch, 6, 4.0);
    Floats weight = normals(v, 7);
    for (float& w : weight) w = 0.1f + std::fabs(w);
    std::vector<int32_t> labels;
    Random random(8);
    for (int64_t i = 0; i < r; ++i) labels.push_back(i % 5 == 2 ? -100 : static_cast<int32_t>(random.below(static_cast<uint64_t>(v))));
    for (const bool weighted : {false, true}) {
      for (const float smoothing : {0.0f, 0.1f}) {
        Floats l1(r), l2(r), d1(r * v, 5.0f), d2(r * v, 5.0f);
        const float* w = weighted ? weight.data() : nullptr;
        ref().cross_entropy(ctx(), r, v, logits.data(), pitch, labels.data(), w, smoothing, l1.data(), d1.data());
        k().cross_entropy(ctx(), r, v, logits.data(), pitch, labels.data(), w, smoothing, l2.data(), d2.data());
        const std::string at = " V " + std::to_string(v) + " smoothing " + std::to_string(smoothing);
        expect_near(l2, l1, tolerance::kSoftmax, "loss" + at);
        expect_near(d2, d1, tolerance::kSoftmax, "dlogits" + at, 0.2);
        Floats only(r);
        k().cross_entropy(ctx(), r, v, logits.data(), pitch, labels.data(), w, smoothing, only.data(), nullptr);
        EXPECT_TRUE(same_bits(only, l2));
        Floats packed(r * v), loss(r);  // the gradient may take the place of contiguous logits
        for (int64_t i = 0; i < r; ++i) std::copy_n(&logits[i * pitch], v, &packed[i * v]);
        k().cross_entropy(ctx(), r, v, packed.data(), v, labels.data(), w, smoothing, loss.data(), packed.data());
        EXPECT_TRUE(same_bits(packed, d2));
      }
    }
  }
}

TEST_P(ArrayTest, CrossEntropyOfHugeLogits) {
  const Floats logits = {1000.0f, -1000.0f, 999.0f};
  const int32_t label = 2;
  Floats loss(1), d(3);
  k().cross_entropy(ctx(), 1, 3, logits.data(), 3, &label, nullptr, 0.0f, loss.data(), d.data());
  EXPECT_NEAR(loss[0], 1.3132617, 1e-5);
  EXPECT_NEAR(d[0], 0.7310586, 1e-6);
  EXPECT_NEAR(d[1], 0.0, 1e-6);
}

}  // namespace
}  // namespace attune
