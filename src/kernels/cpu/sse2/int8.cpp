// No byte products before SSSE3: the specification serves.
// clang-format off
#include "kernels/cpu/sse2/isa.h"
#include "kernels/cpu/vector/declare.h"

namespace attune::sse2 {

void int8_products(const Context& ctx, int64_t t, int64_t k, const Int8Source& source, int terms, int count, const Int8Product* products) {
  reference_kernels().int8_products(ctx, t, k, source, terms, count, products);
}

}  // namespace attune::sse2
