#include "kernels/cpu/vector/rows.inl"

#include "kernels/cpu/avx512/isa.h"
