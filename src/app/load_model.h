// An opened model with its weights, tokenizer and task, ready to predict or to be trained.
#pragma once

#include <memory>

#include "app/open_model.h"
#include "io/stored_weights.h"
#include "nn/load_weights.h"
#include "nn/quantization.h"
#include "peft/method.h"

namespace attune {

struct LoadedModel {
  OpenedModel opened;
  std::unique_ptr<Model> model;
  std::unique_ptr<PeftMethod> method;  ///< null: a whole model that is only used
  std::shared_ptr<const Tokenizer> tokenizer;
  std::unique_ptr<Task> task;
  std::shared_ptr<const WeightFiles> weights;  ///< of the base; null: it is a GGUF file, or held already
  std::shared_ptr<const BaseWeights> stored;   ///< the same as the model sees them
  QuantizationConfig held;                     ///< how the frozen base is held in memory
  LoadReport report;
  std::string head_origin;  ///< "from-checkpoint", "from-adapter" or "random-init(seed=42)"
};

/// How the base of a run is held. A folder that stores its base quantised goes before it: linear layers that stay frozen take over what
/// is stored (mapped where the folder is ours), all others are dequantised.
struct BaseStorage {
  QuantizationConfig quantization;
  int threads = 1;
};

/// The weights of the base in memory, for OpenedModel::weights of several loads; null where all weights are drawn.
std::shared_ptr<const BaseWeights> hold_weights(const OpenedModel& opened);

/// For predict and evaluate: head and adapter from the files, nothing trains. Error(kInput) "model.no_head" when the folder has no
/// trained head. An adapter whose recorded base differs from the one found: a warning, with `strict` Error(kInput) "adapter.other_base".
LoadedModel load_for_use(OpenedModel opened, bool strict = false, const BaseStorage& storage = {});

/// The backbone alone, whatever head the folder has; nothing trains. `task` and `tokenizer` are null.
LoadedModel load_backbone(OpenedModel opened);

/// A causal language model that is only used, its adapter applied; `task` is null. Error(kUsage) "model.no_such_head" for an encoder.
LoadedModel load_language_model(OpenedModel opened, bool strict = false, const BaseStorage& storage = {});

/// For training: a head with `settings.labels`, the method of `options` applied and its tensors initialised from `seed` (or taken from
/// options.init_from, or from the adapter that was opened). Missing, unexpected and misshapen tensors are listed; a newly initialised
/// head is announced. The method of an adapter that is trained on is the adapter's.
LoadedModel load_for_training(OpenedModel opened, TaskSettings settings, const PeftConfig& options, uint64_t seed, bool strict = false,
                              const BaseStorage& storage = {});

/// The base of a trained adapter in F32 again, read from its files: what peft users will compute. Quantised forms are given up.
void restore_f32_base(LoadedModel& m);

/// Every weight in F32 with the values it has as it is stored.
void dequantize_base(LoadedModel& m, int threads);

/// The base's tensors for plan_weights; valid while `m` lives.
TensorSource tensor_source(const LoadedModel& m);

/// The context of a use case: fastest kernels of this machine, `threads` (0: all).
Context make_context(int64_t threads);

}  // namespace attune
