// Texts to token ids, as the model will see them.
#pragma once

#include <functional>

#include "base/json.h"
#include "config/field.h"
#include "data/data_config.h"

namespace attune {

struct TokenizeOptions {
  std::string model;
  std::vector<std::string> texts, pairs;
  std::string input, output;  ///< files; "-" = standard input or output
  DataConfig data;            ///< reading_fields only: columns, max_length, truncation
  int64_t stride = 0;         ///< overlap of the windows of a long text; with it every window is given
  bool special_tokens = true;

  void fields(FieldList& f);
};

/// Calls `each` with {input_ids, tokens, offset_mapping, token_type_ids, special_tokens_mask} a text (a window of it), in input order.
int64_t tokenize(const TokenizeOptions& options, const std::function<void(const Json&)>& each);

}  // namespace attune
