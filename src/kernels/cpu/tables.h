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

}  // namespace attune
