#include "kernels/cpu/vector/gemm.inl"

#include "kernels/cpu/sse2/isa.h"
