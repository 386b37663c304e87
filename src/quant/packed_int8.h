// Frozen matrices as int8 products read them: one layout for every device, so that the product is the only code that differs.
#pragma once

#include <cstdint>
#include <functional>

#include "tensor/tensor.h"

namespace attune {

constexpr int64_t kInt8Panel = 64;  ///< outputs of a panel
constexpr int64_t kInt8Group = 4;   ///< inner elements that lie together
/// Inner elements of an input row that share a scale: an outlier coarsens its neighbours only. Smaller blocks cost speed.
constexpr int64_t kInt8Block = 128;

/// y[n] = scale[n] * sum_k x_scale[k] x[k] B[n][k], B at 8 bits. Panels of 64 outputs, inside a panel groups of four inner elements:
/// data is [N/64][K/4][64][4], zeros beyond N and K. All of class kQuantized.
struct PackedInt8 {
  int64_t n = 0, k = 0;
  Tensor data;          ///< I8
  Tensor scale;         ///< F32 (N up to whole panels)
  Tensor compensation;  ///< I32 (blocks of K, as scale): -128 * sum_k B[n][k] over a block, since inputs are stored as unsigned q + 128
  Tensor x_scale;       ///< F32 (K), or empty: ones
  int64_t bytes() const;
};

/// Forward y = x W' and backward dx = dy W of one matrix W [out, in].
struct Int8Pair {
  PackedInt8 forward, backward;
};

/// Gives rows [begin, end) of W as F32; called by several threads at once, with ranges of at most 64 rows.
using WeightRows = std::function<void(int64_t begin, int64_t end, float* rows)>;

/// What moves large inputs into the weights (SmoothQuant, arXiv 2211.10438): the forward form holds W[n][k] * scale[k] and multiplies x[k]
/// by inverse[k]. Both F32 (in), or empty. Products that share `inverse` share the quantised input.
struct Smoothing {
  Tensor scale, inverse;
};

/// Quantises per output channel: code = round(w * limit / max|row|), limit 127 or less (kernels.h, int8_limit). The backward form holds
/// the codes of W itself, not smoothed, and takes the scales of W into dy.
Int8Pair pack_int8(int64_t out, int64_t in, const WeightRows& rows, const Smoothing& smoothing, int limit, int threads);
/// One of the two alone, for a product that packs each time.
PackedInt8 pack_int8_forward(int64_t out, int64_t in, const WeightRows& rows, const Smoothing& smoothing, int limit, int threads);
PackedInt8 pack_int8_backward(int64_t out, int64_t in, const WeightRows& rows, int limit, int threads);

/// The memory of both forms, nothing in it.
Int8Pair blank_int8(int64_t out, int64_t in, bool smoothed);

/// Rows [begin, end) of W as the backward form holds them.
void unpack_rows(const PackedInt8& backward, int64_t begin, int64_t end, float* rows);

}  // namespace attune
