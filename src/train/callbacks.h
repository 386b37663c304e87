// What listens to a run: console lines, metrics.jsonl, TensorBoard. A callback sees the state after each event and changes nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "train/tensorboard.h"
#include "train/trainer_state.h"

namespace attune {

/// What the console says before the first step.
struct RunPlan {
  int64_t examples = 0, epochs = 0, batch_size = 0, accumulation = 1, steps = 0, trainable = 0;
  int64_t resumed_at = -1;  ///< step of the checkpoint; -1: from the beginning
};

class Callback {
 public:
  virtual ~Callback() = default;
  virtual void began(const RunPlan&, const TrainerState&) {}
  /// A new last entry of the log history: a step, an evaluation, the summary.
  virtual void logged(const Json& entry, const TrainerState&) { (void)entry; }
  virtual void saved(const fs::path& checkpoint, const TrainerState&) { (void)checkpoint; }
  virtual void ended(const TrainerState&) {}
};

/// The Trainer's lines on stderr.
class ConsoleLog : public Callback {
 public:
  void began(const RunPlan&, const TrainerState&) override;
  void logged(const Json& entry, const TrainerState&) override;
  void saved(const fs::path& checkpoint, const TrainerState&) override;
};
/// {'loss': 0.412, 'grad_norm': 1.9, 'learning_rate': 9.5e-04, 'epoch': 2.0}
std::string log_line(const Json& entry);

/// One log entry a line. A resumed run first cuts the file back to what its checkpoint knows.
class MetricsFile : public Callback {
 public:
  explicit MetricsFile(fs::path file) : path_(std::move(file)) {}
  void began(const RunPlan&, const TrainerState&) override;
  void logged(const Json& entry, const TrainerState&) override;

 private:
  fs::path path_;
  std::unique_ptr<OutputFile> file_;
};

/// Scalars of every log entry, one event file a process.
class TensorBoardLog : public Callback {
 public:
  explicit TensorBoardLog(fs::path folder) : folder_(std::move(folder)) {}
  void began(const RunPlan&, const TrainerState&) override;
  void logged(const Json& entry, const TrainerState&) override;

 private:
  fs::path folder_;
  std::unique_ptr<EventFile> file_;
};

}  // namespace attune
