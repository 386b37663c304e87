#include "nn/decoder.h"

#include "base/error.h"

namespace attune {

DecoderPass::DecoderPass(Input in, int32_t padding) : in_(std::move(in)), starts_(std::make_shared<const std::vector<int64_t>>(in_.batch->starts)) {
  const Batch& batch = *in_.batch;
  if (in_.read == ReadRows::kAll) return;
  for (int64_t b = 0; b < batch.sequences(); ++b)
    if (batch.length(b) == 0)
      fail(ErrorCode::kInput, {.id = "data.no_tokens",
                               .where = "row " + std::to_string(batch.rows[static_cast<size_t>(b)] + 1),
                               .what = "has no tokens, and this model's tokenizer adds none that could be read",
                               .hint = "leave empty texts out"});
  auto rows = std::make_shared<std::vector<int64_t>>(*rows_read(batch, in_.read));
  if (in_.read == ReadRows::kLast && padding >= 0)
    for (size_t b = 0; b < rows->size(); ++b) {
      const int64_t first = batch.starts[b];
      while ((*rows)[b] > first && batch.ids[static_cast<size_t>((*rows)[b])] == padding) --(*rows)[b];
    }
  bool last = true;
  for (size_t b = 0; b < rows->size(); ++b) last = last && (*rows)[b] + 1 == batch.starts[b + 1];
  rows_ = rows;
  if (last && in_.caches.empty()) {
    narrow_ = rows;
    row_starts_ = one_row_each(batch.sequences());
  }
}

Var DecoderPass::attend(const Context& ctx, const AttentionSpec& spec, const Var& q, const Var& k, const Var& v, size_t layer, bool narrowed) const {
  if (!in_.caches.empty()) return cached_attention(ctx, spec, q, k, v, *starts_, in_.caches, layer);
  return attention(ctx, spec, q, k, v, narrowed ? row_starts_ : starts_, starts_);
}

Var DecoderPass::finish(const Context& ctx, const Var& x) const {
  for (size_t b = 0; b < in_.caches.size(); ++b) in_.caches[b]->advance(in_.batch->length(static_cast<int64_t>(b)));
  return rows_ && !narrow_ ? gather_rows(ctx, x, rows_) : x;
}

}  // namespace attune
