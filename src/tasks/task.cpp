#include "tasks/task.h"

namespace attune {

std::vector<Example> Task::encode_all(std::span<const Row> rows, const Tokenizer& tokenizer, const std::string& where, bool labels_optional) const {
  std::vector<Labels> labels = encode_labels(rows, LabelSet(settings_.problem_type, settings_.labels, settings_.label_separator), where, labels_optional);
  std::vector<Example> examples;
  examples.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    examples.push_back(encode(rows[i], tokenizer));
    examples.back().labels = std::move(labels[i]);
  }
  return examples;
}

}  // namespace attune
