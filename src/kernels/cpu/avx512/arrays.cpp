#include "kernels/cpu/vector/arrays.inl"

#include "kernels/cpu/avx512/isa.h"
