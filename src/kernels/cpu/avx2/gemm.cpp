#include "kernels/cpu/avx2/isa.h"
#include "kernels/cpu/vector/gemm.inl"
