// Dense f32 products through oneDNN: the one place its headers are used is dense.cpp.
#pragma once

#include "kernels/kernels.h"

namespace attune::cpu {

void dense_gemm(const Context&, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
                const float* b, int64_t ldb, float beta, float* c, int64_t ldc);

enum class Cap { kSse2, kAvx2, kAvx512 };
/// Keeps oneDNN's run-time code below a cap; acts only before its first product.
void cap_dense(Cap cap);

}  // namespace attune::cpu
