// Products with 8-bit matrices. A block of input rows is quantised into one thread's memory, where it stays in the second cache while
// all panels of the matrix pass by; a tile of integer sums stays in registers over the whole inner dimension. The sums start at the
// compensation, so that storing inputs as unsigned q + 128 costs nothing. After each block of 128 inner elements the sums are scaled and
// added up as floats.
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/vector/declare.h"
#include "kernels/cpu/vector/math.h"
#include "kernels/cpu/vector/parallel.h"

namespace attune::ATTUNE_ISA {
namespace {

constexpr int64_t kPanelColumns = 64, kGroup = 4, kInnerBlock = 128;  // of quant/packed_int8.h
constexpr int kTileVectors = 2;
constexpr int kTileColumns = kTileVectors * kLanes;
#if defined(ATTUNE_DPBUSD) || ATTUNE_LANES == 16
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 4;
#endif
constexpr int64_t kBlockBytes = 384 << 10;  // quantised inputs of a block

#if ATTUNE_LANES == 16
ATTUNE_INLINE uint32_t top_of(U v) { return _mm512_reduce_max_epu32((__m512i)v); }
ATTUNE_INLINE I to_int(F x) { return (I)_mm512_cvtps_epi32(x); }
ATTUNE_INLINE void store_bytes(uint8_t* to, I v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8((__m512i)v)); }
#else
ATTUNE_INLINE uint32_t top_of(U v) {
  const __m256i w = (__m256i)v;
  __m128i half = _mm_max_epu32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
  half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0x4e));
  half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0xb1));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(half));
}
ATTUNE_INLINE I to_int(F x) { return (I)_mm256_cvtps_epi32(x); }
ATTUNE_INLINE void store_bytes(uint8_t* to, I v) {
  const __m256i w = (__m256i)v;
  const __m128i half = _mm_packus_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(half, half));
}
#endif
#if ATTUNE_LANES == 16
ATTUNE_INLINE U load_halves(const uint16_t* p) { return (U)_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
ATTUNE_INLINE void store_halves(uint16_t* to, U v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16((__m512i)v)); }
#else
ATTUNE_INLINE U load_halves(const uint16_t* p) { return (U)_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
ATTUNE_INLINE void store_halves(uint16_t* to, U v) {
  const __m256i w = (__m256i)v;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_packus_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1)));
}
#endif
ATTUNE_INLINE F load_bf16(const uint16_t* p) { return (F)(load_halves(p) << 16); }
ATTUNE_INLINE F load_bf16_part(const uint16_t* p, int64_t n) {
  uint16_t lanes[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return load_bf16(lanes);
}
/// To the nearest even; NaN stays NaN.
ATTUNE_INLINE U to_bf16(F x) {
  const U bits = (U)x;
  const U rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return (I)(x != x) ? set1u(0x7fc0u) : rounded;
}
ATTUNE_INLINE void store_bf16_part(uint16_t* to, U v, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<uint16_t>(v[i]);
}
ATTUNE_INLINE I load_int(const void* p) {
  I v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

/// a * b + c, rounded once. Left to the compiler, tiles of other heights would round otherwise, and a row's results would depend on where
/// it stands.
#if ATTUNE_LANES == 16
ATTUNE_INLINE F multiply_add(F a, F b, F c) { return (F)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
#else
ATTUNE_INLINE F multiply_add(F a, F b, F c) { return (F)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
#endif

/// sums += four products of unsigned and signed bytes a lane. GCC 12 spills a tile written with intrinsics, so VNNI is written out.
ATTUNE_INLINE void add_dots(I& sums, I unsigned_bytes, I signed_bytes) {
#if defined(ATTUNE_DPBUSD)
  asm(ATTUNE_DPBUSD " %2,%1,%0" : "+v"(sums) : "v"(unsigned_bytes), "v"(signed_bytes));
#elif ATTUNE_LANES == 16
  const __m512i pairs = _mm512_maddubs_epi16((__m512i)unsigned_bytes, (__m512i)signed_bytes);
  sums = sums + (I)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#else
  const __m256i pairs = _mm256_maddubs_epi16((__m256i)unsigned_bytes, (__m256i)signed_bytes);
  sums = sums + (I)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#endif
}

/// Quantised rows of an input: for each term codes (rows, pitch) and scales (rows, blocks).
struct Quantized {
  const uint8_t* codes;
  const float* scales;
  int64_t pitch, blocks, groups, rows;
  int terms;
};

/// Rows [first, first + R) of quantised inputs times a tile's columns, which begin at column n.
template <int R>
ATTUNE_INLINE void int8_tile(const Quantized& x, int64_t first, const Int8Product& p, int64_t n, int64_t row, int64_t columns) {
  const int64_t outputs = (p.w.n + kPanelColumns - 1) / kPanelColumns * kPanelColumns;
  F total[R][kTileVectors] = {};
  for (int term = 0; term < x.terms; ++term) {
    const int8_t* b = p.w.data + n / kPanelColumns * kPanelColumns * x.groups * kGroup + n % kPanelColumns * kGroup;
    const uint8_t* a = x.codes + (term * x.rows + first) * x.pitch;
    const float* scales = x.scales + (term * x.rows + first) * x.blocks;
    const int32_t* compensation = p.w.compensation + n;
    for (int64_t block = 0; block < x.blocks; ++block, compensation += outputs) {
      I sums[R][kTileVectors];
      ATTUNE_UNROLL
      for (int v = 0; v < kTileVectors; ++v) {
        const I start = load_int(compensation + v * kLanes);
        ATTUNE_UNROLL
        for (int r = 0; r < R; ++r) sums[r][v] = start;
      }
      const int64_t done = block * (kInnerBlock / kGroup);
      const int64_t count = x.groups - done < kInnerBlock / kGroup ? x.groups - done : kInnerBlock / kGroup;
      for (int64_t g = 0; g < count; ++g) {
        I row_of_b[kTileVectors];
        ATTUNE_UNROLL
        for (int v = 0; v < kTileVectors; ++v) row_of_b[v] = load_int(b + v * kLanes * kGroup);
        ATTUNE_UNROLL
        for (int r = 0; r < R; ++r) {
          int32_t four;
          __builtin_memcpy(&four, a + r * x.pitch, sizeof four);
          const I broadcast = I{} + four;
          ATTUNE_UNROLL
          for (int v = 0; v < kTileVectors; ++v) add_dots(sums[r][v], broadcast, row_of_b[v]);
        }
        a += kGroup;
        b += kPanelColumns * kGroup;
      }
      ATTUNE_UNROLL
      for (int r = 0; r < R; ++r) {
        const F scale = set1(scales[r * x.blocks + block]);
        ATTUNE_UNROLL
        for (int v = 0; v < kTileVectors; ++v) total[r][v] = multiply_add(__builtin_convertvector(sums[r][v], F), scale, total[r][v]);
      }
    }
  }
  ATTUNE_UNROLL
  for (int v = 0; v < kTileVectors; ++v) {
    const int64_t column = n + v * kLanes, used = columns - v * kLanes < kLanes ? columns - v * kLanes : kLanes;
    if (used <= 0) break;
    const bool whole = used == kLanes;
    const F scale = load(p.w.scale + column);
    const F start = !p.bias ? F{} : whole ? load(p.bias + column) : load_part(p.bias + column, used);
    ATTUNE_UNROLL
    for (int r = 0; r < R; ++r) {
      const int64_t at = (row + r) * p.y_pitch + column;
      F out = multiply_add(total[r][v], scale, start);
      if (p.y_bf16) {
        whole ? store_halves(p.y_bf16 + at, to_bf16(out)) : store_bf16_part(p.y_bf16 + at, to_bf16(out), used);
        continue;
      }
      if (p.beta != 0.0f) out = multiply_add(whole ? load(p.y + at) : load_part(p.y + at, used), set1(p.beta), out);
      whole ? store(p.y + at, out) : store_part(p.y + at, out, used);
    }
  }
}

/// A block of rows, which begins at `row` of y, times the columns [begin, end) of one matrix; begin is a multiple of kTileColumns.
void int8_block(int64_t height, const Quantized& x, const Int8Product& p, int64_t row, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; n += kTileColumns) {
    const auto run = [&]<int R>(int64_t r) { int8_tile<R>(x, r, p, n, row + r, end - n); };
    int64_t r = 0;
    for (; r + kTileRows <= height; r += kTileRows) run.template operator()<kTileRows>(r);
    if (kTileRows > 4 && r + 4 <= height) run.template operator()<4>(r), r += 4;
    if (r + 2 <= height) run.template operator()<2>(r), r += 2;
    if (r < height) run.template operator()<1>(r);
  }
}

/// Quantises a row whose values come from whole(j) and, at its end, part(j, n): 128 at a time in registers, so a value that takes work to
/// make is made once. `rest`, when wanted, gets what rounding left.
template <typename Whole, typename Part>
ATTUNE_INLINE void quantize_row(int64_t k, uint8_t* q, float* scales, float* rest, const Whole& whole, const Part& part) {
  constexpr int kVectors = static_cast<int>(kInnerBlock / kLanes);
  for (int64_t begin = 0; begin < k; begin += kInnerBlock) {
    const int64_t n = k - begin < kInnerBlock ? k - begin : kInnerBlock;
    F v[kVectors];
    if (n == kInnerBlock) {
      ATTUNE_UNROLL
      for (int i = 0; i < kVectors; ++i) v[i] = whole(begin + i * kLanes);
    } else {
      for (int i = 0; i < kVectors; ++i) {
        const int64_t at = begin + i * kLanes, left = k - at;
        v[i] = left >= kLanes ? whole(at) : left > 0 ? part(at, left) : F{};
      }
    }
    U bits = {};  // as integers, the magnitudes of NaN are above all others
    ATTUNE_UNROLL
    for (int i = 0; i < kVectors; ++i) {
      const U magnitude = (U)v[i] & 0x7fffffffu;
      bits = bits > magnitude ? bits : magnitude;
    }
    const uint32_t top_bits = top_of(bits);
    float most;
    __builtin_memcpy(&most, &top_bits, sizeof most);
    const float scale = most < 1e-30f ? 0.0f : most / 127.0f;
    const float inverse = scale == 0.0f || most > 3.40282347e38f ? 0.0f : 127.0f / most;  // of NaN or infinity: the scale says so
    *scales++ = scale;
    ATTUNE_UNROLL
    for (int i = 0; i < kVectors; ++i) {
      const int64_t at = begin + i * kLanes;
      if (at >= k) break;  // codes and rest are padded to whole vectors
      const I code = to_int(v[i] * inverse);
      store_bytes(q + at, code + 128);
      if (rest) store(rest + at, v[i] - __builtin_convertvector(code, F) * scale);
    }
  }
}

/// A row of the input, made and quantised.
void quantize_input(const Int8Source& s, int64_t row, int64_t k, const float* x_scale, uint8_t* q, float* scales, float* rest) {
  const float* x = s.x + row * s.x_pitch;
  const uint16_t* u = s.u + row * s.u_pitch;
  const auto quantize = [=](auto whole, auto part) {
    if (x_scale)
      quantize_row(
          k, q, scales, rest, [=](int64_t j) { return whole(j) * load(x_scale + j); },
          [=](int64_t j, int64_t n) { return part(j, n) * load_part(x_scale + j, n); });
    else
      quantize_row(k, q, scales, rest, whole, part);
  };
  const auto activated = [=](auto fn) {
    quantize([=](int64_t j) { return fn(load_bf16(u + j)); }, [=](int64_t j, int64_t n) { return fn(load_bf16_part(u + j, n)); });
  };
  const auto sloped = [=](auto slope) {
    quantize([=](int64_t j) { return load(x + j) * slope(load_bf16(u + j)); },
             [=](int64_t j, int64_t n) { return load_part(x + j, n) * slope(load_bf16_part(u + j, n)); });
  };
  const Activation act = s.input == Int8Input::kPlain ? Activation::kNone : s.act;
  const bool forward = s.input == Int8Input::kActivation;
  switch (act) {
    case Activation::kNone:
      if (forward) return activated([](F v) { return v; });
      return quantize([=](int64_t j) { return load(x + j); }, [=](int64_t j, int64_t n) { return load_part(x + j, n); });
    case Activation::kGelu:
      return forward ? activated([](F v) { return gelu(v); }) : sloped([](F v) { return gelu_slope(v); });
    case Activation::kGeluNew:
      return forward ? activated([](F v) { return gelu_new(v); }) : sloped([](F v) { return gelu_new_slope(v); });
    case Activation::kRelu:
      return forward ? activated([](F v) { return relu(v); }) : sloped([](F v) { return relu_slope(v); });
    case Activation::kSilu:
      return forward ? activated([](F v) { return silu(v); }) : sloped([](F v) { return silu_slope(v); });
    case Activation::kTanh:
      return forward ? activated([](F v) { return vtanh(v); }) : sloped([](F v) { return tanh_slope(v); });
  }
}

}  // namespace

void int8_products(const Context& ctx, int64_t t, int64_t k, const Int8Source& source, int terms, int count, const Int8Product* products) {
  if (t == 0 || count == 0) return;
  const int64_t groups = (k + kGroup - 1) / kGroup, in_blocks = (k + kInnerBlock - 1) / kInnerBlock, pitch = (k + 63) / 64 * 64;
  int64_t widest = 0, work = 0;
  for (int i = 0; i < count; ++i) {
    widest = products[i].w.n > widest ? products[i].w.n : widest;
    work += t * k * products[i].w.n;
  }
  const int threads = work < (1 << 20) ? 1 : ctx.threads;
  // Blocks of equal height; where there are too few rows for all threads, columns are shared out too.
  int64_t most_rows = kBlockBytes / pitch / terms / kTileRows * kTileRows;
  if (most_rows < kTileRows) most_rows = kTileRows;
  if (most_rows > 264) most_rows = 264;
  int64_t blocks = (t + most_rows - 1) / most_rows, pieces = 1;
  if (threads > 1 && blocks >= threads) blocks = (blocks + threads - 1) / threads * threads;
  if (threads > 1 && blocks < threads) pieces = threads;
  const int64_t rows = ((t + blocks - 1) / blocks + kTileRows - 1) / kTileRows * kTileRows;
  blocks = (t + rows - 1) / rows;
  const int64_t piece = ((widest + pieces - 1) / pieces + kPanelColumns - 1) / kPanelColumns * kPanelColumns;

  const int64_t scales = (terms * rows * in_blocks + 15) / 16 * 16, each = pitch + scales + terms * rows * pitch / 4;
  float* memory = cpu::scratch(each * threads);
  const auto run = [&](int64_t task, float* mine) noexcept {
    const int64_t begin = task / pieces * rows, height = t - begin < rows ? t - begin : rows, part = task % pieces;
    float* row = mine;
    float* scale = row + pitch;
    uint8_t* q = reinterpret_cast<uint8_t*>(scale + scales);
    for (int i = 0; i < count; ++i) {
      const Int8Product& p = products[i];
      if (i == 0 || p.w.x_scale != products[i - 1].w.x_scale) {
        for (int64_t r = 0; r < height; ++r) {
          quantize_input(source, begin + r, k, p.w.x_scale, q + r * pitch, scale + r * in_blocks, terms > 1 ? row : nullptr);
          if (terms == 1) continue;
          const int64_t second = rows + r;
          quantize_row(
              k, q + second * pitch, scale + second * in_blocks, nullptr, [=](int64_t j) { return load(row + j); },
              [=](int64_t j, int64_t n) { return load_part(row + j, n); });
        }
      }
      const int64_t from = part * piece, to = from + piece < p.w.n ? from + piece : p.w.n;
      int8_block(height, {q, scale, pitch, in_blocks, groups, rows, terms}, p, begin, from, to);
    }
  };
  if (threads == 1) {
    for (int64_t i = 0; i < blocks * pieces; ++i) run(i, memory);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    float* mine = memory + omp_get_thread_num() * each;
#pragma omp for schedule(dynamic, 1)
    for (int64_t i = 0; i < blocks * pieces; ++i) run(i, mine);
  }
}

}  // namespace attune::ATTUNE_ISA
