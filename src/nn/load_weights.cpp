#include "nn/load_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
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
  for (const char* part : {"position_ids", "cls.", "pooler.", "classifier.", "pre_classifier.", "qa_outputs.", "vocab_", "lm_head.", "score."})
    if (name.starts_with(part) || name.find(std::string(".") + part) != std::string::npos || ends_with(name, part)) return true;
  // Masks of GPT-2 and frequencies of rotary embeddings, which old files hold.
  for (const char* buffer : {".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq"})
    if (ends_with(name, buffer)) return true;
  return false;
}

Tensor initial_values(const NamedParameter& np, double range, uint64_t seed) {
  const Parameter& p = *np.parameter;
  Tensor t = Tensor::zeros(p.shape, MemoryClass::kWeights);
  if (p.is_norm) {
    if (np.name.ends_with("weight")) std::fill_n(t.f32(), t.size(), 1.0f);
  } else if (p.shape.size() == 2) {
    Random random(mix_key(seed, hash_name(np.name)));
    for (float& x : t.span()) x = static_cast<float>(range * static_cast<double>(p.initial_scale) * random.normal());
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
  const auto some_start_with = [&](const std::string& p) {
    return std::any_of(source.entries.begin(), source.entries.end(), [&](const auto& e) { return e.first.starts_with(p); });
  };
  const bool file_has_prefix = some_start_with(prefix);
  const std::string other = model.other_prefix().empty() || file_has_prefix ? "" : model.other_prefix() + ".";
  const auto parameters = named_parameters(model);
  std::map<std::string, const NamedParameter*> wanted;
  for (const auto& np : parameters) wanted[np.name] = &np;
  std::map<std::string, const NamedParameter*> second_names;
  if (model.head())
    for (const auto& tie : model.head()->ties())
      for (const auto& np : parameters)
        if (np.parameter == tie.parameter) second_names[tie.key] = &np;

  WeightPlan plan;
  LoadReport& report = plan.report;
  Problems misshapen;
  std::map<const Parameter*, std::string> taken;
  const auto check_shape = [&](const std::string& name, const NamedParameter& np, const Shape& shape) {
    const Shape expected = source.as_linear && source.as_linear(name) ? np.parameter->shape : checkpoint_shape(*np.parameter);
    if (expected != shape) misshapen.add(fmt::format("{}: the model has {}, the file {}", name, to_string(expected), to_string(shape)));
  };
  for (const auto& [name, shape] : source.entries) {
    std::string key = modern(name);
    if (!other.empty() && key.starts_with(other)) key = key.substr(other.size());
    if (model_has_prefix && !file_has_prefix && !wanted.contains(key)) key = prefix + key;
    if (!model_has_prefix && file_has_prefix && key.starts_with(prefix)) key = key.substr(prefix.size());
    const auto it = wanted.find(key);
    if (const auto second = second_names.find(name); it == wanted.end() && second != second_names.end()) {
      plan.twins.emplace_back(name, *second->second);
      continue;
    }
    if (it == wanted.end()) {
      (is_harmless(name) ? report.harmless : report.unexpected).push_back(name);
      continue;
    }
    const NamedParameter& np = *it->second;
    if (!taken.emplace(np.parameter, name).second)
      misshapen.add(fmt::format("{} and {} name the same parameter", taken[np.parameter], name));
    else
      check_shape(name, np, shape);
    plan.reads.emplace_back(name, np);
  }
  for (auto twin = plan.twins.begin(); twin != plan.twins.end();) {
    const auto entry = std::find_if(source.entries.begin(), source.entries.end(), [&](const auto& e) { return e.first == twin->first; });
    check_shape(twin->first, twin->second, entry->second);
    if (taken.emplace(twin->second.parameter, twin->first).second) {  // the only name the file has
      plan.reads.push_back(*twin);
      twin = plan.twins.erase(twin);
    } else {
      ++twin;
    }
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
  const auto read = [&](const std::string& name, const NamedParameter& np) {
    Tensor values = source.read(name);
    return source.as_linear && source.as_linear(name) ? values : checkpoint_form(*np.parameter, values);
  };
  for (const auto& [name, np] : plan.twins) {
    const auto first = std::find_if(plan.reads.begin(), plan.reads.end(), [&](const auto& r) { return r.second.parameter == np.parameter; });
    if (first == plan.reads.end()) continue;
    const Tensor a = read(first->first, np), b = read(name, np);
    if (std::memcmp(a.data(), b.data(), static_cast<size_t>(a.bytes())) != 0)
      fail(ErrorCode::kInput, {.id = "weights.tied",
                               .where = source.where,
                               .what = fmt::format("{} and {} are one tensor in this architecture, but the file holds different values", first->first, name),
                               .hint = "set tie_word_embeddings to false in config.json if the output layer was trained apart"});
  }
  for (const auto& [name, np] : plan.reads) put(np, read(name, np));
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
    if (np.parameter->loaded()) all[np.name] = checkpoint_form(*np.parameter, np.parameter->var.data);
  return all;
}

}  // namespace attune
