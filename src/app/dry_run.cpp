#include "app/dry_run.h"

#include "app/stored_base.h"
#include "base/files.h"
#include "data/packing.h"
#include "io/weights.h"
#include "nn/load_weights.h"
#include "train/evaluation.h"
#include "train/frozen_prefix.h"

namespace attune {
namespace {

/// The tensors of the folder, or all of the model's where there is nothing but config.json or the folder is quantised, in memory that was never written.
TensorSource blank_source(const OpenedModel& opened, Model& model) {
  const fs::path& folder = opened.folder;
  TensorSource s;
  s.where = folder.string();
  if (opened.stored.on()) {  // its tensors have other names and shapes
    for (const auto& np : named_parameters(model)) s.entries.emplace_back(np.name, checkpoint_shape(*np.parameter));
  } else if (opened.gguf) {
    for (const auto& e : opened.gguf->entries()) s.entries.emplace_back(e.name, e.shape);
  } else if (file_exists(folder / "model.safetensors") || file_exists(folder / "model.safetensors.index.json")) {
    const WeightFiles files(folder);
    for (const auto& name : files.names()) s.entries.emplace_back(name, files.entry(name).shape);
  } else {
    for (const auto& np : named_parameters(model)) s.entries.emplace_back(np.name, checkpoint_shape(*np.parameter));
  }
  s.read = [shapes = std::map<std::string, Shape>(s.entries.begin(), s.entries.end())](const std::string& name) {
    return Tensor(shapes.at(name), DType::kF32, MemoryClass::kWeights);
  };
  return s;
}

PeftSetup setup_of(const OpenedModel& opened, const Task& task, const PeftConfig& options, std::vector<std::string> missing) {
  PeftSetup setup;
  const std::string adapter = !options.init_from.empty() ? options.init_from : opened.adapter ? opened.adapter->string() : "";
  if (!adapter.empty()) {
    const fs::path file = fs::path(adapter) / "adapter_config.json";
    setup.adapter = parse_adapter_config(read_json(file), file.string());
    setup.origin = {ErrorCode::kInput, file.string()};
    setup.loaded = true;
  } else {
    setup.adapter.options = options;
    setup.adapter.task_type = task.kind().peft_task_type;
    setup.origin = {ErrorCode::kUsage, "peft"};
  }
  setup.default_targets = opened.architecture->default_lora_targets;
  setup.target_aliases = opened.architecture->target_aliases;
  setup.newly_initialized = std::move(missing);
  return setup;
}

}  // namespace

DryRun::DryRun(const OpenedModel& opened, TaskSettings settings, const PeftConfig& options, const QuantizationConfig& quantization, bool int8)
    : kernels_(idle_kernels(cpu_kernels())) {
  const AllocatorScope scope(memory_);
  task_ = make_task(std::move(settings));
  model_ = opened.architecture->make(opened.config, task_->kind().head, task_->outputs());
  LoadReport report = load_weights(*model_, blank_source(opened, *model_), 0);
  method_ = make_method(setup_of(opened, *task_, options, std::move(report.missing)));
  method_->apply(*model_);
  method_->initialize(0);
  const int64_t saved = hold_base(quantization, int8);
  if (!has_no_f32(opened)) f32_growth_ = saved;
  optimizer_ = std::make_unique<AdamW>(method_->trainable(), AdamW::Options{});
}

DryRun::~DryRun() = default;

int64_t DryRun::hold_base(const QuantizationConfig& quantization, bool int8) {
  int64_t before = 0, after = 0;
  if (quantization.on() || int8) {
    for (Linear* l : frozen_linears(*model_, quantization.skip_modules)) {
      before += l->weight.bytes();
      hold_blank(l->weight, quantization.type, quantization.double_quant, int8 ? kernels_.int8_limit : 0, quantization.resident == Resident::kInt8);
      after += l->weight.bytes();
    }
  }
  if (quantization.quantize_embeddings) {
    for (Embedding* e : frozen_embeddings(*model_, quantization.skip_modules)) {
      const Shape shape = e->weight.shape;
      before += e->weight.var.data.bytes();
      e->weight.var.data = Tensor();
      e->int8 = Int8Matrix{shape[0], shape[1], Tensor(shape, DType::kI8, MemoryClass::kQuantized), Tensor({shape[0]}, DType::kF32, MemoryClass::kQuantized)};
      after += e->int8->bytes();
    }
  }
  return std::max<int64_t>(0, before - after);
}

void DryRun::hold_frozen_prefix(std::span<const Example> examples) {
  const AllocatorScope scope(memory_);
  prefix_ = frozen_prefix_memory(*model_, frozen_prefix_layers(*model_, *task_), examples);
}

template <typename Pass>
Ledger DryRun::measure(const Pass& pass) {
  const AllocatorScope scope(memory_);
  memory_.trim();
  memory_.reset_peaks();
  pass(Context{&kernels_, 1, nullptr, false});
  return memory_.ledger();
}

Ledger DryRun::train(std::span<const Example> examples, std::span<const uint64_t> indices, bool recompute) {
  return measure([&](Context ctx) {
    const Batch batch = pack(examples, indices);
    Tape tape(recompute);
    ctx.tape = &tape;
    ctx.training = true;
    task_->loss(ctx, *model_, batch, token_keys(batch, 0, 0), {});
    tape.backward(ctx);
  });
}

Ledger DryRun::evaluate(std::span<const Example> examples, std::span<const uint64_t> indices) {
  Ledger peaks = measure([&](const Context& ctx) {
    const Outputs all = task_->answers_rows() ? blank_outputs(examples, model_->head()->reads(), task_->outputs()) : Outputs();
    const Batch batch = pack(examples, indices);
    Var logits;
    task_->loss(ctx, *model_, batch, nullptr, {}, &logits);
  });
  peaks.total_peak += f32_growth_;
  peaks.held += f32_growth_;
  return peaks;
}

std::vector<Example> blank_examples(int64_t count, int64_t length, const Task& task) {
  Example e;
  e.ids.resize(static_cast<size_t>(length));
  e.type_ids.resize(e.ids.size());
  e.labels = {.id = 0, .values = std::vector<float>(static_cast<size_t>(task.outputs())), .tokens = std::vector<int32_t>(e.ids.size())};
  std::vector<Example> all(static_cast<size_t>(count), e);
  for (size_t i = 0; i < all.size(); ++i) all[i].row = i;
  return all;
}

}  // namespace attune
