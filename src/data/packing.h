// Examples to one packed batch (tensor/batch.h): tokens one after another, positions from 0 in each sequence, no padding.
#pragma once

#include <span>

#include "tensor/batch.h"

namespace attune {

Batch pack(std::span<const Example> examples, std::span<const uint64_t> indices);
/// All of them, in order.
Batch pack(std::span<const Example> examples);

/// Token counts, as samplers take them.
std::vector<int32_t> lengths_of(std::span<const Example> examples);

}  // namespace attune
