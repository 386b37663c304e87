// What a training needs of memory, and how much of it is computed at once under a limit.
#pragma once

#include "app/dry_run.h"
#include "app/training_data.h"
#include "train/loop.h"

namespace attune {

/// The batches a training will meet.
struct Workload {
  std::vector<Example> blank;  ///< what `train` and `evaluated` look at where there is no data
  std::span<const Example> train;
  std::vector<std::vector<uint64_t>> batches;  ///< micro-batches of `train`
  std::vector<std::span<const Example>> evaluated;
  std::string lengths;  ///< where row lengths come from, for people

  Workload() = default;
  Workload(Workload&&) = default;
  Workload& operator=(Workload&&) = default;
};
Workload workload_of(const RunConfig& config, const TrainingData& data);
/// One full batch of rows of `length` tokens, and as many evaluated ones as go at once.
Workload blank_workload(const TrainingConfig& config, const Task& task, int64_t length);

struct MemoryNeed {
  Ledger train, evaluate;                     ///< peaks with the largest parts
  int64_t train_tokens = 0, eval_tokens = 0;  ///< of those
  int64_t peak() const { return std::max(train.total_peak, evaluate.total_peak); }
  int64_t held() const { return std::max(train.held, evaluate.held); }
};
MemoryNeed memory_need(DryRun& dry, const Workload& work, const TrainingConfig& config, const ComputePlan& plan);

/// The fastest plan whose tensors stay within `limit`: batches whole, else in parts or recomputed. Nothing where none does.
std::optional<ComputePlan> fit_plan(DryRun& dry, const Workload& work, const TrainingConfig& config, int64_t limit);

/// The process beside the tensors to come: program, libraries, data read so far, and what the libraries will still take.
int64_t program_bytes();
/// What a limit of the process leaves to the tensors of a training.
int64_t room_for_tensors(int64_t limit);

/// What config.memory_limit makes of it, with a note where batches are not simply computed whole. Error(kMemory) "memory.limit" names the
/// cheapest change that would fit.
ComputePlan plan_within_limit(DryRun& dry, const OpenedModel& opened, const RunConfig& config, const Workload& work);

/// Tensors may take what the limit leaves to them while this lives, so that a wrong prediction ends in an error, not in swapping.
class MemoryLimit {
 public:
  explicit MemoryLimit(int64_t bytes);  ///< of the process; 0: none
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
};

}  // namespace attune
