#include "kernels/cpu/vector/attention_backward.inl"

#include "kernels/cpu/avx512/isa.h"
