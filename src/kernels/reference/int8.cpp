// Products with 8-bit matrices: the input quantised row by row, integers summed exactly.
#include <algorithm>
#include <bit>
#include <vector>

#include "kernels/reference/reference.h"
#include "quant/packed_int8.h"

namespace attune::reference {

namespace {

float from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return 0x7fc0;
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float input_of(const Int8Source& s, int64_t row, int64_t k) {
  if (s.input == Int8Input::kPlain) return s.x[row * s.x_pitch + k];
  const double u = from_bf16(s.u[row * s.u_pitch + k]);
  if (s.input == Int8Input::kActivation) return static_cast<float>(activate(s.act, u));
  return static_cast<float>(s.x[row * s.x_pitch + k] * activate_slope(s.act, u));
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
      std::vector<double> sums(static_cast<size_t>(p.w.n));
      for (int term = 0; term < terms; ++term)
        for (int64_t block = 0; block < k; block += kInt8Block) {
          const int64_t end = std::min(k, block + kInt8Block);
          const float scale = quantize(end - block, x.data() + block, codes.data() + block);
          for (int64_t n = 0; n < p.w.n; ++n) {
            int64_t exact = 0;
            for (int64_t j = block; j < end; ++j) exact += codes[static_cast<size_t>(j)] * code(p.w, n, j);
            sums[static_cast<size_t>(n)] += std::isfinite(scale) ? static_cast<double>(exact) * scale : std::nan("");
          }
        }
      for (int64_t n = 0; n < p.w.n; ++n) {
        const double value = sums[static_cast<size_t>(n)] * p.w.scale[n] + (p.bias ? p.bias[n] : 0.0f);
        float* y = p.y_bf16 ? nullptr : p.y + r * p.y_pitch + n;
        if (y)
          *y = static_cast<float>(p.beta == 0.0f ? value : value + static_cast<double>(p.beta) * *y);
        else
          p.y_bf16[r * p.y_pitch + n] = to_bf16(static_cast<float>(value));
      }
    }
  }
}

}  // namespace attune::reference
