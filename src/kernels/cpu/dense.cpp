// dnnl_sgemm takes any size at run time and compiles nothing per shape; sizes change every step because batches are not padded.
#include "kernels/cpu/dense.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include "base/error.h"

namespace attune::cpu {

void dense_gemm(const Context& ctx, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
                const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) {  // oneDNN leaves C alone
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) c[i * ldc + j] = beta == 0.0f ? 0.0f : beta * c[i * ldc + j];
    }
    return;
  }
  if (omp_get_max_threads() != ctx.threads) omp_set_num_threads(ctx.threads);
  const dnnl_status_t status = dnnl_sgemm(trans_a ? 'T' : 'N', trans_b ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  require(status == dnnl_success, "dnnl_sgemm refused its arguments");
}

void cap_dense(Cap cap) {
  switch (cap) {
    case Cap::kSse2:
      dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);
      break;
    case Cap::kAvx2:
      dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
      break;
    case Cap::kAvx512:
      break;
  }
}

}  // namespace attune::cpu
