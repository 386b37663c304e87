#include "kernels/cpu/dense.h"
#include "kernels/cpu/sse2/isa.h"
#include "kernels/cpu/vector/declare.h"
namespace attune::sse2 { void gemm(const Context& x, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda, const float* b,
          int64_t ldb, float beta, float* c, int64_t ldc) { cpu::dense_gemm(x,trans_a,trans_b,m,n,k,alpha,a,lda,b,ldb,beta,c,ldc);} }
