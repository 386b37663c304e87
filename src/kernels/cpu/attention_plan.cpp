#include "kernels/cpu/attention_plan.h"

#include <algorithm>
#include <vector>

namespace attune::cpu {

namespace {
// Below this many multiply-adds, taking a task costs more than sharing it out wins: short sequences take several heads at once.
constexpr int64_t kLeastWork = 1 << 19;
}  // namespace

AttentionPlan plan_attention(const AttentionShape& shape) {
  static thread_local std::vector<AttentionTask> tasks;
  static thread_local std::vector<int32_t> order;
  AttentionPlan plan = {};
  order.resize(static_cast<size_t>(shape.sequences));
  const auto queries = [&](int64_t b) { return shape.q_starts[b + 1] - shape.q_starts[b]; };
  const auto keys = [&](int64_t b) { return shape.k_starts[b + 1] - shape.k_starts[b]; };
  const auto work = [&](int64_t b) { return (queries(b) + 1) * (keys(b) + 1) * shape.head_dim; };  // + 1: rows are copied and zeroed too
  for (int32_t b = 0; b < shape.sequences; ++b) {
    order[static_cast<size_t>(b)] = b;
    plan.most_queries = std::max(plan.most_queries, queries(b));
    plan.most_keys = std::max(plan.most_keys, keys(b));
    plan.work += work(b) * shape.heads;
  }
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return work(a) > work(b); });
  tasks.clear();
  for (const int32_t b : order) {
    // Whole groups: heads that share keys and values run one after another on one thread, which packs them once and sums their gradients.
    const int64_t group = shape.group(), heads = std::clamp<int64_t>((kLeastWork / work(b) + group - 1) / group * group, group, shape.heads);
    for (int64_t h = 0; h < shape.heads; h += heads) {
      tasks.push_back({b, static_cast<int32_t>(h), static_cast<int32_t>(std::min(h + heads, shape.heads))});
    }
  }
  plan.tasks = tasks.data();
  plan.count = static_cast<int64_t>(tasks.size());
  return plan;
}

}  // namespace attune::cpu
