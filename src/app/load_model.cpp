#include "app/load_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <future>

#include "base/error.h"
#include "base/log.h"

namespace attune {
namespace {

constexpr const char* kAdapterFile = "adapter_model.safetensors";

TensorSource source_of(const WeightFiles& files, const std::string& where) {
  TensorSource s;
  s.where = where;
  for (const auto& name : files.names()) s.entries.emplace_back(name, files.entry(name).shape);
  s.read = [&files](const std::string& name) { return files.read_f32(name); };
  return s;
}

std::string quoted(const std::vector<std::string>& names) { return fmt::format("['{}']", fmt::join(names, "', '")); }

/// What transformers says, in its words, so that people recognise it.
void announce(const LoadedModel& m) {
  if (!m.report.missing.empty())
    note(fmt::format("Some weights of {} were not in {} and are newly initialized: {}\n  You should TRAIN this model before you use its predictions.",
                     m.opened.architecture->class_name(m.task->head()), m.opened.folder.string(), quoted(m.report.missing)));
  if (!m.report.unexpected.empty())
    warning(fmt::format("{} tensor(s) of {} are not used by this architecture: {}", m.report.unexpected.size(), m.opened.folder.string(), quoted(m.report.unexpected)));
}

/// Model, weights and tokenizer; the tokenizer is read beside the weights.
LoadedModel load_base(OpenedModel opened, TaskSettings settings, uint64_t seed) {
  LoadedModel m;
  m.task = make_task(std::move(settings));
  m.opened = std::move(opened);
  m.weights = std::make_shared<const WeightFiles>(m.opened.folder);
  m.model = m.opened.architecture->make(m.opened.config, m.task->head(), m.task->outputs());
  auto tokenizer = std::async(std::launch::async, [&opened = m.opened] { return opened.tokenizer ? opened.tokenizer : load_tokenizer(opened.tokenizer_folder); });
  m.report = load_weights(*m.model, source_of(*m.weights, m.opened.folder.string()), seed);
  m.tokenizer = tokenizer.get();
  if (m.tokenizer->vocab_size() > m.model->info().vocab_size)
    fail(ErrorCode::kInput, {.id = "tokenizer.vocabulary",
                             .where = m.opened.tokenizer_folder.string(),
                             .what = "the tokenizer has more tokens than the model has embeddings",
                             .expected = fmt::format("at most {}", m.model->info().vocab_size),
                             .got = fmt::format("{}", m.tokenizer->vocab_size()),
                             .hint = "tokenizer and weights belong to different models"});
  if (m.task->settings().max_length > m.model->info().max_positions)
    fail(ErrorCode::kUsage, {.id = "data.max_length",
                             .where = "max_length",
                             .what = "is above the positions the model has",
                             .expected = fmt::format("at most {}", m.model->info().max_positions),
                             .got = fmt::format("{}", m.task->settings().max_length)});
  return m;
}

/// The folder's attune.json says which base an adapter was trained on (reliability I3).
void check_base(const LoadedModel& m, bool strict) {
  if (m.opened.base_fingerprint.empty() || !m.opened.adapter) return;
  const std::string found = m.weights->fingerprint();
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

/// The saved adapter's method, applied to the model and filled from its file.
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
  m.method->load_adapter(SafetensorsFile(tensors).read_all(MemoryClass::kWeights), tensors.string());
  m.head_origin = "from-adapter";
}

}  // namespace

LoadedModel load_for_use(OpenedModel opened, bool strict) {
  if (!opened.settings)
    fail(ErrorCode::kInput, {.id = "model.no_head",
                             .where = opened.given,
                             .what = "has no trained head, so it cannot label anything yet",
                             .hint = "train it first: attune train --model " + opened.given + " --train-file FILE --output-dir DIR"});
  TaskSettings settings = *opened.settings;
  const std::optional<fs::path> adapter = opened.adapter;
  LoadedModel m = load_base(std::move(opened), std::move(settings), 0);
  if (adapter) {
    check_base(m, strict);
    apply_adapter(m, *adapter, true);
    return m;
  }
  if (!m.report.missing.empty())
    fail(ErrorCode::kInput, {.id = "weights.missing", .where = m.opened.folder.string(), .what = "tensors are missing: " + quoted(m.report.missing), .hint = "the folder is incomplete; a base model is trained with attune train"});
  m.head_origin = "from-checkpoint";
  announce(m);
  return m;
}

LoadedModel load_for_training(OpenedModel opened, TaskSettings settings, const PeftConfig& options, uint64_t seed, bool strict) {
  const std::optional<fs::path> adapter = !options.init_from.empty() ? std::optional<fs::path>(options.init_from) : opened.adapter;
  LoadedModel m = load_base(std::move(opened), std::move(settings), seed);
  const bool new_head = std::any_of(m.report.missing.begin(), m.report.missing.end(), [](const std::string& n) { return n.find("classifier") != std::string::npos; });
  m.head_origin = new_head ? fmt::format("random-init(seed={})", seed) : "from-checkpoint";
  if (adapter) {
    check_base(m, strict);
    apply_adapter(m, *adapter, false);
  } else {
    announce(m);
    PeftSetup setup;
    setup.adapter.options = options;
    setup.adapter.task_type = m.task->peft_task_type();
    setup.adapter.base_model_name_or_path = m.opened.base_name;
    setup.origin = {ErrorCode::kUsage, "peft"};
    setup.default_targets = m.opened.architecture->default_lora_targets;
    setup.target_aliases = m.opened.architecture->target_aliases;
    setup.newly_initialized = m.report.missing;
    m.method = make_method(std::move(setup));
    m.method->apply(*m.model);
    m.method->initialize(seed);
  }
  for (const auto& text : m.method->notes()) note(text);
  return m;
}

Context make_context(int64_t threads) {
  Context ctx;
  ctx.kernels = &cpu_kernels();
  ctx.threads = threads > 0 ? static_cast<int>(threads) : default_threads();
  return ctx;
}

}  // namespace attune
