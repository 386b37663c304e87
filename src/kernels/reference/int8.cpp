// Products with 8-bit matrices: the input quantised row by row, integers summed exactly.
#include <algorithm>
#include <vector>

#include "kernels/reference/reference.h"
#include "quant/packed_int8.h"

namespace attune::reference {

namespace {

float input_of(const Int8Source& s, int64_t row, int64_t k) {
  const double x = s.x[row * s.x_pitch + k];
  if (s.input == Int8Input::kPlain) return static_cast<float>(x);
  if (s.input == Int8Input::kActivation) return static_cast<float>(activate(s.act, x));
  return static_cast<float>(x * activate_slope(s.act, s.u[row * s.u_pitch + k]));
}

/// Codes of one block and what rounding left of it; returns the scale.
float quantize(int64_t n, float* x, int* codes) {
  float most = 0.0f;
  for (int64_t k = 0; k < n; ++k) most = std::isnan(x[k]) || most != most ? std::nanf("") : std::max(most, std::fabs(x[k]));
  std::fill_n(codes, n, 0);
  if (!std::isfinite(most)) return most;
  if (most < 1e-30f) return 0.0f;
  const float inverse = 127.0f / most, scale = most / 127.0f;
  for (int64_t k = 0; k < n; ++k) {
    codes[k] = static_cast<int>(std::nearbyint(x[k] * inverse));
    x[k] -= scale * static_cast<float>(codes[k]);
  }
  return scale;
}

int code(const Int8Weight& w, int64_t n, int64_t k) {
  const int64_t groups = (w.k + kInt8Group - 1) / kInt8Group;
  return w.data[((n / kInt8Panel * groups + k / kInt8Group) * kInt8Panel + n % kInt8Panel) * kInt8Group + k % kInt8Group];
}

}  // namespace

void int8_products(const Context&, int64_t t, int64_t k, const Int8Source& source, int terms, int count, const Int8Product* products) {
  std::vector<float> x(static_cast<size_t>(k));
  std::vector<int> codes(x.size());
  for (int64_t r = 0; r < t; ++r) {
    for (int i = 0; i < count; ++i) {
      const Int8Product& p = products[i];
      for (int64_t j = 0; j < k; ++j) x[static_cast<size_t>(j)] = input_of(source, r, j) * (p.w.x_scale ? p.w.x_scale[j] : 1.0f);
      for (int term = 0; term < terms; ++term) {
        std::vector<float> scales;
        for (int64_t block = 0; block < k; block += kInt8Block)
          scales.push_back(quantize(std::min(kInt8Block, k - block), x.data() + block, codes.data() + block));
        for (int64_t n = 0; n < p.w.n; ++n) {
          double sum = 0.0;
          for (int64_t block = 0; block < k; block += kInt8Block) {
            int64_t exact = 0;
            for (int64_t j = block; j < std::min(k, block + kInt8Block); ++j) exact += codes[static_cast<size_t>(j)] * code(p.w, n, j);
            const float scale = scales[static_cast<size_t>(block / kInt8Block)];
            sum += std::isfinite(scale) ? static_cast<double>(exact) * scale : std::nan("");
          }
          float& y = p.y[r * p.y_pitch + n];
          const double old = term > 0 ? y : (p.beta == 0.0f ? 0.0 : static_cast<double>(p.beta) * y) + (p.bias ? p.bias[n] : 0.0f);
          y = static_cast<float>(sum * p.w.scale[n] + old);
        }
      }
    }
  }
}

}  // namespace attune::reference
