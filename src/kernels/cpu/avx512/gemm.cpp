#include "kernels/cpu/vector/gemm.inl"

#include "kernels/cpu/avx512/isa.h"
