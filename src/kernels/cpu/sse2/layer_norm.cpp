#include "kernels/cpu/vector/layer_norm.inl"

#include "kernels/cpu/sse2/isa.h"
