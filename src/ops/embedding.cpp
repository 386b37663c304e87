#include "base/error.h"
#include "ops/ops.h"

namespace attune {
namespace {

int64_t rows_of(const EmbeddingTerm& term) { return term.int8 ? term.int8->out : term.table->rows(); }
int64_t cols_of(const EmbeddingTerm& term) { return term.int8 ? term.int8->in : term.table->cols(); }

/// y (T, C) = rows of an 8-bit table + beta * y.
void add_int8_rows(const EmbeddingTerm& term, float beta, Tensor& y) {
  std::vector<float> row(static_cast<size_t>(y.cols()));
  for (size_t t = 0; t < term.ids.size(); ++t) {
    dequantize_rows(*term.int8, term.ids[t], term.ids[t] + 1, row.data());
    float* to = y.f32() + static_cast<int64_t>(t) * y.pitch();
    for (size_t c = 0; c < row.size(); ++c) to[c] = beta == 0.0f ? row[c] : to[c] * beta + row[c];
  }
}

}  // namespace

Var embedding_sum(const Context& ctx, std::span<const EmbeddingTerm> terms, TokenKeys keys) {
  require(!terms.empty(), "embedding_sum: no table");
  const auto t = static_cast<int64_t>(terms[0].ids.size());
  const int64_t c = cols_of(terms[0]);
  Var out(Tensor({t, c}), std::move(keys));
  bool needed = false;
  float beta = 0.0f;
  for (const auto& term : terms) {
    require(static_cast<int64_t>(term.ids.size()) == t && cols_of(term) == c, "embedding_sum: shapes differ");
    for (int32_t id : term.ids) require(id >= 0 && id < rows_of(term), "embedding_sum: id outside the table");
    if (term.int8)
      add_int8_rows(term, beta, out.data);
    else
      ctx.kernels->embedding(ctx, t, c, term.ids.data(), term.table->data.f32(), beta, out.data.f32());
    beta = 1.0f;
    needed = needed || term.table->wants_grad();
  }
  if (start_recording(ctx, needed, out)) {
    struct Kept {
      std::shared_ptr<Gradient> table;
      int64_t v;
      std::vector<int32_t> ids;
      int32_t padding;
    };
    std::vector<Kept> kept;
    for (const auto& term : terms)
      if (term.table->wants_grad())
        kept.push_back({term.table->grad, term.table->rows(), {term.ids.begin(), term.ids.end()}, term.padding_idx});
    ctx.tape->record({out.grad}, [t, c, kept = std::move(kept), dy = out.grad](const Context& back) {
      for (const auto& k : kept)
        back.kernels->embedding_backward(back, t, c, k.v, k.ids.data(), k.padding, dy->value().f32(), k.table->value().f32());
    });
  }
  return out;
}

}  // namespace attune
