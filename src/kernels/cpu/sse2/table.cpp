#include "kernels/cpu/vector/table.inl"

#include "kernels/cpu/sse2/isa.h"
