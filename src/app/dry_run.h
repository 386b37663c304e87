// A training without numbers: the model of a configuration with memory that nobody fills and kernels that compute nothing. Its ledger is
// that of the code itself, whatever the architecture, method or form of the weights. Needs config.json only and takes milliseconds.
#pragma once

#include <memory>

#include "app/open_model.h"
#include "nn/quantization.h"
#include "peft/method.h"
#include "train/optimizer.h"

namespace attune {

class DryRun {
 public:
  /// `options`: as load_for_training takes them; `quantization` and `int8`: how the frozen base is held and multiplied.
  DryRun(const OpenedModel& opened, TaskSettings settings, const PeftConfig& options, const QuantizationConfig& quantization = {}, bool int8 = false);
  ~DryRun();
  Model& model() { return *model_; }
  const Task& task() const { return *task_; }
  const PeftMethod& method() const { return *method_; }

  /// The frozen-prefix cache of these examples stands there from now on. Error(kUsage) "train.frozen_prefix".
  void hold_frozen_prefix(std::span<const Example> examples);
  int64_t frozen_prefix_bytes() const { return prefix_.empty() ? 0 : prefix_.bytes(); }

  /// Peaks of one forward and backward of a batch, with weights, gradients and moments there.
  Ledger train(std::span<const Example> examples, std::span<const uint64_t> batch, bool recompute);
  /// Peaks of a batch when all of these examples are evaluated; a quantised base is evaluated on in F32 too.
  Ledger evaluate(std::span<const Example> examples, std::span<const uint64_t> batch);
  /// What stands there between steps.
  int64_t standing() const { return memory_.ledger().total_now; }

 private:
  template <typename Pass>
  Ledger measure(const Pass& pass);
  int64_t hold_base(const QuantizationConfig& quantization, bool int8);  // what that saved
  int64_t f32_growth_ = 0;  // bytes that the frozen base takes more in F32
  Allocator memory_;        // outlives what is made in it
  Kernels kernels_;
  std::unique_ptr<Task> task_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<PeftMethod> method_;
  std::unique_ptr<AdamW> optimizer_;
  Tensor prefix_;
};

/// Examples of `length` tokens with labels that any task takes.
std::vector<Example> blank_examples(int64_t count, int64_t length, const Task& task);

}  // namespace attune
