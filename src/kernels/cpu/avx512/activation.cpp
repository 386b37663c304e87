#include "kernels/cpu/vector/activation.inl"

#include "kernels/cpu/avx512/isa.h"
