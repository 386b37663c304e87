#include "tasks/outputs.h"

#include "base/error.h"

namespace attune {

std::span<const float> Outputs::of(size_t example) const {
  const int64_t begin = starts[example];
  return {logits.f32() + begin * logits.cols(), static_cast<size_t>(rows_of(example) * logits.cols())};
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
