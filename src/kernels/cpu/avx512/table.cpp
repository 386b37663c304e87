#include "kernels/cpu/vector/table.inl"

#include "kernels/cpu/avx512/isa.h"
