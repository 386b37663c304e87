#include "kernels/cpu/vector/table.inl"

#include "kernels/cpu/avx2/isa.h"
