#include "quant/packed_int8.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "quant/ranges.h"

namespace attune {
namespace {

int64_t up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

/// Place of element (n, k) in a packed matrix of `inner` inner elements.
int64_t place(int64_t inner, int64_t n, int64_t k) {
  const int64_t groups = up(inner, kInt8Group) / kInt8Group;
  return ((n / kInt8Panel * groups + k / kInt8Group) * kInt8Panel + n % kInt8Panel) * kInt8Group + k % kInt8Group;
}

PackedInt8 blank(int64_t n, int64_t k) {
  PackedInt8 p;
  p.n = n;
  p.k = k;
  const int64_t outputs = up(n, kInt8Panel);
  p.data = Tensor({outputs, up(k, kInt8Group)}, DType::kI8, MemoryClass::kQuantized);
  p.scale = Tensor({outputs}, DType::kF32, MemoryClass::kQuantized);
  p.compensation = Tensor({up(k, kInt8Block) / kInt8Block, outputs}, DType::kI32, MemoryClass::kQuantized);
  return p;
}

PackedInt8 zeros(int64_t n, int64_t k) {
  PackedInt8 p = blank(n, k);
  for (Tensor* t : {&p.data, &p.scale, &p.compensation}) std::memset(t->data(), 0, static_cast<size_t>(t->bytes()));
  return p;
}

int8_t* at(PackedInt8& p, int64_t n, int64_t k) { return static_cast<int8_t*>(p.data.data()) + place(p.k, n, k); }

/// Codes of one row; returns the scale. Adding 1.5 * 2^23 rounds to the nearest even integer and leaves it in the low bits.
float quantize_row(int64_t k, const float* w, int limit, int8_t* codes) {
  float most = 0.0f;
  for (int64_t i = 0; i < k; ++i) most = std::max(most, std::fabs(w[i]));
  const float inverse = most > 0.0f ? static_cast<float>(limit) / most : 0.0f;
  for (int64_t i = 0; i < k; ++i) codes[i] = static_cast<int8_t>(std::bit_cast<int32_t>(w[i] * inverse + 12582912.0f));
  return most / static_cast<float>(limit);
}

void set_row(PackedInt8& p, int64_t n, const int8_t* codes, float scale) {
  p.scale.f32()[n] = scale;
  auto* compensation = static_cast<int32_t*>(p.compensation.data()) + n;
  for (int64_t block = 0; block < p.k; block += kInt8Block, compensation += p.scale.size()) {
    int32_t sum = 0;
    for (int64_t i = block; i < std::min(p.k, block + kInt8Block); ++i) sum += codes[i];
    *compensation = -128 * sum;
  }
  int8_t* to = at(p, n, 0);
  int64_t k = 0;
  for (; k + kInt8Group <= p.k; k += kInt8Group, to += kInt8Panel * kInt8Group) std::memcpy(to, codes + k, kInt8Group);
  for (int64_t i = 0; k + i < p.k; ++i) to[i] = codes[k + i];
}

/// Four rows of W are one group of the backward form's inner dimension.
void set_group(PackedInt8& p, int64_t row, int64_t rows, const int8_t* codes, int64_t pitch) {
  for (int64_t n = 0; n < p.n; ++n) {
    int8_t* to = at(p, n, row);
    for (int64_t i = 0; i < rows; ++i) to[i] = codes[i * pitch + n];
  }
}

/// Where up to 64 rows of W go; either may be null.
struct Forms {
  PackedInt8 *forward, *backward;
};

void pack_panel(int64_t begin, int64_t end, int64_t in, const WeightRows& rows, const float* smooth, int limit, const Forms& forms) {
  std::vector<float> w(static_cast<size_t>((end - begin) * in));
  std::vector<int8_t> codes(w.size());
  float scales[kInt8Panel];
  rows(begin, end, w.data());
  const auto quantize_all = [&] {
    for (int64_t i = 0; i < end - begin; ++i) scales[i] = quantize_row(in, w.data() + i * in, limit, codes.data() + i * in);
  };
  if (forms.backward || !smooth) quantize_all();
  if (forms.backward) {
    std::copy_n(scales, end - begin, forms.backward->x_scale.f32() + begin);
    for (int64_t n = begin; n < end; n += kInt8Group)
      set_group(*forms.backward, n, std::min(kInt8Group, end - n), codes.data() + (n - begin) * in, in);
  }
  if (!forms.forward) return;
  if (smooth) {
    for (int64_t i = 0; i < end - begin; ++i)
      for (int64_t k = 0; k < in; ++k) w[static_cast<size_t>(i * in + k)] *= smooth[k];
    quantize_all();
  }
  for (int64_t n = begin; n < end; ++n) set_row(*forms.forward, n, codes.data() + (n - begin) * in, scales[n - begin]);
}

/// -128 times the sums over the inner dimension, of a form filled in the other direction.
void compensate(PackedInt8& p) {
  auto* compensation = static_cast<int32_t*>(p.compensation.data());
  const auto* data = static_cast<const int8_t*>(p.data.data());
  const int64_t groups = up(p.k, kInt8Group) / kInt8Group;
  for (int64_t panel = 0; panel < p.data.dim(0); panel += kInt8Panel) {
    for (int64_t g = 0; g < groups; ++g) {
      int32_t* to = compensation + g * kInt8Group / kInt8Block * p.scale.size();
      for (int64_t n = panel; n < panel + kInt8Panel; ++n, data += kInt8Group) to[n] -= 128 * (data[0] + data[1] + data[2] + data[3]);
    }
  }
}

}  // namespace

int64_t PackedInt8::bytes() const {
  return data.bytes() + scale.bytes() + compensation.bytes() + (x_scale.empty() ? 0 : x_scale.bytes());
}

namespace {

void pack(int64_t out, int64_t in, const WeightRows& rows, const Smoothing& smoothing, int limit, int threads, PackedInt8* forward,
          PackedInt8* backward) {
  const float* smooth = smoothing.scale.empty() ? nullptr : smoothing.scale.f32();
  if (forward) {
    *forward = zeros(out, in);
    forward->x_scale = smoothing.inverse;
  }
  if (backward) {
    *backward = zeros(in, out);
    std::fill_n(backward->scale.f32(), in, 1.0f);
    backward->x_scale = Tensor::zeros({out}, MemoryClass::kQuantized);
  }
  for_ranges((out + kInt8Panel - 1) / kInt8Panel, threads, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p)
      pack_panel(p * kInt8Panel, std::min(out, (p + 1) * kInt8Panel), in, rows, smooth, limit, {forward, backward});
  });
  if (backward) compensate(*backward);
}

}  // namespace

Int8Pair pack_int8(int64_t out, int64_t in, const WeightRows& rows, const Smoothing& smoothing, int limit, int threads) {
  Int8Pair pair;
  pack(out, in, rows, smoothing, limit, threads, &pair.forward, &pair.backward);
  return pair;
}

PackedInt8 pack_int8_forward(int64_t out, int64_t in, const WeightRows& rows, const Smoothing& smoothing, int limit, int threads) {
  PackedInt8 p;
  pack(out, in, rows, smoothing, limit, threads, &p, nullptr);
  return p;
}

PackedInt8 pack_int8_backward(int64_t out, int64_t in, const WeightRows& rows, int limit, int threads) {
  PackedInt8 p;
  pack(out, in, rows, {}, limit, threads, nullptr, &p);
  return p;
}

Int8Pair blank_int8(int64_t out, int64_t in, bool smoothed) {
  Int8Pair pair{blank(out, in), blank(in, out)};
  pair.backward.x_scale = Tensor({out}, DType::kF32, MemoryClass::kQuantized);
  if (smoothed) pair.forward.x_scale = Tensor({in}, DType::kF32, MemoryClass::kQuantized);
  return pair;
}

void unpack_rows(const PackedInt8& backward, int64_t begin, int64_t end, float* rows) {
  const auto* data = static_cast<const int8_t*>(backward.data.data());
  for (int64_t row = begin; row < end; ++row) {
    const float scale = backward.x_scale.f32()[row];
    for (int64_t n = 0; n < backward.n; ++n)
      rows[(row - begin) * backward.n + n] = scale * static_cast<float>(data[place(backward.k, n, row)]);
  }
}

}  // namespace attune
