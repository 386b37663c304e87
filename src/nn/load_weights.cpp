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

Tensor initial_values(const NamedParameter& np, double range, uint64_t seed) {
  const Parameter& p = *np.parameter;
  Tensor t = Tensor::zeros(p.shape, MemoryClass::kWeights);
  if (p.is_norm) {
    if (np.name.ends_with("weight")) std::fill_n(t.f32(), t.size(), 1.0f);
  } else if (p.shape.size() == 2) {
    Random random(mix_key(seed, hash_name(np.name)));
    for (float& x : t.span()) x = static_cast<float>(range * random.normal());
    const auto* table = np.owner->kind() == ModuleKind::kEmbedding ? static_cast<const Embedding*>(np.owner) : nullptr;
    if (table && table->padding_idx >= 0) std::fill_n(t.f32() + table->padding_idx * t.cols(), t.cols(), 0.0f);
  }
  return t;
}

}  // namespace

void initialize(const NamedParameter& np, double range, uint64_t seed) {
  Parameter& p = *np.parameter;
  p.var.data = initial_values(np, range, seed);
  if (p.trainable) set_trainable(p, true);
}

WeightPlan plan_weights(Model& model, const TensorSource& source) {
  const std::string prefix = model.prefix() + ".";
  const bool model_has_prefix = model.head() != nullptr;
  const bool file_has_prefix = std::any_of(source.entries.begin(), source.entries.end(), [&](const auto& e) { return e.first.starts_with(prefix); });
  const auto parameters = named_parameters(model);
  std::map<std::string, const NamedParameter*> wanted;
  for (const auto& np : parameters) wanted[np.name] = &np;

  WeightPlan plan;
  LoadReport& report = plan.report;
  Problems misshapen;
  std::map<const Parameter*, std::string> taken;
  for (const auto& [name, shape] : source.entries) {
    std::string key = modern(name);
    if (model_has_prefix && !file_has_prefix && !wanted.contains(key)) key = prefix + key;
    if (!model_has_prefix && file_has_prefix && key.starts_with(prefix)) key = key.substr(prefix.size());
    const auto it = wanted.find(key);
    if (it == wanted.end()) {
      (is_harmless(name) ? report.harmless : report.unexpected).push_back(name);
      continue;
    }
    const NamedParameter& np = *it->second;
    if (!taken.emplace(np.parameter, name).second)
      misshapen.add(fmt::format("{} and {} name the same parameter", taken[np.parameter], name));
    else if (np.parameter->shape != shape)
      misshapen.add(fmt::format("{}: the model has {}, the file {}", name, to_string(np.parameter->shape), to_string(shape)));
    plan.reads.emplace_back(name, np);
  }
  if (!misshapen.empty())
    fail(ErrorCode::kInput, {.id = "weights.shape",
                             .where = source.where,
                             .what = fmt::format("{} tensor(s) do not fit the model{}", misshapen.count(), misshapen.list()),
                             .hint = "config.json and the weights belong to different models, or the number of labels differs"});
  for (const auto& np : parameters) {
    if (taken.contains(np.parameter)) continue;
    report.missing.push_back(np.name);
    plan.missing.push_back(np);
  }
  return plan;
}

void read_weights(const WeightPlan& plan, const TensorSource& source, double range, uint64_t seed, const TakeTensor& take) {
  const auto put = [&](const NamedParameter& np, Tensor values) {
    if (take) return take(np, std::move(values));
    np.parameter->var.data = std::move(values);
    if (np.parameter->trainable) set_trainable(*np.parameter, true);
  };
  for (const auto& [name, np] : plan.reads) put(np, source.read(name));
  for (const auto& np : plan.missing) put(np, initial_values(np, range, seed));
}

LoadReport load_weights(Model& model, const TensorSource& source, uint64_t seed) {
  WeightPlan plan = plan_weights(model, source);
  read_weights(plan, source, model.info().initializer_range, seed);
  return std::move(plan.report);
}

TensorMap weights_of(Module& root) {
  TensorMap all;
  for (const auto& np : named_parameters(root))
    if (np.parameter->loaded()) all[np.name] = np.parameter->var.data;
  return all;
}

}  // namespace attune
