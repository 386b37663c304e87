// How attention's work is cut: tasks of one sequence and some of its heads (whole groups of those
// that share keys and values), longest first, so that threads that take the next free
// task end together. Each task writes rows and columns of its own: who runs it when does not show in the results.
#pragma once

#include "kernels/kernels.h"

namespace attune::cpu {

struct AttentionTask {
  int32_t sequence, head_begin, head_end;
};

struct AttentionPlan {
  const AttentionTask* tasks;
  int64_t count;
  int64_t most_queries, most_keys;  ///< of one sequence
  int64_t work;                     ///< multiply-adds of one product over all tasks
};

/// Valid until the calling thread's next call.
AttentionPlan plan_attention(const AttentionShape& shape);

}  // namespace attune::cpu
