#include "tasks/text_example.h"

namespace attune {

Example text_example(const Row& row, const Tokenizer& tokenizer, const TaskSettings& settings) {
  std::optional<std::string_view> pair;
  if (row.pair) pair = *row.pair;
  EncodeOptions options;
  options.max_length = settings.max_length;
  options.truncation_side = settings.truncation_side;
  options.strategy = pair ? settings.truncation : TruncationStrategy::kLongestFirst;
  Encoding e = tokenizer.encode(row.text, pair, options);
  Example x;
  x.row = row.index;
  x.ids = std::move(e.ids);
  x.type_ids = std::move(e.type_ids);
  x.truncated = e.truncated;
  return x;
}

}  // namespace attune
