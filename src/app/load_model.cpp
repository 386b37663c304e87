#include "app/load_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <future>
#include <map>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "io/held_weights.h"

namespace attune {
namespace {

constexpr const char* kAdapterFile = "adapter_model.safetensors";

std::string quoted(const std::vector<std::string>& names) { return fmt::format("['{}']", fmt::join(names, "', '")); }

/// What transformers says, in its words, so that people recognise it.
void announce(const LoadedModel& m) {
  if (m.opened.from_scratch) return note("All weights are drawn from the seed: nothing of the folder's weights is used.");
  if (!m.report.missing.empty())
    note(fmt::format("Some weights of {} were not in {} and are newly initialized: {}\n  You should TRAIN this model before you use its predictions.",
                     m.opened.architecture->class_name(m.task->kind().head), m.opened.folder.string(), quoted(m.report.missing)));
  if (!m.report.unexpected.empty())
    warning(fmt::format("{} tensor(s) of {} are not used by this architecture: {}", m.report.unexpected.size(), m.opened.folder.string(), quoted(m.report.unexpected)));
}

/// A model between its making and its weights: methods are applied here, so that it is known what will be frozen.
struct Opening {
  LoadedModel m;
  TensorSource source;
  WeightPlan plan;
};

/// Opens the weights and plans where they go. config.json and the tensors must agree on how they are stored.
void open_weights(Opening& o) {
  LoadedModel& m = o.m;
  if (m.opened.weights) {
    m.stored = m.opened.weights;
  } else if (m.opened.gguf && !m.opened.from_scratch) {
    m.stored = m.opened.gguf;
  } else {
    m.weights = m.opened.from_scratch ? std::make_shared<const WeightFiles>() : std::make_shared<const WeightFiles>(m.opened.folder);
    m.stored = std::make_shared<const StoredWeights>(m.weights);
  }
  const StoredForm said = m.opened.stored.type, found = m.stored->form();
  if (said != found)
    fail(ErrorCode::kInput, {.id = "config.quantization",
                             .where = m.opened.folder.string(),
                             .what = "config.json and the weight files disagree on how linear layers are stored",
                             .expected = std::string(name_of(said)) + " (quantization_config)",
                             .got = name_of(found),
                             .hint = "copy or download the folder again; attune quantize writes both"});
  o.source = tensor_source(m);
  o.plan = plan_weights(*m.model, o.source);
  m.report = o.plan.report;
}

/// Model and tokenizer, the weights planned; the tokenizer is read beside them.
Opening begin_load(OpenedModel opened, TaskSettings settings) {
  Opening o;
  LoadedModel& m = o.m;
  m.task = make_task(std::move(settings));
  m.opened = std::move(opened);
  m.model = m.opened.architecture->make(m.opened.config, m.task->kind().head, m.task->outputs());
  if (m.task->settings().max_length > m.model->info().max_positions)
    fail(ErrorCode::kUsage, {.id = "data.max_length",
                             .where = "max_length",
                             .what = "is above the positions the model has",
                             .expected = fmt::format("at most {}", m.model->info().max_positions),
                             .got = fmt::format("{}", m.task->settings().max_length)});
  open_weights(o);
  return o;
}

/// Weights as the folder stores them, or frozen layers in the form `storage` asks for; everything else in F32.
void fill_weights(Opening& o, uint64_t seed, const BaseStorage& storage) {
  LoadedModel& m = o.m;
  const bool stored = m.stored->form() != StoredForm::kPlain;
  m.held = storage.quantization;
  if (stored) {
    m.held.type = m.opened.stored.type;
    m.held.double_quant = m.opened.stored.double_quant;
  }
  std::map<const Parameter*, Linear*> frozen;
  std::map<const Parameter*, Embedding*> tables;
  if (stored || storage.quantization.on())
    for (Linear* l : frozen_linears(*m.model, storage.quantization.skip_modules)) frozen[&l->weight.f32] = l;
  if (storage.quantization.quantize_embeddings)
    for (Embedding* e : frozen_embeddings(*m.model, storage.quantization.skip_modules)) tables[&e->weight] = e;
  std::erase_if(o.plan.reads, [&](const auto& read) {
    const auto it = frozen.find(read.second.parameter);
    if (it == frozen.end() || m.stored->form(read.first) == StoredForm::kPlain) return false;
    it->second->weight.codes = m.stored->codes(read.first);
    return true;
  });
  read_weights(o.plan, o.source, m.model->info().initializer_range, seed, [&](const NamedParameter& np, Tensor values) {
    if (const auto it = tables.find(np.parameter); it != tables.end()) {
      it->second->int8 = quantize_int8(values.f32(), values.rows(), values.cols(), storage.threads, o.source.where + " (" + np.name + ")");
      return;
    }
    if (const auto it = frozen.find(np.parameter); it != frozen.end() && !stored)
      return store(it->second->weight, std::move(values), storage.quantization.type, storage.quantization.double_quant, storage.threads,
                   o.source.where + " (" + np.name + ")");
    np.parameter->var.data = std::move(values);
    if (np.parameter->trainable) set_trainable(*np.parameter, true);
  });
}

/// Weights, and the tokenizer beside them.
LoadedModel finish_load(Opening o, uint64_t seed, const BaseStorage& storage) {
  LoadedModel& m = o.m;
  auto tokenizer = std::async(std::launch::async, [&opened = m.opened] { return opened.tokenizer ? opened.tokenizer : load_tokenizer(opened.tokenizer_files); });
  fill_weights(o, seed, storage);
  m.tokenizer = tokenizer.get();
  if (m.tokenizer->vocab_size() > m.model->info().vocab_size)
    fail(ErrorCode::kInput, {.id = "tokenizer.vocabulary",
                             .where = m.opened.tokenizer_files.place().string(),
                             .what = "the tokenizer has more tokens than the model has embeddings",
                             .expected = fmt::format("at most {}", m.model->info().vocab_size),
                             .got = fmt::format("{}", m.tokenizer->vocab_size()),
                             .hint = "tokenizer and weights belong to different models"});
  return std::move(m);
}

/// Some tensor of the head is among these.
bool has_any(Model& model, const std::vector<std::string>& names) {
  const auto parameters = model.head() ? named_parameters(*model.head()) : std::vector<NamedParameter>();
  return std::any_of(parameters.begin(), parameters.end(), [&](const NamedParameter& p) { return std::find(names.begin(), names.end(), p.name) != names.end(); });
}

void require_complete(const Opening& o) {
  if (o.m.report.missing.empty()) return;
  fail(ErrorCode::kInput, {.id = "weights.missing",
                           .where = o.m.opened.folder.string(),
                           .what = "tensors are missing: " + quoted(o.m.report.missing),
                           .hint = "the folder is incomplete; a base model is trained with attune train"});
}

/// The folder's attune.json says which base an adapter was trained on (reliability I3).
void check_base(const LoadedModel& m, bool strict) {
  if (m.opened.base_fingerprint.empty() || !m.opened.adapter) return;
  const std::string found = m.stored->fingerprint();
  if (found == m.opened.base_fingerprint) return;
  const ErrorInfo info{.id = "adapter.other_base",
                       .where = m.opened.adapter->string(),
                       .what = "was trained on other weights than those in " + m.opened.folder.string(),
                       .expected = m.opened.base_fingerprint.substr(0, 16) + "...",
                       .got = found.substr(0, 16) + "...",
                       .hint = "give the base it was trained on with --base-model DIR"};
  if (strict) fail(ErrorCode::kInput, info);
  warning(Error(ErrorCode::kInput, info).what());
}

/// The saved adapter's method, applied to the model; its tensors follow when the base's weights are there.
void apply_adapter(LoadedModel& m, const fs::path& folder, bool inference) {
  const fs::path config = folder / "adapter_config.json", tensors = folder / kAdapterFile;
  if (!file_exists(tensors) && file_exists(folder / "adapter_model.bin"))
    fail(ErrorCode::kInput, {.id = "weights.pickle", .where = (folder / "adapter_model.bin").string(), .what = "is a pickle file, which is not read", .hint = "load it in peft and save it again with safe_serialization=True"});
  PeftSetup setup;
  setup.adapter = parse_adapter_config(read_json(config), config.string());
  for (const auto& text : setup.adapter.notes) note(text);
  setup.origin = {ErrorCode::kInput, config.string()};
  setup.loaded = true;
  setup.default_targets = m.opened.architecture->default_lora_targets;
  setup.target_aliases = m.opened.architecture->target_aliases;
  setup.newly_initialized = m.report.missing;
  setup.inference = inference;
  m.method = make_method(std::move(setup));
  m.method->apply(*m.model);
  m.head_origin = "from-adapter";
}

void fill_adapter(LoadedModel& m, const fs::path& folder) {
  const fs::path tensors = folder / kAdapterFile;
  m.method->load_adapter(SafetensorsFile(tensors).read_all(MemoryClass::kWeights), tensors.string());
}

}  // namespace

TensorSource tensor_source(const LoadedModel& m) {
  TensorSource s;
  s.where = m.opened.folder.string();
  for (const auto& e : m.stored->entries()) s.entries.emplace_back(e.name, e.shape);
  s.read = [stored = m.stored](const std::string& name) { return stored->read_f32(name); };
  s.as_linear = [stored = m.stored](const std::string& name) { return stored->form(name) != StoredForm::kPlain; };
  return s;
}

std::shared_ptr<const BaseWeights> hold_weights(const OpenedModel& opened) {
  if (opened.from_scratch) return nullptr;
  if (opened.gguf) return std::make_shared<const HeldWeights>(opened.gguf);
  return std::make_shared<const HeldWeights>(std::make_shared<const StoredWeights>(std::make_shared<const WeightFiles>(opened.folder)));
}

LoadedModel load_for_use(OpenedModel opened, bool strict, const BaseStorage& storage) {
  if (!opened.settings)
    fail(ErrorCode::kInput, {.id = "model.no_head",
                             .where = opened.given,
                             .what = "has no trained head, so it cannot label anything yet",
                             .hint = "train it first: attune train --model " + opened.given + " --train-file FILE --output-dir DIR"});
  TaskSettings settings = *opened.settings;
  const std::optional<fs::path> adapter = opened.adapter;
  Opening o = begin_load(std::move(opened), std::move(settings));
  if (adapter) {
    check_base(o.m, strict);
    apply_adapter(o.m, *adapter, true);
    LoadedModel m = finish_load(std::move(o), 0, storage);
    fill_adapter(m, *adapter);
    return m;
  }
  require_complete(o);
  LoadedModel m = finish_load(std::move(o), 0, storage);
  m.head_origin = "from-checkpoint";
  announce(m);
  return m;
}

LoadedModel load_backbone(OpenedModel opened) {
  Opening o;
  o.m.model = opened.architecture->make(opened.config, HeadKind::kNone, 0);
  o.m.opened = std::move(opened);
  open_weights(o);
  require_complete(o);
  fill_weights(o, 0, {});
  return std::move(o.m);
}

LoadedModel load_language_model(OpenedModel opened, bool strict, const BaseStorage& storage) {
  const std::optional<fs::path> adapter = opened.adapter;
  Opening o;
  o.m.model = opened.architecture->make(opened.config, HeadKind::kCausalLm, 0);
  o.m.opened = std::move(opened);
  open_weights(o);
  if (adapter) {
    check_base(o.m, strict);
    apply_adapter(o.m, *adapter, true);
  } else {
    require_complete(o);
  }
  LoadedModel m = finish_load(std::move(o), 0, storage);
  if (adapter) fill_adapter(m, *adapter);
  return m;
}

LoadedModel load_for_training(OpenedModel opened, TaskSettings settings, const PeftConfig& options, uint64_t seed, bool strict, const BaseStorage& storage) {
  const std::optional<fs::path> adapter = !options.init_from.empty() ? std::optional<fs::path>(options.init_from) : opened.adapter;
  Opening o = begin_load(std::move(opened), std::move(settings));
  LoadedModel& begun = o.m;
  check_skip_modules(*begun.model, storage.quantization.skip_modules);
  const auto& missing = begun.report.missing;
  const bool new_head = has_any(*begun.model, missing);
  begun.head_origin = new_head ? fmt::format("random-init(seed={})", seed) : "from-checkpoint";
  if (adapter) {
    check_base(begun, strict);
    apply_adapter(begun, *adapter, false);
  } else {
    announce(begun);
    PeftSetup setup;
    setup.adapter.options = options;
    setup.adapter.task_type = begun.task->kind().peft_task_type;
    setup.adapter.base_model_name_or_path = begun.opened.base_name;
    setup.origin = {ErrorCode::kUsage, "peft"};
    setup.default_targets = begun.opened.architecture->default_lora_targets;
    setup.target_aliases = begun.opened.architecture->target_aliases;
    setup.newly_initialized = missing;
    begun.method = make_method(std::move(setup));
    begun.method->apply(*begun.model);
  }
  LoadedModel m = finish_load(std::move(o), seed, storage);
  if (adapter)
    fill_adapter(m, *adapter);
  else
    m.method->initialize(seed);
  for (const auto& text : m.method->notes()) note(text);
  return m;
}

void restore_f32_base(LoadedModel& m) {
  std::set<const Parameter*> quantized;
  for (Embedding* e : frozen_embeddings(*m.model, {})) {
    if (e->int8) quantized.insert(&e->weight);
    e->int8.reset();
  }
  for (Linear* l : frozen_linears(*m.model, {})) {
    Weight& w = l->weight;
    w.int8.reset();
    w.int8_limit = 0;
    w.smoothing = {};
    if (w.f32.loaded()) continue;
    w.codes = std::monostate();
    quantized.insert(&w.f32);
  }
  const TensorSource source = tensor_source(m);
  WeightPlan plan = plan_weights(*m.model, source);
  std::erase_if(plan.reads, [&](const auto& read) { return !quantized.contains(read.second.parameter); });
  plan.missing.clear();
  read_weights(plan, source, 0.0, 0, [](const NamedParameter& np, Tensor values) { np.parameter->var.data = std::move(values); });
}

void dequantize_base(LoadedModel& m, int threads) {
  for (Embedding* e : frozen_embeddings(*m.model, {})) {
    if (!e->int8) continue;
    Tensor values({e->int8->out, e->int8->in}, DType::kF32, MemoryClass::kWeights);
    dequantize_rows(*e->int8, 0, e->int8->out, values.f32());
    if (!e->weight.loaded()) e->weight.var.data = std::move(values);
    e->int8.reset();
  }
  for_each_module(*m.model, [&](Module& module) {
    if (module.kind() != ModuleKind::kLinear) return;
    Weight& w = static_cast<Linear&>(module).weight;
    if (!w.f32.loaded()) w.f32.var.data = w.values(threads).clone(MemoryClass::kWeights);
    w.codes = std::monostate();
  });
}

Context make_context(int64_t threads) {
  Context ctx;
  ctx.kernels = &cpu_kernels();
  ctx.threads = threads > 0 ? static_cast<int>(threads) : default_threads();
  return ctx;
}

}  // namespace attune
