// Seeded tensors and dropout keys for tests of ops and layers.
#pragma once

#include "base/random.h"
#include "ops/tape.h"

namespace attune::testing {

inline Tensor random_tensor(Shape shape, uint64_t key, double scale = 1.0) {
  Tensor t(std::move(shape));
  Random r(key);
  for (float& x : t.span()) x = static_cast<float>(scale * r.normal());
  return t;
}

inline TokenKeys keys_of(int64_t t) {
  auto keys = std::make_shared<std::vector<uint64_t>>();
  for (int64_t i = 0; i < t; ++i) keys->push_back(mix64(static_cast<uint64_t>(i)));
  return keys;
}

}  // namespace attune::testing
