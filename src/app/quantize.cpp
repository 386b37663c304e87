#include "app/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "app/save_model.h"
#include "base/error.h"
#include "base/log.h"
#include "quant/serialized.h"
#include "train/evaluation.h"

namespace attune {
namespace {

/// Copied as they are: what a reader needs beside config.json and the weights.
constexpr const char* kCopied[] = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json",
                                   "merges.txt",     "added_tokens.json",     "chat_template.jinja", "generation_config.json", kSideFile};

OpenedModel open_for(const QuantizeOptions& options) {
  // Before its base is looked for, which need not be here.
  if (file_exists(fs::path(options.model) / "adapter_config.json"))
    fail(ErrorCode::kUsage, {.id = "quantize.adapter", .where = options.model, .what = "is an adapter", .hint = "merge it first (attune merge), then quantise the merged folder"});
  OpenedModel opened = open_model(options.model);
  if (opened.gguf)
    fail(ErrorCode::kInput, {.id = "quantize.gguf",
                             .where = options.model,
                             .what = "is a GGUF file, not a model folder",
                             .hint = fmt::format("convert it first: attune convert {} --output DIR", options.model)});
  if (opened.stored.on())
    fail(ErrorCode::kInput, {.id = "quantize.quantized",
                             .where = options.model,
                             .what = fmt::format("is stored as {} already", describe(opened.stored.type, opened.stored.double_quant)),
                             .hint = "give the folder it was made from"});
  require_other_folder(options.output_dir, {opened.folder});
  if (opened.settings) apply_reading(options.data, *opened.settings);
  return opened;
}

/// Squares of a layer's weights and of what quantising changed.
struct Change {
  double of = 0, by = 0;
  double relative() const { return of > 0 ? std::sqrt(by / of) : 0; }
};

/// One layer into its stored form.
Change quantize_layer(Linear& layer, const QuantizeOptions& options, int threads, const std::string& where) {
  Weight& w = layer.weight;
  const Tensor before = w.f32.var.data;
  w.f32.var.data = Tensor();
  store(w, before, options.type, options.double_quant, threads, where + " (" + layer.path() + ".weight)");
  const Tensor after = w.values(threads);
  Change c;
  for (int64_t i = 0; i < before.size(); ++i) {
    const double x = before.f32()[i], d = x - static_cast<double>(after.f32()[i]);
    c.of += x * x;
    c.by += d * d;
  }
  return c;
}

/// Every tensor of the folder under its own name, quantised layers as bitsandbytes stores them.
TensorMap tensors_of(const LoadedModel& m, const std::map<std::string, const Linear*>& quantized) {
  TensorMap all;
  for (const std::string& name : m.weights->names()) {
    if (const auto it = quantized.find(name); it != quantized.end()) {
      const std::string layer = name.substr(0, name.rfind('.'));
      const auto& codes = it->second->weight.codes;
      const auto* nf4 = std::get_if<Nf4Matrix>(&codes);
      all.merge(nf4 ? to_tensors(*nf4, layer) : to_tensors(std::get<Int8Matrix>(codes), layer));
      continue;
    }
    const std::string& type = m.weights->entry(name).dtype;
    all[name] = type.find('F') != std::string::npos ? m.weights->read_f32(name) : m.weights->read(name, MemoryClass::kWeights);
  }
  return all;
}

/// Ends of the paths of linear layers that stay in F32, with heads a reader may put on.
std::vector<std::string> skipped(const LoadedModel& m, const std::map<std::string, const Linear*>& quantized) {
  const Architecture& architecture = *m.opened.architecture;
  const std::string prefix = architecture.prefix + ".";
  const auto short_path = [&](const std::string& path) { return path.starts_with(prefix) ? path.substr(prefix.size()) : path; };
  std::set<std::string> in_few_bits;
  std::vector<std::string> paths;
  const auto add = [&](const std::string& path) {
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  };
  for (const auto& [name, layer] : quantized) in_few_bits.insert(short_path(layer->path()));
  for (const HeadKind kind : {HeadKind::kSequenceClassification, HeadKind::kCausalLm}) {
    if (architecture.class_name(kind).empty()) continue;
    const auto whole = architecture.make(m.opened.config, kind, 2);
    for_each_module(*whole, [&](Module& module) {
      const std::string path = short_path(module.path());
      if (module.kind() == ModuleKind::kLinear && !in_few_bits.contains(path)) add(path);
    });
    if (kind == HeadKind::kCausalLm) add("lm_head");  // tied ones too: readers may untie them
  }
  return paths;
}

std::vector<Artifact> artifacts_of(const LoadedModel& m, const QuantizeOptions& options, const TensorMap& tensors, const std::vector<std::string>& skip) {
  Json config = m.opened.config.json;
  config["quantization_config"] = quantization_section(options.type, options.double_quant, skip);
  config["dtype"] = "float32";
  config.erase("torch_dtype");
  std::vector<Artifact> artifacts = {text_artifact("config.json", dump_json(config) + "\n"), weights_artifact("model.safetensors", tensors)};
  for (const char* name : kCopied)
    if (const fs::path file = model_file(m.opened.folder, name); file_exists(file)) artifacts.push_back(text_artifact(name, read_file(file)));
  return artifacts;
}

}  // namespace

QuantizeResult quantize(const QuantizeOptions& options) {
  OpenedModel opened = open_for(options);
  const Context ctx = make_context(options.threads);
  QuantizeResult result;
  result.output_dir = options.output_dir;
  const bool labels = opened.settings.has_value();
  RowsToCompare rows;
  if (labels) rows = rows_to_compare(find_task(opened.settings->task).rows, options.verify, {}, options.data, options.verify_rows);
  if (!labels && !options.verify.empty()) warning(options.model + " has no head, so nothing can be compared on rows");

  LoadedModel m = labels ? load_for_use(std::move(opened)) : load_backbone(std::move(opened));
  const std::vector<Example> examples = labels ? encode_rows(m, rows.rows) : std::vector<Example>();
  const Outputs before = labels ? *outputs_of(ctx, *m.model, examples) : Outputs();

  std::map<const Parameter*, Linear*> layers;
  for (Linear* l : frozen_linears(*m.model, options.skip_modules)) layers[&l->weight.f32] = l;
  std::map<std::string, const Linear*> quantized;  // by the name in the files
  Change all;
  for (const auto& [name, np] : plan_weights(*m.model, tensor_source(m)).reads) {
    const auto it = layers.find(np.parameter);
    if (it == layers.end()) continue;
    const Change c = quantize_layer(*it->second, options, ctx.threads, m.opened.folder.string());
    all.of += c.of;
    all.by += c.by;
    if (result.worst_layer.empty() || c.relative() > result.worst_error) {
      result.worst_layer = it->second->path();
      result.worst_error = c.relative();
    }
    quantized[name] = it->second;
  }
  if (quantized.empty())
    fail(ErrorCode::kUsage, {.id = "quantize.no_layers", .where = "--skip-modules", .what = "leaves no layer to quantise"});
  result.layers = static_cast<int64_t>(quantized.size());
  result.weight_error = all.relative();
  if (labels) {
    result.verified_on = rows.source;
    result.compared = compare_logits(*m.task, before, *outputs_of(ctx, *m.model, examples));
  }
  const TensorMap tensors = tensors_of(m, quantized);
  for (const auto& file : m.weights->files()) result.bytes_before += static_cast<int64_t>(attune::file_size(file.path()));
  result.bytes_after = static_cast<int64_t>(safetensors_size(tensors));
  commit_artifacts(options.output_dir, artifacts_of(m, options, tensors, skipped(m, quantized)), options.overwrite);
  return result;
}

}  // namespace attune
