#include "base/error.h"
#include "ops/ops.h"

namespace attune {

Var embedding_sum(const Context& ctx, std::span<const EmbeddingTerm> terms, TokenKeys keys) {
  require(!terms.empty(), "embedding_sum: no table");
  const auto t = static_cast<int64_t>(terms[0].ids.size());
  const int64_t c = terms[0].table->cols();
  Var out(Tensor({t, c}), std::move(keys));
  bool needed = false;
  float beta = 0.0f;
  for (const auto& term : terms) {
    require(static_cast<int64_t>(term.ids.size()) == t && term.table->cols() == c, "embedding_sum: shapes differ");
    for (int32_t id : term.ids) require(id >= 0 && id < term.table->rows(), "embedding_sum: id outside the table");
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
