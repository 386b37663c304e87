#include "nn/language_head.h"

#include <algorithm>

#include "base/error.h"
#include "nn/product.h"
#include "nn/quantization.h"

namespace attune {
namespace {

/// The table in F32; an 8-bit one is expanded for the time of a product.
Var values_of(const Embedding& table) {
  if (!table.int8) return table.weight.var;
  Tensor values({table.int8->out, table.int8->in});
  dequantize_rows(*table.int8, 0, table.int8->out, values.f32());
  return Var(std::move(values));
}

}  // namespace

void LanguageHead::tie(Embedding& table, Parameter* bias, const std::string& weight_key, const std::string& bias_key) {
  table_ = &table;
  bias_ = bias;
  ties_.push_back({weight_key, &table.weight});
  if (!bias_key.empty()) ties_.push_back({bias_key, bias});
}

void LanguageHead::own(const std::string& name, int64_t vocabulary, int64_t width, bool with_bias) {
  linear_ = std::make_unique<Linear>(vocabulary, width, with_bias);
  add(name, *linear_);
}

void LanguageHead::answer_in_int8(const Context& ctx) {
  if (!table_) {
    if (linear_->deltas.empty()) infer_in_int8({linear_.get()}, ctx);
    return;
  }
  const Tensor values = values_of(*table_).data;
  table_int8_ = std::make_unique<Weight>(values.rows(), values.cols());
  const auto rows = [&](int64_t begin, int64_t end, float* to) { std::copy_n(values.f32() + begin * values.cols(), (end - begin) * values.cols(), to); };
  table_int8_->int8 = Int8Pair{pack_int8_forward(values.rows(), values.cols(), rows, {}, ctx.kernels->int8_limit, ctx.threads), {}};
  table_int8_->int8_limit = ctx.kernels->int8_limit;
}

Var LanguageHead::forward(const Context& ctx, const Var& hidden) {
  const Var h = transform(ctx, hidden);
  if (table_int8_) {
    require(ctx.tape == nullptr, "8-bit logits are for answers only");
    Var out(Tensor({h.rows(), table_int8_->out}), h.keys);
    const ProductOutput product{table_int8_.get(), bias_ ? bias_->var.data.f32() : nullptr, out.data.f32(), out.data.pitch()};
    products(ctx, h.data, {&product, 1});
    return out;
  }
  return table_ ? vocabulary_logits(ctx, h, values_of(*table_), bias_ ? &bias_->var : nullptr) : linear(ctx, h, *linear_);
}

LossSum LanguageHead::language_loss(const Context& ctx, const Var& hidden, std::span<const int32_t> labels, float smoothing) {
  require(static_cast<int64_t>(labels.size()) == hidden.rows(), "language_loss: one label a row");
  auto rows = std::make_shared<std::vector<int64_t>>();
  std::vector<int32_t> said;
  for (size_t t = 0; t < labels.size(); ++t) {
    if (labels[t] == -100) continue;
    rows->push_back(static_cast<int64_t>(t));
    said.push_back(labels[t]);
  }
  LossSum all;
  all.rows.resize(labels.size());
  if (said.empty()) return all;
  const Var h = transform(ctx, said.size() == labels.size() ? hidden : gather_rows(ctx, hidden, rows));
  LossSum loss;
  if (table_)
    loss = vocabulary_loss(ctx, h, values_of(*table_), bias_ ? &bias_->var : nullptr, said, smoothing);
  else if (linear_->deltas.empty() && linear_->weight.f32.loaded())
    loss = vocabulary_loss(ctx, h, linear_->weight.f32.var, linear_->has_bias ? &linear_->bias.var : nullptr, said, smoothing);
  else  // an adapter on the output layer itself: its logits are made, of the labelled rows only
    loss = cross_entropy_loss(ctx, linear(ctx, h, *linear_), said, {}, smoothing);
  all.sum = loss.sum;
  all.count = loss.count;
  for (size_t i = 0; i < said.size(); ++i) all.rows[static_cast<size_t>((*rows)[i])] = loss.rows[i];
  return all;
}

}  // namespace attune
