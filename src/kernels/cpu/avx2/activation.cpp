#include "kernels/cpu/vector/activation.inl"

#include "kernels/cpu/avx2/isa.h"
