// One function a type, in the order of the fields of its block (docs/formats.md, GGUF). The build switches contraction off, which keeps every
// product and sum rounded on its own.
#include "quant/gguf_blocks.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/error.h"
#include "tensor/dtype.h"

namespace attune {
namespace {

constexpr std::array<GgufType, 21> kGgufTypes = {{{0, "F32", 1, 4, true},       {1, "F16", 1, 2, true},      {2, "Q4_0", 32, 18, true},     {3, "Q4_1", 32, 20, true},
                                              {6, "Q5_0", 32, 22, true},    {7, "Q5_1", 32, 24, true},   {8, "Q8_0", 32, 34, true},     {10, "Q2_K", 256, 84, false},
                                              {11, "Q3_K", 256, 110, false}, {12, "Q4_K", 256, 144, true}, {13, "Q5_K", 256, 176, true}, {14, "Q6_K", 256, 210, true},
                                              {20, "IQ4_NL", 32, 18, false}, {23, "IQ4_XS", 256, 136, false}, {24, "I8", 1, 1, false},   {25, "I16", 1, 2, false},
                                              {26, "I32", 1, 4, false},     {27, "I64", 1, 8, false},    {28, "F64", 1, 8, false},      {30, "BF16", 1, 2, true},
                                              {39, "MXFP4", 32, 17, false}}};

using Bytes = const unsigned char*;

float half(Bytes at) {
  uint16_t h;
  std::memcpy(&h, at, 2);
  return half_to_float(h);
}

int signed_byte(unsigned char b) { return static_cast<signed char>(b); }

void f32(Bytes b, float* y) { std::memcpy(y, b, 4); }
void f16(Bytes b, float* y) { *y = half(b); }
void bf16(Bytes b, float* y) { *y = std::bit_cast<float>(static_cast<uint32_t>(b[0] | b[1] << 8) << 16); }

/// Element i of 32 nibbles: byte j holds elements j and j + 16.
int nibble(Bytes q, int i) { return i < 16 ? q[i] & 15 : q[i - 16] >> 4; }

void q4_0(Bytes b, float* y) {
  const float d = half(b);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(nibble(b + 2, i) - 8) * d;
}

void q4_1(Bytes b, float* y) {
  const float d = half(b), m = half(b + 2);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(nibble(b + 4, i)) * d + m;
}

/// The fifth bits of 32 elements stand in a u32 of their own.
int fifth(Bytes high, int i) { return (high[i / 8] >> (i % 8) & 1) << 4; }

void q5_0(Bytes b, float* y) {
  const float d = half(b);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>((nibble(b + 6, i) | fifth(b + 2, i)) - 16) * d;
}

void q5_1(Bytes b, float* y) {
  const float d = half(b), m = half(b + 2);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(nibble(b + 8, i) | fifth(b + 4, i)) * d + m;
}

void q8_0(Bytes b, float* y) {
  const float d = half(b);
  for (int i = 0; i < 32; ++i) y[i] = static_cast<float>(signed_byte(b[2 + i])) * d;
}

/// Scale and minimum of sub-block j of eight, 6 bits each in 12 bytes.
struct ScaleAndMinimum {
  int scale, minimum;
};
ScaleAndMinimum packed_scale(Bytes s, int j) {
  if (j < 4) return {s[j] & 63, s[j + 4] & 63};
  return {(s[j + 4] & 15) | (s[j - 4] >> 6) << 4, s[j + 4] >> 4 | (s[j] >> 6) << 4};
}

/// Q4_K and Q5_K differ in where the nibbles stand and in the fifth bit.
void q45_k(Bytes b, Bytes nibbles, Bytes high, float* y) {
  const float d = half(b), dmin = half(b + 2);
  for (int j = 0; j < 8; ++j) {
    const auto [scale, minimum] = packed_scale(b + 4, j);
    const float ds = d * static_cast<float>(scale), m = dmin * static_cast<float>(minimum);
    for (int l = 0; l < 32; ++l) {
      const int q = nibbles[32 * (j / 2) + l];
      const int low = j % 2 == 0 ? q & 15 : q >> 4, bit = high ? (high[l] >> j & 1) << 4 : 0;
      y[32 * j + l] = ds * static_cast<float>(low | bit) - m;
    }
  }
}

void q4_k(Bytes b, float* y) { q45_k(b, b + 16, nullptr, y); }
void q5_k(Bytes b, float* y) { q45_k(b, b + 48, b + 16, y); }

void q6_k(Bytes b, float* y) {
  const Bytes ql = b, qh = b + 128, scales = b + 192;
  const float d = half(b + 208);
  for (int i = 0; i < 256; ++i) {
    const int h = i / 128, k = i % 128, g = k / 32, l = k % 32;
    const int q = ql[64 * h + l + 32 * (g & 1)], low = g < 2 ? q & 15 : q >> 4, two = qh[32 * h + l] >> (2 * g) & 3;
    y[i] = d * static_cast<float>(signed_byte(scales[i / 16])) * static_cast<float>((low | two << 4) - 32);
  }
}

using Decode = void (*)(Bytes, float*);
Decode decoder(uint32_t number) {
  switch (number) {
    case 0:
      return f32;
    case 1:
      return f16;
    case 2:
      return q4_0;
    case 3:
      return q4_1;
    case 6:
      return q5_0;
    case 7:
      return q5_1;
    case 8:
      return q8_0;
    case 12:
      return q4_k;
    case 13:
      return q5_k;
    case 14:
      return q6_k;
    case 30:
      return bf16;
    default:
      return nullptr;
  }
}

}  // namespace

const GgufType* gguf_type(uint32_t number) {
  for (const GgufType& t : kGgufTypes)
    if (t.number == number) return &t;
  return nullptr;
}

std::string_view readable_gguf_types() { return "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K"; }

void dequantize_blocks(const GgufType& type, const void* data, int64_t blocks, float* out) {
  const Decode decode = decoder(type.number);
  require(decode != nullptr, "a GGUF type that can be read");
  const auto* at = static_cast<Bytes>(data);
  for (int64_t i = 0; i < blocks; ++i) decode(at + i * type.bytes, out + i * type.block);
}

}  // namespace attune
