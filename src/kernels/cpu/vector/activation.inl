// Bias, activations and their backward pass.
#include "kernels/cpu/vector/declare.h"
#include "kernels/cpu/vector/math.h"
#include "kernels/cpu/vector/parallel.h"

namespace attune::ATTUNE_ISA {
namespace {

template <typename Fn>
void forward_rows(const Context& ctx, int64_t t, int64_t c, const float* bias, float* u, int64_t u_pitch, float* y, int64_t y_pitch,
                  Fn fn) {
  parallel_rows(ctx, t, c, [=](int64_t i) {
    float* from = u + i * u_pitch;
    float* to = y + i * y_pitch;
    lanes(
        c,
        [=](int64_t j) {
          F x = load(from + j);
          if (bias) store(from + j, x = x + load(bias + j));
          store(to + j, fn(x));
        },
        [=](int64_t j, int64_t n) {
          F x = load_part(from + j, n);
          if (bias) store_part(from + j, x = x + load_part(bias + j, n), n);
          store_part(to + j, fn(x), n);
        });
  });
}

template <typename Fn>
void backward_rows(const Context& ctx, int64_t t, int64_t c, const float* u, int64_t u_pitch, const float* dy, int64_t dy_pitch, float* dx,
                   int64_t dx_pitch, Fn slope) {
  parallel_rows(ctx, t, c, [=](int64_t i) {
    const float* at = u + i * u_pitch;
    const float* from = dy + i * dy_pitch;
    float* to = dx + i * dx_pitch;
    lanes(
        c, [=](int64_t j) { store(to + j, load(from + j) * slope(load(at + j))); },
        [=](int64_t j, int64_t n) { store_part(to + j, load_part(from + j, n) * slope(load_part(at + j, n)), n); });
  });
}

void add_bias(const Context& ctx, int64_t t, int64_t c, const float* bias, float* u, int64_t u_pitch) {
  parallel_rows(ctx, t, c, [=](int64_t i) {
    float* row = u + i * u_pitch;
    lanes(
        c, [=](int64_t j) { store(row + j, load(row + j) + load(bias + j)); },
        [=](int64_t j, int64_t n) { store_part(row + j, load_part(row + j, n) + load_part(bias + j, n), n); });
  });
}

}  // namespace

void bias_activation(const Context& ctx, int64_t t, int64_t c, const float* bias, Activation act, float* u, int64_t u_pitch, float* y,
                     int64_t y_pitch) {
  const auto run = [&](auto fn) { forward_rows(ctx, t, c, bias, u, u_pitch, y, y_pitch, fn); };
  switch (act) {
    case Activation::kNone:
      return bias ? add_bias(ctx, t, c, bias, u, u_pitch) : void();
    case Activation::kGelu:
      return run([](F x) { return gelu(x); });
    case Activation::kGeluNew:
      return run([](F x) { return gelu_new(x); });
    case Activation::kRelu:
      return run([](F x) { return relu(x); });
    case Activation::kSilu:
      return run([](F x) { return silu(x); });
    case Activation::kTanh:
      return run([](F x) { return vtanh(x); });
  }
}

void activation_backward(const Context& ctx, int64_t t, int64_t c, Activation act, const float* u, int64_t u_pitch, const float* dy,
                         int64_t dy_pitch, float* dx, int64_t dx_pitch) {
  const auto run = [&](auto slope) { backward_rows(ctx, t, c, u, u_pitch, dy, dy_pitch, dx, dx_pitch, slope); };
  switch (act) {
    case Activation::kNone:
      return run([](F) { return set1(1.0f); });
    case Activation::kGelu:
      return run([](F x) { return gelu_slope(x); });
    case Activation::kGeluNew:
      return run([](F x) { return gelu_new_slope(x); });
    case Activation::kRelu:
      return run([](F x) { return relu_slope(x); });
    case Activation::kSilu:
      return run([](F x) { return silu_slope(x); });
    case Activation::kTanh:
      return run([](F x) { return tanh_slope(x); });
  }
}

// Columns are shared out, rows added in order in groups of kGroup, so the bits do not depend on the number of threads.
void bias_backward(const Context& ctx, int64_t t, int64_t c, const float* dy, int64_t dy_pitch, float* dbias) {
  constexpr int64_t kGroup = 16;
  parallel_ranges(team(ctx, t * c), c, 4 * kLanes, [=](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < t; i += kGroup) {
      const int64_t rows = t - i < kGroup ? t - i : kGroup;
      const float* from = dy + i * dy_pitch + begin;
      float* to = dbias + begin;
      lanes(
          end - begin,
          [=](int64_t j) {
            F s = load(from + j);
            for (int64_t r = 1; r < rows; ++r) s = s + load(from + r * dy_pitch + j);
            store(to + j, load(to + j) + s);
          },
          [=](int64_t j, int64_t n) {
            F s = load_part(from + j, n);
            for (int64_t r = 1; r < rows; ++r) s = s + load_part(from + r * dy_pitch + j, n);
            store_part(to + j, load_part(to + j, n) + s, n);
          });
    }
  });
}

}  // namespace attune::ATTUNE_ISA
