#include "kernels/cpu/avx512/isa.h"
#include "kernels/cpu/vector/gemm.inl"
