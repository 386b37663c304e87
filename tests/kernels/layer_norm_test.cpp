// Dropout, residual, layer norm and its backward pass against the reference.
#include "kernels/support.h"

namespace attune {
namespace {

ATTUNE_EACH_TABLE(LayerNormTest);

struct Case {
  int64_t t, c;
  float p;
  bool residual;
};
std::vector<Case> cases() {
  std::vector<Case> list;
  for (const int64_t c : kWidths) {
    for (const int64_t t : {0, 1, 3, 70}) {
      for (const float p : {0.0f, 0.1f, 0.5f}) {
        for (const bool residual : {true, false}) list.push_back({t, c, p, residual});
      }
    }
  }
  list.push_back({1100, 384, 0.1f, true});
  return list;
}

TEST_P(LayerNormTest, ForwardAndBackwardMatchReference) {
  for (const Case& s : cases()) {
    const int64_t n = s.t * s.c;
    const auto row_keys = keys(s.t, 11);
    const Dropout drop = {s.p, row_keys.data(), 77};
    const Floats x = normals(n, 1), residual = normals(n, 2), gamma = normals(s.c, 3), beta = normals(s.c, 4), dy = normals(n, 5);
    Floats s1(n), y1(n), mean1(s.t), rstd1(s.t), s2(n), y2(n), mean2(s.t), rstd2(s.t);
    const float eps = s.c == 1 ? 1e-2f : 1e-5f;
    ref().dropout_add_layer_norm(ctx(), s.t, s.c, drop, x.data(), s.residual ? residual.data() : nullptr, gamma.data(), beta.data(), eps,
                                 s1.data(), y1.data(), mean1.data(), rstd1.data());
    k().dropout_add_layer_norm(ctx(), s.t, s.c, drop, x.data(), s.residual ? residual.data() : nullptr, gamma.data(), beta.data(), eps,
                               s2.data(), y2.data(), mean2.data(), rstd2.data());
    const std::string at = " T " + std::to_string(s.t) + " C " + std::to_string(s.c) + " p " + std::to_string(s.p);
    expect_near(s2, s1, tolerance::kFunction, "s" + at);
    expect_near(mean2, mean1, tolerance::kNorm, "mean" + at);
    // Two nearly equal channels leave few digits in their difference: rstd says how many.
    double worst = 1.0;
    for (const float r : rstd1) worst = std::max(worst, static_cast<double>(r));
    expect_near(rstd2, rstd1, tolerance::kNorm * worst, "rstd" + at);
    expect_near(y2, y1, tolerance::kNorm * worst, "y" + at, 2.0);

    Floats in_place = x, y3(n), mean3(s.t), rstd3(s.t);
    k().dropout_add_layer_norm(ctx(), s.t, s.c, drop, in_place.data(), s.residual ? residual.data() : nullptr, gamma.data(), beta.data(),
                               eps, in_place.data(), y3.data(), mean3.data(), rstd3.data());
    EXPECT_TRUE(same_bits(in_place, s2) && same_bits(y3, y2));

    Floats ds1(n), dx1(n), dgamma1 = normals(s.c, 6), dbeta1 = normals(s.c, 7), ds2(n), dx2(n), dgamma2 = dgamma1, dbeta2 = dbeta1;
    ref().dropout_add_layer_norm_backward(ctx(), s.t, s.c, drop, s1.data(), gamma.data(), mean1.data(), rstd1.data(), dy.data(), ds1.data(),
                                          dx1.data(), dgamma1.data(), dbeta1.data());
    k().dropout_add_layer_norm_backward(ctx(), s.t, s.c, drop, s1.data(), gamma.data(), mean1.data(), rstd1.data(), dy.data(), ds2.data(),
                                        dx2.data(), dgamma2.data(), dbeta2.data());
    expect_near(ds2, ds1, tolerance::kNorm * worst, "ds" + at, 2.0);
    expect_near(dx2, dx1, tolerance::kNorm * worst, "dx" + at, 2.0);
    const double rows = 1.0 + std::sqrt(static_cast<double>(s.t));
    expect_near(dgamma2, dgamma1, tolerance::kColumnSum, "dgamma" + at, rows);
    expect_near(dbeta2, dbeta1, tolerance::kColumnSum, "dbeta" + at, rows);

    // Only ds; and dx in the place of ds where nothing is dropped.
    Floats ds3(n);
    k().dropout_add_layer_norm_backward(ctx(), s.t, s.c, drop, s1.data(), gamma.data(), mean1.data(), rstd1.data(), dy.data(), ds3.data(),
                                        nullptr, nullptr, nullptr);
    EXPECT_TRUE(same_bits(ds3, ds2)) << at;
    if (s.p == 0.0f) {
      k().dropout_add_layer_norm_backward(ctx(), s.t, s.c, drop, s1.data(), gamma.data(), mean1.data(), rstd1.data(), dy.data(), ds3.data(),
                                          ds3.data(), nullptr, nullptr);
      EXPECT_TRUE(same_bits(ds3, ds2)) << at;
    }
  }
}

}  // namespace
}  // namespace attune
