#include "nn/layers.h"

#include "base/random.h"

namespace attune {

Embedding::Embedding(int64_t rows, int64_t width, int32_t padding)
    : Module(ModuleKind::kEmbedding), weight(Shape{rows, width}), padding_idx(padding) {
  add("weight", weight);
}

LayerNorm::LayerNorm(int64_t width, float epsilon) : Module(ModuleKind::kLayerNorm), weight(Shape{width}), bias(Shape{width}), eps(epsilon) {
  weight.is_norm = bias.is_norm = true;
  add("weight", weight);
  add("bias", bias);
}

RmsNorm::RmsNorm(int64_t width, float epsilon) : Module(ModuleKind::kLayerNorm), weight(Shape{width}), eps(epsilon) {
  weight.is_norm = true;
  add("weight", weight);
}

uint64_t dropout_key(const Module& owner, const std::string& name) { return hash_name(owner.path() + "." + name); }

Var add_norm(const Context& ctx, const Var& x, const Var* residual, const DropoutSpec& drop, const LayerNorm& norm) {
  return dropout_add_layer_norm(ctx, x, residual, drop, norm.weight.var, norm.bias.var, norm.eps);
}

}  // namespace attune
