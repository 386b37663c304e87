// clang-format off: isa.h says what the code after it is compiled for
#include "kernels/cpu/sse2/isa.h"
#include "kernels/cpu/vector/gemm.inl"
