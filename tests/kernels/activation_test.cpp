// Bias and activations against the reference.
#include "kernels/support.h"

namespace attune {
namespace {

ATTUNE_EACH_TABLE(ActivationTest);

constexpr Activation kAll[] = {Activation::kNone, Activation::kGelu, Activation::kGeluNew,
                               Activation::kRelu, Activation::kSilu, Activation::kTanh};

TEST_P(ActivationTest, ForwardMatchesReference) {
  for (const Activation act : kAll) {
    for (const int64_t c : kWidths) {
      for (const int64_t t : {0, 1, 5, 67}) {
        const int64_t u_pitch = c + 3, y_pitch = c + 1;
        const Floats u = normals(t * u_pitch, 1, 3.0), bias = normals(c, 2);
        for (const bool with_bias : {true, false}) {
          Floats u1 = u, u2 = u, y1(t * y_pitch, 7.0f), y2 = y1;
          ref().bias_activation(ctx(), t, c, with_bias ? bias.data() : nullptr, act, u1.data(), u_pitch, y1.data(), y_pitch);
          k().bias_activation(ctx(), t, c, with_bias ? bias.data() : nullptr, act, u2.data(), u_pitch, y2.data(), y_pitch);
          EXPECT_TRUE(same_bits(u1, u2));
          expect_near(y2, y1, tolerance::kFunction, "y", 0.2);
          k().bias_activation(ctx(), t, c, nullptr, act, u2.data(), u_pitch, u2.data(), u_pitch);  // in place
          for (int64_t i = 0; i < t && act != Activation::kNone; ++i) {
            ASSERT_EQ(0, std::memcmp(&u2[i * u_pitch], &y2[i * y_pitch], c * sizeof(float)));
          }
        }
      }
    }
  }
}

TEST_P(ActivationTest, BackwardMatchesReference) {
  for (const Activation act : kAll) {
    for (const int64_t c : kWidths) {
      const int64_t t = 37, u_pitch = c + 2, dy_pitch = c + 5, dx_pitch = c;
      const Floats u = normals(t * u_pitch, 3, 3.0), dy = normals(t * dy_pitch, 4);
      Floats a(t * dx_pitch, 7.0f), b = a;
      ref().activation_backward(ctx(), t, c, act, u.data(), u_pitch, dy.data(), dy_pitch, a.data(), dx_pitch);
      k().activation_backward(ctx(), t, c, act, u.data(), u_pitch, dy.data(), dy_pitch, b.data(), dx_pitch);
      expect_near(b, a, tolerance::kSlope, "dx");
      Floats in_place = dy;
      k().activation_backward(ctx(), t, c, act, u.data(), u_pitch, in_place.data(), dy_pitch, in_place.data(), dy_pitch);
      for (int64_t i = 0; i < t; ++i) ASSERT_EQ(0, std::memcmp(&in_place[i * dy_pitch], &b[i * dx_pitch], c * sizeof(float)));
    }
  }
}

// Exact gelu over the whole range: the absolute error stays near rounding even where the value is large.
TEST_P(ActivationTest, GeluIsAccurate) {
  Floats u, y;
  for (int i = -12000; i <= 12000; ++i) u.push_back(static_cast<float>(i) * 1e-3f);
  y.resize(u.size());
  Floats copy = u;
  k().bias_activation(ctx(), 1, static_cast<int64_t>(u.size()), nullptr, Activation::kGelu, copy.data(), 0, y.data(), 0);
  for (size_t i = 0; i < u.size(); ++i) {
    const double x = u[i], want = 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    ASSERT_NEAR(y[i], want, 1e-7 + 1e-7 * std::fabs(want)) << x;
  }
}

TEST_P(ActivationTest, ExtremesAndNan) {
  const Floats special = {0.0f, -0.0f, 100.0f, -100.0f, 1e30f, -1e30f, 1e-30f, NAN};
  const int64_t n = static_cast<int64_t>(special.size());
  for (const Activation act : {Activation::kGelu, Activation::kRelu, Activation::kSilu, Activation::kTanh}) {
    for (int64_t lead = 0; lead < 2; ++lead) {  // in whole vectors and in the tail
      Floats u(lead * 16, 0.5f);
      u.insert(u.end(), special.begin(), special.end());
      Floats y1(u.size()), y2(u.size());
      k().bias_activation(ctx(), 1, lead * 16 + n, nullptr, act, u.data(), 0, y2.data(), 0);
      ref().bias_activation(ctx(), 1, lead * 16 + n, nullptr, act, u.data(), 0, y1.data(), 0);
      expect_near(y2, y1, tolerance::kFunction, "special");
    }
  }
}

TEST_P(ActivationTest, BiasBackwardAddsColumnSums) {
  for (const int64_t c : kWidths) {
    for (const int64_t t : {0, 1, 15, 16, 17, 131, 2000}) {
      const int64_t pitch = c + 3;
      const Floats dy = normals(t * pitch, 5);
      Floats a = normals(c, 6), b = a;
      ref().bias_backward(ctx(), t, c, dy.data(), pitch, a.data());
      k().bias_backward(ctx(), t, c, dy.data(), pitch, b.data());
      expect_near(b, a, tolerance::kColumnSum, "dbias", 1.0 + std::sqrt(static_cast<double>(t)));
    }
  }
}

}  // namespace
}  // namespace attune
