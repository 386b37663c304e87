#include "kernels/cpu/vector/arrays.inl"

#include "kernels/cpu/avx2/isa.h"
