// One table an instruction set; each is plain data, so looking at it runs no code of its instruction set.
#pragma once

#include "kernels/kernels.h"

namespace attune {

namespace sse2 {
extern const Kernels kTable;
}
namespace avx2 {
extern const Kernels kTable;
}
namespace avx512 {
extern const Kernels kTable;
}
// The same but for 8-bit products.
namespace avx2vnni {
void int8_products(const Context&, int64_t t, int64_t k, const Int8Source&, int terms, int count, const Int8Product*);
}
namespace avx512vnni {
void int8_products(const Context&, int64_t t, int64_t k, const Int8Source&, int terms, int count, const Int8Product*);
}

}  // namespace attune
