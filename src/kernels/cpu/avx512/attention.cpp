#include "kernels/cpu/vector/attention.inl"

#include "kernels/cpu/avx512/isa.h"
