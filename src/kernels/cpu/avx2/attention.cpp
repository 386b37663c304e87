#include "kernels/cpu/vector/attention.inl"

#include "kernels/cpu/avx2/isa.h"
