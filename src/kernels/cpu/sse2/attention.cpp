#include "kernels/cpu/vector/attention.inl"

#include "kernels/cpu/sse2/isa.h"
