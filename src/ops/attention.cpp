#include "base/error.h"
#include "ops/ops.h"

namespace attune {
namespace {

AttentionShape shape_of(const AttentionSpec& spec, const Dropout& d, int64_t width, const Starts& q, const Starts& k) {
  AttentionShape s;
  s.sequences = static_cast<int64_t>(q->size()) - 1;
  s.heads = spec.heads;
  s.head_dim = width / spec.heads;
  s.q_starts = q->data();
  s.k_starts = k->data();
  s.scale = spec.scale;
  s.causal = spec.causal;
  s.dropout = d;
  s.kv_heads = spec.kv_heads;
  return s;
}

}  // namespace

Var attention(const Context& ctx, const AttentionSpec& spec, const Var& q, const Var& k, const Var& v, Starts q_starts, Starts k_starts) {
  const int64_t width = q.cols(), tq = q.rows(), tk = k.rows();
  require(spec.heads > 0 && width % spec.heads == 0, "attention: width is no multiple of the heads");
  const int64_t kv_heads = spec.kv_heads > 0 ? spec.kv_heads : spec.heads, kv_width = width / spec.heads * kv_heads;
  require(spec.heads % kv_heads == 0, "attention: heads are no multiple of key/value heads");
  require(k.cols() == kv_width && v.cols() == kv_width && v.rows() == tk, "attention: q, k and v do not fit together");
  require(q_starts->size() == k_starts->size() && q_starts->back() == tq && k_starts->back() == tk, "attention: starts do not cover the rows");
  const Dropout d = acting_dropout(ctx, spec.dropout, q.keys);
  Var out(Tensor({tq, width}), q.keys);
  const bool needed = q.wants_grad() || k.wants_grad() || v.wants_grad();
  const bool record = start_recording(ctx, needed, out);
  Tensor lse;
  if (record) lse = Tensor({tq, spec.heads});
  ctx.kernels->attention(ctx, shape_of(spec, d, width, q_starts, k_starts), q.data.f32(), q.data.pitch(), k.data.f32(), k.data.pitch(), v.data.f32(),
                         v.data.pitch(), out.data.f32(), width, record ? lse.f32() : nullptr);
  if (record) {
    ctx.tape->record({out.grad}, [=, q = q, k = k, v = v, y = out.data, dy = out.grad](const Context& back) {
      Tensor dq, dk, dv;
      if (q.wants_grad()) dq = Tensor({tq, width});
      if (k.wants_grad()) dk = Tensor({tk, kv_width});
      if (v.wants_grad()) dv = Tensor({tk, kv_width});
      back.kernels->attention_backward(back, shape_of(spec, d, width, q_starts, k_starts), q.data.f32(), q.data.pitch(), k.data.f32(), k.data.pitch(),
                                       v.data.f32(), v.data.pitch(), y.f32(), width, lse.f32(), dy->value().f32(), dy->value().pitch(),
                                       dq.empty() ? nullptr : dq.f32(), width, dk.empty() ? nullptr : dk.f32(), kv_width,
                                       dv.empty() ? nullptr : dv.f32(), kv_width);
      if (!dq.empty()) q.grad->add(back, std::move(dq));
      if (!dk.empty()) k.grad->add(back, std::move(dk));
      if (!dv.empty()) v.grad->add(back, std::move(dv));
    });
  }
  return out;
}

}  // namespace attune
