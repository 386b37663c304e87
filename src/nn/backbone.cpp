#include "nn/backbone.h"

#include "base/error.h"
#include "base/random.h"

namespace attune {
namespace {

TokenKeys keys_of(const TokenKeys& keys, const std::vector<int64_t>* rows) {
  if (!keys || !rows) return keys;
  auto some = std::make_shared<std::vector<uint64_t>>();
  for (const int64_t row : *rows) some->push_back((*keys)[static_cast<size_t>(row)]);
  return some;
}

}  // namespace

std::shared_ptr<const std::vector<int64_t>> rows_read(const Batch& batch, ReadRows read) {
  if (read == ReadRows::kAll) return nullptr;
  auto rows = std::make_shared<std::vector<int64_t>>();
  for (int64_t b = 0; b < batch.sequences(); ++b) {
    const auto i = static_cast<size_t>(b);
    rows->push_back(read == ReadRows::kFirst ? batch.starts[i] : batch.starts[i + 1] - 1);
  }
  return rows;
}

Starts one_row_each(int64_t n) {
  auto starts = std::make_shared<std::vector<int64_t>>();
  for (int64_t i = 0; i <= n; ++i) starts->push_back(i);
  return starts;
}

TokenKeys token_keys(const Batch& batch, uint64_t seed, uint64_t epoch) {
  auto keys = std::make_shared<std::vector<uint64_t>>(batch.ids.size());
  for (int64_t b = 0; b < batch.sequences(); ++b) {
    const uint64_t row = mix_key(seed, epoch, batch.rows[static_cast<size_t>(b)]);
    for (int64_t t = batch.starts[static_cast<size_t>(b)]; t < batch.starts[static_cast<size_t>(b) + 1]; ++t)
      (*keys)[static_cast<size_t>(t)] = mix_key(row, static_cast<uint64_t>(batch.positions[static_cast<size_t>(t)]));
  }
  return keys;
}

Var Backbone::states(const Context& ctx, const Input& in, int64_t layer) {
  const ForwardPass p = pass(in);
  const Batch& batch = *in.batch;
  const auto layers = static_cast<int64_t>(p.layers.size());
  const bool known = !batch.states.empty();
  int64_t at = known ? batch.states_layer : 0;
  require(at <= layer && layer <= layers, "states of a layer that there is");
  if (known && at == layers) return Var(batch.states, keys_of(in.dropout_keys, p.rows.get()));
  Var x = known ? Var(batch.states, in.dropout_keys) : p.embeddings(ctx);
  for (; at < layer; ++at) x = run_layer(ctx, x, p.layers[static_cast<size_t>(at)]);
  return layer == layers && p.finish ? p.finish(ctx, x) : x;
}

std::optional<int64_t> Backbone::lowest_trained(const Context& given) {
  Batch token;
  token.ids = token.positions = token.type_ids = {0};
  token.starts = {0, 1};
  token.rows = {0};
  const Kernels idle = idle_kernels(*given.kernels);  // what records a gradient, not what it is
  Tape tape;
  const Context ctx{&idle, 1, &tape, false};
  const ForwardPass p = pass({&token, ReadRows::kAll, nullptr});
  Var x = p.embeddings(ctx);
  if (x.wants_grad()) return std::nullopt;
  for (size_t i = 0; i < p.layers.size(); ++i) {
    x = p.layers[i](ctx, x);
    if (x.wants_grad()) return static_cast<int64_t>(i);
  }
  // A final norm that trains: what it takes may be of fewer rows than there are tokens, what the last layer takes never is.
  if (p.finish && p.finish(ctx, x).wants_grad()) return static_cast<int64_t>(p.layers.size()) - 1;
  return static_cast<int64_t>(p.layers.size());
}

LossSum Head::language_loss(const Context&, const Var&, std::span<const int32_t>, float) { throw Bug("this head is no language model's"); }

Model::Model(std::string prefix, std::unique_ptr<Backbone> backbone, std::unique_ptr<Head> head, int64_t labels, std::string other_prefix)
    : prefix_(std::move(prefix)), other_prefix_(std::move(other_prefix)), backbone_(std::move(backbone)), head_(std::move(head)), labels_(labels) {
  add(head_ ? prefix_ : "", *backbone_);
  if (head_) add("", *head_);
  assign_paths(*this);
}

Var Model::hidden(const Context& ctx, const Batch& batch, TokenKeys keys) {
  return backbone_->forward(ctx, {&batch, head_ ? head_->reads() : ReadRows::kAll, std::move(keys)});
}

Tensor Model::states(const Context& ctx, const Batch& batch, int64_t layer) {
  return backbone_->states(ctx, {&batch, head_ ? head_->reads() : ReadRows::kAll, nullptr}, layer).data;
}

Var Model::forward(const Context& ctx, const Batch& batch, TokenKeys keys) {
  const Var h = hidden(ctx, batch, std::move(keys));
  return head_ ? head_->forward(ctx, h) : h;
}

}  // namespace attune
