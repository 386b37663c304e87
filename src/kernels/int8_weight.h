// A packed matrix as kernels take it.
#pragma once

#include "kernels/kernels.h"
#include "quant/packed_int8.h"

namespace attune {

/// Pointers into `p`, which must outlive them.
inline Int8Weight view(const PackedInt8& p) {
  return {p.n,
          p.k,
          static_cast<const int8_t*>(p.data.data()),
          p.scale.f32(),
          static_cast<const int32_t*>(p.compensation.data()),
          p.x_scale.empty() ? nullptr : p.x_scale.f32()};
}

}  // namespace attune
