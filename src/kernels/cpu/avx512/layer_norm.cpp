#include "kernels/cpu/vector/layer_norm.inl"

#include "kernels/cpu/avx512/isa.h"
