#include "kernels/cpu/sse2/isa.h"
#include "kernels/cpu/vector/gemm.inl"
