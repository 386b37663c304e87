// The self-check of 8-bit products: the gradients of the run's first rows with them against the same with F32 products on the same
// stored weights. Blocks where they point elsewhere take two terms, then F32; where that does not help, all blocks do. Decided once,
// from the run's first rows and first weights, so a resumed run decides the same.
#pragma once

#include "train/loop.h"

namespace attune {

constexpr double kLeastCosine = 0.99;

struct LayerCheck {
  std::string module;  ///< of the adapted or otherwise trained layer in the backbone
  double cosine = 1;   ///< of its gradient with the products it ends up with
  double first = 1;    ///< with plain 8-bit products
};

struct Int8Check {
  std::vector<LayerCheck> layers;
  std::vector<std::string> two_terms, exact;  ///< blocks ("...layer.3") that fell back
  double least() const;
};

/// Rows of the first epoch in the run's order, up to about `tokens` (at least one row).
Batch first_rows(const FitJob& job, int64_t tokens);

/// Cosine between the gradients of every trained layer of the backbone on one batch, 8-bit against F32 (1 where the latter are not
/// finite); gradients are zero again after.
std::vector<LayerCheck> compare_gradients(const FitJob& job, const std::vector<Linear*>& layers, const Batch& batch, uint64_t epoch);

/// Compares on the run's first rows and falls back until every layer is above kLeastCosine or all products are in F32. `layers`: those
/// with 8-bit products.
Int8Check check_int8(const FitJob& job, const std::vector<Linear*>& layers);

/// One line for people, and one for each layer below the limit.
std::string describe(const Int8Check& check);

}  // namespace attune
