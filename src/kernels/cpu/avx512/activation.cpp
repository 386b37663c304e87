// clang-format off: isa.h says what the code after it is compiled for
#include "kernels/cpu/avx512/isa.h"
#include "kernels/cpu/vector/activation.inl"
