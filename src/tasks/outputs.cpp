#include "tasks/outputs.h"

#include <algorithm>

#include "base/error.h"

namespace attune {

std::span<const float> Outputs::of(size_t example) const {
  const int64_t begin = starts[example];
  return {logits.f32() + begin * logits.cols(), static_cast<size_t>(rows_of(example) * logits.cols())};
}

Outputs outputs_of(const Outputs& all, std::span<const size_t> examples) {
  Outputs out;
  for (const size_t i : examples) out.starts.push_back(out.starts.back() + all.rows_of(i));
  out.logits = Tensor({out.starts.back(), all.logits.cols()});
  float* to = out.logits.f32();
  for (const size_t i : examples) to = std::copy(all.of(i).begin(), all.of(i).end(), to);
  return out;
}

std::vector<RowOutputs> by_row(std::span<const Row> rows, std::span<const Example> examples, const Outputs& outputs) {
  std::vector<RowOutputs> all;
  all.reserve(rows.size());
  size_t next = 0;
  for (const Row& row : rows) {
    const size_t first = next;
    while (next < examples.size() && examples[next].row == row.index) ++next;
    require(next > first, "a row without an example");
    all.push_back({&row, examples.subspan(first, next - first), &outputs, first});
  }
  require(next == examples.size(), "examples that belong to no row");
  return all;
}

}  // namespace attune
