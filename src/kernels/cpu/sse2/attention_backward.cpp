#include "kernels/cpu/vector/attention_backward.inl"

#include "kernels/cpu/sse2/isa.h"
