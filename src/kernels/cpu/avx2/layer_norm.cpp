#include "kernels/cpu/vector/layer_norm.inl"

#include "kernels/cpu/avx2/isa.h"
