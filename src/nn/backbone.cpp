#include "nn/backbone.h"

#include "base/error.h"
#include "base/random.h"

namespace attune {

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

Var Model::forward(const Context& ctx, const Batch& batch, TokenKeys keys) {
  const Var h = hidden(ctx, batch, std::move(keys));
  return head_ ? head_->forward(ctx, h) : h;
}

}  // namespace attune
