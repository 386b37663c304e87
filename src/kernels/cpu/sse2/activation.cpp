#include "kernels/cpu/vector/activation.inl"

#include "kernels/cpu/sse2/isa.h"
