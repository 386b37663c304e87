#include "nn/module.h"

#include <algorithm>

namespace attune {

const char* name_of(ModuleKind k) {
  switch (k) {
    case ModuleKind::kContainer: return "Module";
    case ModuleKind::kLinear: return "Linear";
    case ModuleKind::kEmbedding: return "Embedding";
    case ModuleKind::kLayerNorm: return "LayerNorm";
  }
  return "";
}

namespace {
std::string joined(const std::string& path, const std::string& name) { return path.empty() || name.empty() ? path + name : path + "." + name; }
}  // namespace

void assign_paths(Module& root, const std::string& path) {
  root.path_ = path;
  root.named();
  for (auto& [name, child] : root.children_) assign_paths(*child, joined(path, name));
}

void for_each_module(Module& root, const std::function<void(Module&)>& visit) {
  visit(root);
  for (const auto& child : root.children()) for_each_module(*child.second, visit);
}

std::vector<NamedParameter> named_parameters(Module& root) {
  std::vector<NamedParameter> all;
  for_each_module(root, [&](Module& m) {
    for (const auto& [name, p] : m.parameters()) all.push_back({joined(m.path(), name), p, &m});
  });
  return all;
}

Shape checkpoint_shape(const Parameter& p) {
  Shape shape = p.shape;
  if (p.transposed) std::reverse(shape.begin(), shape.end());
  return shape;
}

Tensor checkpoint_form(const Parameter& p, const Tensor& values) {
  if (!p.transposed || values.empty()) return values;
  const int64_t rows = values.rows(), cols = values.cols(), block = 16;
  Tensor out({cols, rows}, DType::kF32, MemoryClass::kWeights);
  for (int64_t i = 0; i < rows; i += block)
    for (int64_t j = 0; j < cols; j += block)
      for (int64_t r = i; r < std::min(i + block, rows); ++r)
        for (int64_t c = j; c < std::min(j + block, cols); ++c) out.f32()[c * rows + r] = values.f32()[r * values.pitch() + c];
  return out;
}

void set_trainable(Parameter& p, bool on) {
  p.trainable = on;
  p.var.grad = p.trainable && p.loaded() ? Gradient::of_parameter(p.shape) : nullptr;
}

}  // namespace attune
