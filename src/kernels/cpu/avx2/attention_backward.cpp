#include "kernels/cpu/vector/attention_backward.inl"

#include "kernels/cpu/avx2/isa.h"
