// What a model computed for examples, as metrics and answers read it.
#pragma once

#include <span>
#include <vector>

#include "data/row.h"
#include "tensor/batch.h"
#include "tensor/tensor.h"

namespace attune {

/// Logits of N examples one after another; the rows of example i are [starts[i], starts[i + 1]): one of a text that is labelled as a
/// whole, one a token of token tasks.
struct Outputs {
  Tensor logits;                   ///< (R, C)
  std::vector<int64_t> starts{0};  ///< (N + 1)
  int64_t examples() const { return static_cast<int64_t>(starts.size()) - 1; }
  int64_t rows_of(size_t example) const { return starts[example + 1] - starts[example]; }
  /// (rows_of(example), C), row-major.
  std::span<const float> of(size_t example) const;
};

/// Those of some of the examples, in the order given.
Outputs outputs_of(const Outputs& all, std::span<const size_t> examples);

/// One row of a file: its examples (more than one when it was cut into windows) and their logits.
struct RowOutputs {
  const Row* row = nullptr;  ///< null where examples came without rows
  std::span<const Example> examples;
  const Outputs* outputs = nullptr;
  size_t first = 0;  ///< of `examples` among all
  /// Of the row's i-th example.
  std::span<const float> logits(size_t i) const { return outputs->of(first + i); }
};

/// Examples lie in the order of their rows; every row has at least one. Bug when they do not belong together.
std::vector<RowOutputs> by_row(std::span<const Row> rows, std::span<const Example> examples, const Outputs& outputs);

}  // namespace attune
