#include "kernels/cpu/vector/rows.inl"

#include "kernels/cpu/sse2/isa.h"
