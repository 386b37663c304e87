#include "kernels/cpu/sse2/isa.h"
#include "kernels/cpu/vector/attention_backward.inl"
