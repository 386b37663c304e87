#include "kernels/cpu/vector/gemm.inl"

#include "kernels/cpu/avx2/isa.h"
