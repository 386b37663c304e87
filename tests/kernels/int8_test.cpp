// Products with 8-bit matrices against exact integers: odd sizes, offsets of every kind, two terms, inputs made on the way, rows that
// are not finite.
#include <bit>

#include "kernels/int8_weight.h"
#include "kernels/support.h"

namespace attune {
namespace {

ATTUNE_EACH_TABLE(Int8Test);

Int8Pair packed(const Floats& w, int64_t out, int64_t in, int limit, const Floats& smooth = {}) {
  Smoothing smoothing;
  if (!smooth.empty()) {
    smoothing = {Tensor::of({in}, smooth), Tensor::of({in}, smooth)};
    for (float& x : smoothing.inverse.span()) x = 1.0f / x;
  }
  return pack_int8(
      out, in, [&](int64_t begin, int64_t end, float* rows) { std::copy(w.data() + begin * in, w.data() + end * in, rows); }, smoothing, limit, 2);
}

struct Size {
  int64_t t, n, k;
};
constexpr Size kSizes[] = {{1, 1, 1}, {2, 3, 5}, {7, 64, 64}, {5, 65, 63}, {13, 96, 130}, {97, 128, 67}, {100, 70, 384}, {33, 200, 3}, {20, 130, 1536}};

Floats run(const Kernels& k, const Int8Source& source, int64_t t, const Int8Weight& w, const Floats& bias, float beta, int terms, int threads,
           int64_t pitch) {
  Floats y(static_cast<size_t>(t * pitch), 0.5f);
  const Int8Product product{w, bias.empty() ? nullptr : bias.data(), beta, y.data(), pitch};
  k.int8_products({.kernels = &k, .threads = threads}, t, w.k, source, terms, 1, &product);
  return y;
}

TEST_P(Int8Test, EqualsTheReference) {
  for (const Size& s : kSizes)
    for (const int terms : {1, 2})
      for (const bool smoothed : {false, true}) {
        const Floats w = normals(s.n * s.k, 1), x = normals(s.t * s.k, 2, 3.0), bias = normals(s.n, 3);
        Floats smooth(static_cast<size_t>(s.k));
        for (size_t i = 0; i < smooth.size(); ++i) smooth[i] = 0.25f * static_cast<float>(1 + i % 7);
        const Int8Pair pair = packed(w, s.n, s.k, k().int8_limit, smoothed ? smooth : Floats());
        for (const PackedInt8* p : {&pair.forward, &pair.backward}) {
          if (p == &pair.backward && s.k > 2000) continue;
          const Floats input = p == &pair.forward ? x : normals(s.t * s.n, 4);
          const Int8Source source{.x = input.data(), .x_pitch = p->k};
          const Floats add = p == &pair.forward ? bias : Floats();
          const Floats want = run(ref(), source, s.t, view(*p), add, 1.0f, terms, 1, p->n + 3);
          for (const int threads : {1, 2}) {
            const Floats got = run(k(), source, s.t, view(*p), add, 1.0f, terms, threads, p->n + 3);
            // what a fused multiply-add leaves of x can round to another code of the second term
            expect_near(got, want, terms == 1 ? 1e-5 : 1e-3, std::to_string(s.t) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k), 4.0);
          }
        }
      }
}

TEST_P(Int8Test, ApproximatesTheProduct) {
  const int64_t t = 64, n = 128, inner = 384;
  const Floats w = normals(n * inner, 1), x = normals(t * inner, 2);
  const Int8Pair pair = packed(w, n, inner, k().int8_limit);
  Floats exact(static_cast<size_t>(t * n));
  reference_kernels().gemm({.kernels = &ref()}, false, true, t, n, inner, 1.0f, x.data(), inner, w.data(), inner, 0.0f, exact.data(), n);
  for (const int terms : {1, 2}) {
    const Floats got = run(k(), {.x = x.data(), .x_pitch = inner}, t, view(pair.forward), {}, 0.0f, terms, 2, n);
    double off = 0, size = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      off += std::pow(static_cast<double>(got[i]) - exact[i], 2);
      size += std::pow(static_cast<double>(exact[i]), 2);
    }
    EXPECT_LT(std::sqrt(off / size), k().int8_limit == 127 ? (terms == 1 ? 0.015 : 0.010) : 0.025) << terms;  // the rest is the weight's rounding
  }
}

/// The worst case for 16-bit sums: every product as large as it gets.
TEST_P(Int8Test, DoesNotSaturate) {
  const int64_t t = 6, n = 64, inner = 768;
  const Floats w(static_cast<size_t>(n * inner), -1.0f), x(static_cast<size_t>(t * inner), 1.0f);
  const Int8Pair pair = packed(w, n, inner, k().int8_limit);
  const Floats y = run(k(), {.x = x.data(), .x_pitch = inner}, t, view(pair.forward), {}, 0.0f, 1, 1, n);
  for (const float v : y) EXPECT_NEAR(v, -768.0f, 1e-3f);
}

TEST_P(Int8Test, BothDirectionsHoldTheSameMatrix) {
  const int64_t n = 70, inner = 67;
  const Floats w = normals(n * inner, 5);
  const Int8Pair pair = packed(w, n, inner, 127);
  Floats back(static_cast<size_t>(n * inner));
  unpack_rows(pair.backward, 0, n, back.data());
  double most = 0;
  for (size_t i = 0; i < w.size(); ++i) most = std::max(most, std::fabs(static_cast<double>(w[i])));
  expect_near(back, w, most / 127.0 / 2 * 1.001, "unpacked", 1.0);
}

/// Equal bits where the table has its own products; the reference's activations round differently, and a code may flip.
TEST_P(Int8Test, MakesItsInputOnTheWay) {
  const auto expect_same = [&](const Floats& fused, const Floats& apart, Activation act) {
    if (std::string(k().name) == "cpu-sse2" || std::string(k().name) == "reference")
      expect_near(fused, apart, 0.1, "input", 1.0);
    else
      EXPECT_TRUE(same_bits(fused, apart)) << static_cast<int>(act);
  };
  const int64_t t = 37, n = 96, inner = 130;
  const Floats w = normals(n * inner, 1), x = normals(t * inner, 2);
  Floats u = normals(t * inner, 3);
  std::vector<uint16_t> halves;
  for (float& v : u) {
    halves.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(v) >> 16));
    v = std::bit_cast<float>(static_cast<uint32_t>(halves.back()) << 16);
  }
  const Int8Pair pair = packed(w, n, inner, k().int8_limit);
  for (const Activation act : {Activation::kGelu, Activation::kGeluNew, Activation::kRelu, Activation::kSilu, Activation::kTanh}) {
    Floats activated = u, unused = u;
    k().bias_activation(ctx(), t, inner, nullptr, act, unused.data(), inner, activated.data(), inner);
    const Floats fused = run(k(), {.input = Int8Input::kActivation, .act = act, .u = halves.data(), .u_pitch = inner}, t, view(pair.forward), {}, 0.0f, 1, 2, n);
    const Floats apart = run(k(), {.x = activated.data(), .x_pitch = inner}, t, view(pair.forward), {}, 0.0f, 1, 2, n);
    expect_same(fused, apart, act);

    Floats slope(x.size());
    k().activation_backward(ctx(), t, inner, act, u.data(), inner, x.data(), inner, slope.data(), inner);
    const Floats fused_slope =
        run(k(), {.x = x.data(), .x_pitch = inner, .input = Int8Input::kSlope, .act = act, .u = halves.data(), .u_pitch = inner}, t, view(pair.forward), {}, 0.0f, 1, 2, n);
    const Floats slope_apart = run(k(), {.x = slope.data(), .x_pitch = inner}, t, view(pair.forward), {}, 0.0f, 1, 2, n);
    expect_same(fused_slope, slope_apart, act);
  }
}

TEST_P(Int8Test, WritesBf16) {
  const int64_t t = 13, n = 70, inner = 96;
  const Floats w = normals(n * inner, 1), bias = normals(n, 3);
  Floats x = normals(t * inner, 2);
  x[0] = std::nanf("");
  const Int8Pair pair = packed(w, n, inner, k().int8_limit);
  const Floats wide = run(k(), {.x = x.data(), .x_pitch = inner}, t, view(pair.forward), bias, 0.0f, 1, 1, n);
  std::vector<uint16_t> halves(wide.size());
  const Int8Product product{view(pair.forward), bias.data(), 0.0f, nullptr, n, halves.data()};
  k().int8_products(ctx(), t, inner, {.x = x.data(), .x_pitch = inner}, 1, 1, &product);
  for (size_t i = 0; i < wide.size(); ++i) {
    const float got = std::bit_cast<float>(static_cast<uint32_t>(halves[i]) << 16);
    if (i < static_cast<size_t>(n))
      EXPECT_TRUE(std::isnan(got)) << i;
    else
      EXPECT_NEAR(got, wide[i], std::fabs(wide[i]) / 256) << i;  // half of the last place
  }
}

/// Results depend on their row alone: any batch equals one by one, and several products equal one after another.
TEST_P(Int8Test, RowsStandAlone) {
  const int64_t t = 101, n = 128, inner = 96;
  const Floats w = normals(n * inner, 1), other = normals(2 * n * inner, 6), x = normals(t * inner, 2);
  const Int8Pair a = packed(w, n, inner, k().int8_limit), b = packed(other, 2 * n, inner, k().int8_limit);
  const Floats all = run(k(), {.x = x.data(), .x_pitch = inner}, t, view(a.forward), {}, 0.0f, 1, 2, n);
  for (const int64_t row : {0, 50, 100}) {
    const Floats one = run(k(), {.x = x.data() + row * inner, .x_pitch = inner}, 1, view(a.forward), {}, 0.0f, 1, 2, n);
    EXPECT_TRUE(same_bits(one, Floats(all.begin() + row * n, all.begin() + (row + 1) * n))) << row;
  }
  Floats first(static_cast<size_t>(t * n)), second(static_cast<size_t>(t * 2 * n));
  const Int8Product products[] = {{view(a.forward), nullptr, 0.0f, first.data(), n}, {view(b.forward), nullptr, 0.0f, second.data(), 2 * n}};
  k().int8_products(ctx(), t, inner, {.x = x.data(), .x_pitch = inner}, 1, 2, products);
  EXPECT_TRUE(same_bits(first, all));
  EXPECT_TRUE(same_bits(second, run(k(), {.x = x.data(), .x_pitch = inner}, t, view(b.forward), {}, 0.0f, 1, 2, 2 * n)));
}

TEST_P(Int8Test, RowsThatAreNotFiniteShowIt) {
  const int64_t t = 4, n = 70, inner = 40;
  const Floats w = normals(n * inner, 1);
  const Int8Pair pair = packed(w, n, inner, k().int8_limit);
  Floats x = normals(t * inner, 2);
  x[3] = std::nanf("");
  x[static_cast<size_t>(inner + 39)] = INFINITY;
  std::fill_n(x.begin() + 3 * inner, inner, 0.0f);
  const Floats y = run(k(), {.x = x.data(), .x_pitch = inner}, t, view(pair.forward), {}, 0.0f, 1, 1, n);
  for (int64_t i = 0; i < n; ++i) {
    EXPECT_FALSE(std::isfinite(y[static_cast<size_t>(i)]));
    EXPECT_FALSE(std::isfinite(y[static_cast<size_t>(n + i)]));
    EXPECT_TRUE(std::isfinite(y[static_cast<size_t>(2 * n + i)]));
    EXPECT_EQ(y[static_cast<size_t>(3 * n + i)], 0.0f);
  }
}

}  // namespace
}  // namespace attune
