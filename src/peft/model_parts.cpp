#include "peft/model_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace attune {
namespace {

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  std::istringstream in(path);
  for (std::string part; std::getline(in, part, '.');) parts.push_back(part);
  return parts;
}

/// The first numbered part of a path is the layer; -1: none.
int64_t layer_of(const std::string& path) {
  for (const auto& part : parts_of(path))
    if (!part.empty() && part.size() < 10 && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return std::stoll(part);
  return -1;
}

}  // namespace

std::set<const Parameter*> head_parameters(Model& model) {
  std::set<const Parameter*> head;
  if (model.head())
    for (const auto& np : named_parameters(*model.head())) head.insert(np.parameter);
  return head;
}

void require_own_weights(const std::set<const Parameter*>& head, const Origin& origin) {
  if (!head.empty()) return;
  fail(origin.code, {.id = "peft.no_head",
                     .where = origin.where,
                     .what = "this model's head has no weights of its own (they are the word embeddings), so there is nothing to train",
                     .hint = "choose another method: lora, full or bitfit"});
}

FrozenParts::FrozenParts(const PeftConfig& options, const BackboneInfo& info, const Origin& origin)
    : embeddings_(options.freeze_embeddings) {
  const auto check = [&](const char* key, int64_t given, int64_t least, int64_t most) {
    if (given >= least && given <= most) return;
    fail(origin.code, {.id = "peft.layer",
                       .where = fmt::format("{}.{}", origin.where, key),
                       .what = fmt::format("the model has {} layers", info.layers),
                       .expected = fmt::format("{} to {}", least, most),
                       .got = std::to_string(given)});
  };
  for (const int64_t n : options.freeze_layers) {
    check("freeze_layers", n, -info.layers, info.layers - 1);
    layers_.insert(n < 0 ? n + info.layers : n);
  }
  check("freeze_first_layers", options.freeze_first_layers, 0, info.layers);
  for (int64_t n = 0; n < options.freeze_first_layers; ++n) layers_.insert(n);
}

bool FrozenParts::contains(const NamedParameter& p) const {
  if (const int64_t n = layer_of(p.name); n >= 0) return layers_.contains(n);
  if (!embeddings_) return false;
  const auto parts = parts_of(p.name);
  // `embeddings`, and the `embeddings_project` of those narrower than the layers.
  return p.owner->kind() == ModuleKind::kEmbedding || std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.starts_with("embeddings"); });
}

}  // namespace attune
