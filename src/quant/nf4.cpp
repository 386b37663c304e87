#include "quant/nf4.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

#include "base/error.h"
#include "quant/dynamic_map.h"
#include "quant/finite.h"
#include "quant/ranges.h"

namespace attune {
namespace {

constexpr std::array<float, 16> kNf4Code = {-1.0f,
                                            -0.6961928009986877f,
                                            -0.5250730514526367f,
                                            -0.39491748809814453f,
                                            -0.28444138169288635f,
                                            -0.18477343022823334f,
                                            -0.09105003625154495f,
                                            0.0f,
                                            0.07958029955625534f,
                                            0.16093020141124725f,
                                            0.24611230194568634f,
                                            0.33791524171829224f,
                                            0.44070982933044434f,
                                            0.5626170039176941f,
                                            0.7229568362236023f,
                                            1.0f};

constexpr auto kNf4Middles = [] {
  std::array<float, 15> middles{};
  for (size_t i = 0; i < middles.size(); ++i) middles[i] = (kNf4Code[i] + kNf4Code[i + 1]) / 2;
  return middles;
}();

/// The two values of a byte of codes, so that unpacking is one look-up.
constexpr auto kNf4Pairs = [] {
  std::array<std::array<float, 2>, 256> pairs{};
  for (size_t byte = 0; byte < pairs.size(); ++byte) pairs[byte] = {kNf4Code[byte >> 4], kNf4Code[byte & 15]};
  return pairs;
}();

/// bitsandbytes' floor under a divisor: what makes a block of zeros come out as code 7.
constexpr float kLeastNf4Absmax = 1e-38f;

/// Nearest codes of 64 values in [-1, 1]: how many middles lie strictly below. Counting vectorises where searching does not.
void pack_nf4(const float* x, uint8_t* bytes) {
  std::array<uint8_t, kNf4Block> code;
  for (size_t i = 0; i < code.size(); ++i) {
    int32_t below = 0;
    for (const float middle : kNf4Middles) below += x[i] > middle;
    code[i] = static_cast<uint8_t>(below);
  }
  for (size_t i = 0; i < code.size() / 2; ++i) bytes[i] = static_cast<uint8_t>(code[2 * i] << 4 | code[2 * i + 1]);
}

/// Codes of one block of n weights; returns its absmax. bitsandbytes multiplies full blocks by the reciprocal, divides the short last one
/// and stores the floored scale there.
float quantize_nf4_block(const float* w, int64_t n, float absmax, uint8_t* bytes) {
  std::array<float, kNf4Block> x;
  if (n == kNf4Block) {
    const float factor = 1.0f / std::max(absmax, kLeastNf4Absmax);
    for (size_t i = 0; i < x.size(); ++i) x[i] = w[i] * factor;
    pack_nf4(x.data(), bytes);
    return absmax;
  }
  absmax = std::max(absmax, kLeastNf4Absmax);
  x.fill(0);  // an odd count is padded with a zero
  for (int64_t i = 0; i < n; ++i) x[static_cast<size_t>(i)] = w[i] / absmax;
  std::array<uint8_t, kNf4Block / 2> packed;
  pack_nf4(x.data(), packed.data());
  std::copy_n(packed.begin(), (n + 1) / 2, bytes);
  return absmax;
}

/// Replaces m.absmax by codes of its distances from the mean.
void quantize_nf4_scales(Nf4Matrix& m, int threads) {
  const int64_t blocks = m.blocks();
  float* absmax = m.absmax.f32();
  double sum = 0;
  for (int64_t i = 0; i < blocks; ++i) sum += absmax[i];
  m.offset = blocks > 0 ? static_cast<float>(sum / static_cast<double>(blocks)) : 0.0f;
  for (int64_t i = 0; i < blocks; ++i) absmax[i] -= m.offset;
  m.absmax_codes = Tensor({blocks}, DType::kU8, MemoryClass::kQuantized);
  m.nested_absmax = Tensor({(blocks + kDynamicBlock - 1) / kDynamicBlock}, DType::kF32, MemoryClass::kQuantized);
  quantize_dynamic(absmax, blocks, static_cast<uint8_t*>(m.absmax_codes.data()), m.nested_absmax.f32(), threads);
  m.absmax = Tensor();
}

void dequantize_nf4_pairs(const uint8_t* bytes, int64_t n, float scale, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const auto& pair = kNf4Pairs[bytes[i]];
    y[2 * i] = pair[0] * scale;
    y[2 * i + 1] = pair[1] * scale;
  }
}

}  // namespace

int64_t Nf4Matrix::bytes() const {
  int64_t sum = 0;
  for (const Tensor* t : {&codes, &absmax, &absmax_codes, &nested_absmax}) sum += t->empty() ? 0 : t->bytes();
  return sum;
}

std::span<const float> nf4_code() { return kNf4Code; }

Nf4Matrix quantize_nf4(const float* w, int64_t out, int64_t in, bool double_quant, int threads, const std::string& where) {
  Nf4Matrix m;
  m.out = out;
  m.in = in;
  const int64_t n = count({out, in}), blocks = m.blocks();
  m.codes = Tensor({(n + 1) / 2}, DType::kU8, MemoryClass::kQuantized);
  m.absmax = Tensor({blocks}, DType::kF32, MemoryClass::kQuantized);
  auto* bytes = static_cast<uint8_t*>(m.codes.data());
  float* absmax = m.absmax.f32();
  std::atomic<bool> finite = true;
  for_ranges(blocks, threads, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kNf4Block, size = std::min(kNf4Block, n - first);
      const uint32_t largest = largest_magnitude(w + first, size);
      if (largest >= kInfinityBits) {
        finite = false;
        return;
      }
      absmax[block] = quantize_nf4_block(w + first, size, std::bit_cast<float>(largest), bytes + first / 2);
    }
  });
  if (!finite) fail_not_finite(w, first_not_finite(w, n), in, where);
  if (double_quant) quantize_nf4_scales(m, threads);
  return m;
}

void block_scales(const Nf4Matrix& m, int64_t begin, int64_t end, float* scales) {
  require(begin >= 0 && begin <= end && end <= m.blocks(), "block range outside the matrix");
  if (!m.double_quant()) {
    std::copy(m.absmax.f32() + begin, m.absmax.f32() + end, scales);
    return;
  }
  const float* map = dynamic_map().data();
  const float* nested = m.nested_absmax.f32();
  const auto* codes = static_cast<const uint8_t*>(m.absmax_codes.data());
  for (int64_t j = begin; j < end; ++j) scales[j - begin] = map[codes[j]] * nested[j / kDynamicBlock] + m.offset;
}

void dequantize_rows(const Nf4Matrix& m, int64_t begin, int64_t end, float* y) {
  require(begin >= 0 && begin <= end && end <= m.out, "row range outside the matrix");
  const auto* bytes = static_cast<const uint8_t*>(m.codes.data());
  constexpr int64_t kScalesAtOnce = 64;
  std::array<float, kScalesAtOnce> scales;
  int64_t i = begin * m.in;
  const int64_t last = end * m.in;
  while (i < last) {
    const int64_t block = i / kNf4Block, stop = std::min((last + kNf4Block - 1) / kNf4Block, block + kScalesAtOnce);
    block_scales(m, block, stop, scales.data());
    for (int64_t b = block; b < stop; ++b) {
      const float scale = scales[static_cast<size_t>(b - block)];
      const int64_t block_end = std::min(last, (b + 1) * kNf4Block);
      if (i % 2 != 0) {  // a row of odd length begins in the middle of a byte
        *y++ = kNf4Pairs[bytes[i / 2]][1] * scale;
        ++i;
      }
      const int64_t pairs = (block_end - i) / 2;
      dequantize_nf4_pairs(bytes + i / 2, pairs, scale, y);
      y += 2 * pairs;
      i += 2 * pairs;
      if (i < block_end) {
        *y++ = kNf4Pairs[bytes[i / 2]][0] * scale;
        ++i;
      }
    }
  }
}

}  // namespace attune
