#include "kernels/cpu/vector/rows.inl"

#include "kernels/cpu/avx2/isa.h"
