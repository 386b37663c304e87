// RMS norm, rotary positions and gated activations against the reference.
#include "kernels/support.h"

namespace attune {
namespace {

ATTUNE_EACH_TABLE(DecoderTest);

TEST_P(DecoderTest, RmsNormForwardAndBackward) {
  for (const int64_t c : kWidths) {
    for (const int64_t t : {0, 1, 3, 70, 1100}) {
      if (t * c > 500'000) continue;
      const Floats x = normals(t * c, 1), gamma = normals(c, 2), dy = normals(t * c, 3);
      const std::string at = " T " + std::to_string(t) + " C " + std::to_string(c);
      Floats y1(t * c), r1(t), y2(t * c), r2(t);
      ref().rms_norm(ctx(), t, c, x.data(), gamma.data(), 1e-2f, y1.data(), r1.data());
      k().rms_norm(ctx(), t, c, x.data(), gamma.data(), 1e-2f, y2.data(), r2.data());
      expect_near(r2, r1, tolerance::kNorm, "rstd" + at);
      expect_near(y2, y1, tolerance::kNorm, "y" + at);
      Floats dx1(t * c), dg1 = normals(c, 4), dx2(t * c), dg2 = dg1, dx3(t * c);
      ref().rms_norm_backward(ctx(), t, c, x.data(), gamma.data(), r1.data(), dy.data(), dx1.data(), dg1.data());
      k().rms_norm_backward(ctx(), t, c, x.data(), gamma.data(), r1.data(), dy.data(), dx2.data(), dg2.data());
      expect_near(dx2, dx1, tolerance::kNorm, "dx" + at, 10.0);  // rstd is up to 10
      expect_near(dg2, dg1, tolerance::kColumnSum, "dgamma" + at, 1.0 + std::sqrt(static_cast<double>(t)));
      k().rms_norm_backward(ctx(4), t, c, x.data(), gamma.data(), r1.data(), dy.data(), dx3.data(), nullptr);
      EXPECT_TRUE(same_bits(dx3, dx2)) << at;
    }
  }
}

TEST_P(DecoderTest, RotaryTurnsAndTurnsBack) {
  for (const int64_t d : {2, 6, 8, 30, 32, 64, 66, 128}) {
    const int64_t t = 90, heads = 3, pitch = heads * d + 5;
    Floats table(t * d);
    for (int64_t i = 0; i < t; ++i)
      for (int64_t e = 0; e < d / 2; ++e) {
        const double a = static_cast<double>(i) * std::pow(100.0, -2.0 * static_cast<double>(e) / static_cast<double>(d));
        table[i * d + e] = static_cast<float>(std::cos(a));
        table[i * d + d / 2 + e] = static_cast<float>(std::sin(a));
      }
    const Floats x = normals(t * pitch, 1);
    Floats y1 = x, y2 = x;
    ref().rotary(ctx(), t, heads, d, table.data(), 1.0f, x.data(), pitch, y1.data(), pitch);
    k().rotary(ctx(), t, heads, d, table.data(), 1.0f, y2.data(), pitch, y2.data(), pitch);  // in place
    expect_near(y2, y1, tolerance::kFunction, "y D " + std::to_string(d));
    k().rotary(ctx(), t, heads, d, table.data(), -1.0f, y2.data(), pitch, y2.data(), pitch);
    expect_near(y2, x, 2 * tolerance::kFunction, "back D " + std::to_string(d));
  }
}

/// Head size 8, x = 1 ... 8, theta 10000: numbers of transformers (docs/formats.md, section 6.10).
TEST_P(DecoderTest, RotaryOfKnownNumbers) {
  const Floats x = {1, 2, 3, 4, 5, 6, 7, 8};
  const Floats want = {-1.695593f, 0.137552f, 2.788682f, 3.975982f, -4.808843f, 6.323060f, 7.086837f, 8.011964f};
  Floats table(8), y(8);
  for (int e = 0; e < 4; ++e) {
    const double angle = 3.0 * std::pow(10000.0, -e / 4.0);
    table[static_cast<size_t>(e)] = static_cast<float>(std::cos(angle));
    table[static_cast<size_t>(e + 4)] = static_cast<float>(std::sin(angle));
  }
  k().rotary(ctx(), 1, 1, 8, table.data(), 1.0f, x.data(), 8, y.data(), 8);
  expect_near(y, want, 1e-6, "y");
}

TEST_P(DecoderTest, GatedForwardAndBackward) {
  for (const Activation act : {Activation::kNone, Activation::kGelu, Activation::kGeluNew, Activation::kRelu, Activation::kSilu, Activation::kTanh}) {
    for (const int64_t c : {1, 7, 16, 33, 384}) {
      const int64_t t = 60, pitch = 2 * c + 3;
      const Floats both = normals(t * pitch, 1, 2.0), dy = normals(t * (c + 1), 2);
      Floats y1(t * c), y2(t * c), d1(t * pitch), d2(t * pitch);
      ref().gated(ctx(), t, c, act, both.data(), pitch, both.data() + c, pitch, y1.data(), c);
      k().gated(ctx(), t, c, act, both.data(), pitch, both.data() + c, pitch, y2.data(), c);
      expect_near(y2, y1, tolerance::kFunction, "y", 8.0);
      ref().gated_backward(ctx(), t, c, act, both.data(), pitch, both.data() + c, pitch, dy.data(), c + 1, d1.data(), d1.data() + c, pitch);
      k().gated_backward(ctx(), t, c, act, both.data(), pitch, both.data() + c, pitch, dy.data(), c + 1, d2.data(), d2.data() + c, pitch);
      expect_near(d2, d1, tolerance::kSlope, "gradients", 8.0);
    }
  }
}

}  // namespace
}  // namespace attune
