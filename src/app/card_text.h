// Parts of a model card that need no more than values: Markdown and YAML.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "nn/backbone.h"

namespace attune {

/// A metric of the results, by the Hub's name for its kind and for people.
struct CardMetric {
  const char* key;   ///< "f1_macro"
  const char* type;  ///< "f1"
  const char* name;  ///< "F1 (macro)"
};
std::span<const CardMetric> card_metrics();

/// Text that Markdown shows as it is, also in a table.
std::string markdown(const std::string& text);
/// JSON on one line, which YAML reads.
std::string yaml(const Json& value);

/// One split of `model-index`, "" where it has no metric of card_metrics(). `prefix`: of its keys in the results, "test_".
std::string model_index_result(const std::string& task, const std::string& file, const std::string& split, const std::string& prefix, const Json& results);
/// The metric kinds in the results, each once.
std::vector<std::string> metric_types(const Json& results);

/// Python that loads the folder it is typed in and answers once. `base` "": a whole model.
struct Snippet {
  HeadKind head = HeadKind::kNone;
  std::string base;
  std::vector<std::string> labels;
  bool single_label = true;
};
std::string python_snippet(const Snippet& s);

}  // namespace attune
