#include "kernels/cpu/vector/arrays.inl"

#include "kernels/cpu/sse2/isa.h"
