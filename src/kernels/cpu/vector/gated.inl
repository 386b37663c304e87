// Gated activations and their backward pass.
#include "kernels/cpu/vector/declare.h"
#include "kernels/cpu/vector/math.h"
#include "kernels/cpu/vector/parallel.h"

namespace attune::ATTUNE_ISA {
namespace {

/// run(function, slope) for an activation.
template <typename Run>
ATTUNE_INLINE void with_activation(Activation act, const Run& run) {
  switch (act) {
    case Activation::kNone:
      return run([](F x) { return x; }, [](F) { return set1(1.0f); });
    case Activation::kGelu:
      return run([](F x) { return gelu(x); }, [](F x) { return gelu_slope(x); });
    case Activation::kGeluNew:
      return run([](F x) { return gelu_new(x); }, [](F x) { return gelu_new_slope(x); });
    case Activation::kRelu:
      return run([](F x) { return relu(x); }, [](F x) { return relu_slope(x); });
    case Activation::kSilu:
      return run([](F x) { return silu(x); }, [](F x) { return silu_slope(x); });
    case Activation::kTanh:
      return run([](F x) { return vtanh(x); }, [](F x) { return tanh_slope(x); });
  }
}

}  // namespace

void gated(const Context& ctx, int64_t t, int64_t c, Activation act, const float* gate, int64_t gate_pitch, const float* up, int64_t up_pitch,
           float* y, int64_t y_pitch) {
  with_activation(act, [&](auto fn, auto) {
    parallel_rows(ctx, t, c, [=](int64_t i) {
      const float* g = gate + i * gate_pitch;
      const float* u = up + i * up_pitch;
      float* to = y + i * y_pitch;
      lanes(
          c, [=](int64_t j) { store(to + j, fn(load(g + j)) * load(u + j)); },
          [=](int64_t j, int64_t n) { store_part(to + j, fn(load_part(g + j, n)) * load_part(u + j, n), n); });
    });
  });
}

void gated_backward(const Context& ctx, int64_t t, int64_t c, Activation act, const float* gate, int64_t gate_pitch, const float* up,
                    int64_t up_pitch, const float* dy, int64_t dy_pitch, float* dgate, float* dup, int64_t d_pitch) {
  with_activation(act, [&](auto fn, auto slope) {
    parallel_rows(ctx, t, c, [=](int64_t i) {
      const float* g = gate + i * gate_pitch;
      const float* u = up + i * up_pitch;
      const float* d = dy + i * dy_pitch;
      float* to_gate = dgate + i * d_pitch;
      float* to_up = dup + i * d_pitch;
      lanes(
          c,
          [=](int64_t j) {
            const F x = load(g + j), from = load(d + j);
            store(to_gate + j, from * load(u + j) * slope(x));
            store(to_up + j, from * fn(x));
          },
          [=](int64_t j, int64_t n) {
            const F x = load_part(g + j, n), from = load_part(d + j, n);
            store_part(to_gate + j, from * load_part(u + j, n) * slope(x), n);
            store_part(to_up + j, from * fn(x), n);
          });
    });
  });
}

}  // namespace attune::ATTUNE_ISA
