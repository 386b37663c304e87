#include "nn/load_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/random.h"

namespace attune {
namespace {

bool ends_with(const std::string& s, const char* tail) { return s.ends_with(tail); }

/// Old checkpoints call a norm's weight gamma and its bias beta.
std::string modern(std::string name) {
  if (ends_with(name, "LayerNorm.gamma")) name.replace(name.size() - 5, 5, "weight");
  if (ends_with(name, "LayerNorm.beta")) name.replace(name.size() - 4, 4, "bias");
  return name;
}

/// Tensors that other heads or old writers leave behind and that mean nothing here.
bool is_harmless(const std::string& name) {
  for (const char* part : {"position_ids", "cls.", "pooler.", "classifier.", "pre_classifier.", "qa_outputs.", "vocab_", "lm_head."})
    if (name.starts_with(part) || name.find(std::string(".") + part) != std::string::npos || ends_with(name, part)) return true;
  return false;
}

}  // namespace

void initialize(const NamedParameter& np, double range, uint64_t seed) {
  Parameter& p = *np.parameter;
  Tensor t = Tensor::zeros(p.shape, MemoryClass::kWeights);
  if (p.is_norm) {
    if (np.name.ends_with("weight")) std::fill_n(t.f32(), t.size(), 1.0f);
  } else if (p.shape.size() == 2) {
    Random random(mix_key(seed, hash_name(np.name)));
    for (float& x : t.span()) x = static_cast<float>(range * random.normal());
    const auto* table = np.owner->kind() == ModuleKind::kEmbedding ? static_cast<const Embedding*>(np.owner) : nullptr;
    if (table && table->padding_idx >= 0) std::fill_n(t.f32() + table->padding_idx * t.cols(), t.cols(), 0.0f);
  }
  p.var.data = std::move(t);
  if (p.trainable) set_trainable(p, true);
}

LoadReport load_weights(Model& model, const TensorSource& source, uint64_t seed) {
  const std::string prefix = model.prefix() + ".";
  const bool model_has_prefix = model.head() != nullptr;
  const bool file_has_prefix = std::any_of(source.entries.begin(), source.entries.end(), [&](const auto& e) { return e.first.starts_with(prefix); });
  auto parameters = named_parameters(model);
  std::map<std::string, Parameter*> wanted;
  for (auto& np : parameters) wanted[np.name] = np.parameter;

  LoadReport report;
  Problems misshapen;
  std::vector<std::pair<std::string, Parameter*>> plan;
  std::map<Parameter*, std::string> taken;
  for (const auto& [name, shape] : source.entries) {
    std::string key = modern(name);
    if (model_has_prefix && !file_has_prefix && !wanted.contains(key)) key = prefix + key;
    if (!model_has_prefix && file_has_prefix && key.starts_with(prefix)) key = key.substr(prefix.size());
    const auto it = wanted.find(key);
    if (it == wanted.end()) {
      (is_harmless(name) ? report.harmless : report.unexpected).push_back(name);
      continue;
    }
    if (!taken.emplace(it->second, name).second)
      misshapen.add(fmt::format("{} and {} name the same parameter", taken[it->second], name));
    else if (it->second->shape != shape)
      misshapen.add(fmt::format("{}: the model has {}, the file {}", name, to_string(it->second->shape), to_string(shape)));
    plan.emplace_back(name, it->second);
  }
  if (!misshapen.empty())
    fail(ErrorCode::kInput, {.id = "weights.shape",
                             .where = source.where,
                             .what = fmt::format("{} tensor(s) do not fit the model{}", misshapen.count(), misshapen.list()),
                             .hint = "config.json and the weights belong to different models, or the number of labels differs"});
  for (auto& [name, parameter] : plan) {
    parameter->var.data = source.read(name);
    if (parameter->trainable) set_trainable(*parameter, true);
  }
  for (const auto& np : parameters) {
    if (np.parameter->loaded()) continue;
    report.missing.push_back(np.name);
    initialize(np, model.info().initializer_range, seed);
  }
  return report;
}

TensorMap weights_of(Module& root) {
  TensorMap all;
  for (const auto& np : named_parameters(root)) all[np.name] = np.parameter->var.data;
  return all;
}

}  // namespace attune
