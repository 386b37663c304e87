// Gated activation: y = act(gate) * up; SwiGLU with silu (Shazeer, arXiv 2002.05202).
#include "kernels/reference/reference.h"

namespace attune::reference {

void gated(const Context&, int64_t t, int64_t c, Activation act, const float* gate, int64_t gate_pitch, const float* up, int64_t up_pitch,
           float* y, int64_t y_pitch) {
  for (int64_t i = 0; i < t; ++i) {
    for (int64_t j = 0; j < c; ++j) y[i * y_pitch + j] = static_cast<float>(activate(act, gate[i * gate_pitch + j]) * up[i * up_pitch + j]);
  }
}

void gated_backward(const Context&, int64_t t, int64_t c, Activation act, const float* gate, int64_t gate_pitch, const float* up,
                    int64_t up_pitch, const float* dy, int64_t dy_pitch, float* dgate, float* dup, int64_t d_pitch) {
  for (int64_t i = 0; i < t; ++i) {
    for (int64_t j = 0; j < c; ++j) {
      const double g = gate[i * gate_pitch + j], d = dy[i * dy_pitch + j];
      dgate[i * d_pitch + j] = static_cast<float>(d * up[i * up_pitch + j] * activate_slope(act, g));
      dup[i * d_pitch + j] = static_cast<float>(d * activate(act, g));
    }
  }
}

}  // namespace attune::reference
