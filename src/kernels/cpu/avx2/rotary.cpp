// isa.h says what the code after it is compiled for: the order matters.
// clang-format off
#include "kernels/cpu/avx2/isa.h"
#include "kernels/cpu/vector/rotary.inl"
