// Packed examples: all tokens of all sequences one after another, no padding anywhere.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace attune {

/// What a task learns from one example; the task knows which members it uses.
struct Labels {
  int32_t id = -1;              ///< single label
  std::vector<float> values;    ///< regression targets, or 0/1 per class (multi-label)
  std::vector<int32_t> tokens;  ///< per token, -100 not scored (token tasks)
};

/// What only the task reads again when it turns outputs into answers: offsets, the window's place. Each task derives its own.
struct ExampleDetail {
  virtual ~ExampleDetail() = default;
};

/// A row as ids and labels; a long row may be several.
struct Example {
  uint64_t row = 0;  ///< index of the row in its file: keys dropout and names the row in messages
  std::vector<int32_t> ids, type_ids;
  std::vector<int32_t> breaks = {};  ///< tokens at which another sequence begins: packed documents, which do not see one another
  Labels labels;
  bool truncated = false;
  std::shared_ptr<const ExampleDetail> detail = {};
};

/// T tokens of B sequences.
struct Batch {
  std::vector<int32_t> ids, positions, type_ids;  ///< (T)
  std::vector<int64_t> starts;                    ///< (B + 1): sequence b is tokens [starts[b], starts[b + 1])
  std::vector<uint64_t> rows;                     ///< (B): Example::row, plus one a break before the sequence
  std::vector<Labels> labels;                     ///< (B): an example's at its first sequence
  Tensor states;                                  ///< what layer `states_layer` takes (Backbone::states), where it is known already
  int64_t states_layer = 0;
  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  int64_t sequences() const { return static_cast<int64_t>(rows.size()); }
  int64_t length(int64_t b) const { return starts[b + 1] - starts[b]; }
};

}  // namespace attune
