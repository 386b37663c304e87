// Activation checkpointing (Chen et al., arXiv 1604.06174): a layer keeps only its input and is run again in backward.
#pragma once

#include <functional>

#include "ops/tape.h"

namespace attune {

/// A layer as a function of its input. It is called again in backward: what it captures lives as long as the tape, and the same input
/// gives the same bits (dropout does, see token_keys()).
using LayerFunction = std::function<Var(const Context&, const Var& x)>;

/// layer(x). On a tape that recomputes, nothing of the layer is kept but `x`; gradients are the same bits either way.
Var run_layer(const Context&, const Var& x, const LayerFunction& layer);

}  // namespace attune
