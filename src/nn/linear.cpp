#include "nn/linear.h"

#include "base/error.h"
#include "base/random.h"
#include "nn/product.h"

namespace attune {

LowRankDelta::LowRankDelta(int64_t out, int64_t in, int64_t rank, float s, float p)
    : r(rank), scale(s), dropout(p), a(Shape{rank, in}), b(Shape{out, rank}) {
  add("lora_A.weight", a);
  add("lora_B.weight", b);
}

void LowRankDelta::named() { dropout_key = hash_name(path() + ".lora_dropout"); }

Linear::Linear(int64_t out, int64_t in, bool with_bias) : Module(ModuleKind::kLinear), weight(out, in), has_bias(with_bias), bias(Shape{out}) {
  add("weight", weight.f32);
  if (has_bias) add("bias", bias);
}

bool trains(const Linear& layer) {
  if (layer.weight.f32.var.wants_grad() || layer.bias.var.wants_grad()) return true;
  for (const auto& d : layer.deltas)
    if (d->a.var.wants_grad() || d->b.var.wants_grad()) return true;
  return false;
}

namespace {

void weight_gradient(const Context& ctx, const Weight& w, const Tensor& dy, const Tensor& x) {
  ctx.kernels->gemm(ctx, true, false, w.out, w.in, dy.rows(), 1.0f, dy.f32(), dy.pitch(), x.f32(), x.pitch(), 1.0f,
                    w.f32.var.grad->value().f32(), w.in);
}

/// x as a delta sees it: through its own dropout.
Tensor delta_input(const Context& ctx, const Dropout& drop, const Tensor& x) {
  if (drop.p <= 0.0f) return x;
  Tensor dropped({x.rows(), x.cols()});
  ctx.kernels->dropout(ctx, x.rows(), x.cols(), drop, x.f32(), x.pitch(), dropped.f32(), x.cols());
  return dropped;
}

/// One delta of one pass: what backward needs.
struct DeltaPass {
  const LowRankDelta* delta;
  Dropout drop;
  Tensor xa;  ///< dropout(x) A^T, (T, r)
};

/// A layer between its product and its output: `u` takes the product (and stays as it is before an activation).
struct Pass {
  const Linear* layer;
  Activation act;
  bool record;
  Tensor u;
  const float* late_bias;  ///< added after the product; 8-bit products add the bias themselves
};

Pass begin_pass(const Context& ctx, const Var& x, const Linear& layer, Activation act, Var& out) {
  require(x.cols() == layer.in(), "linear: x has another width than the weight");
  Pass pass{&layer, act, start_recording(ctx, x.wants_grad() || trains(layer), out), out.data, nullptr};
  if (act != Activation::kNone && pass.record) pass.u = Tensor({x.rows(), layer.out()});
  if (layer.has_bias && !layer.weight.eight_bit()) pass.late_bias = layer.bias.var.data.f32();
  return pass;
}

ProductOutput output_of(Pass& pass) {
  const Linear& l = *pass.layer;
  return {&l.weight, l.has_bias && !pass.late_bias ? l.bias.var.data.f32() : nullptr, pass.u.f32(), pass.u.pitch()};
}

/// Deltas, bias, activation; records the backward on `out`.
void end_pass(const Context& ctx, const Var& x, Pass& pass, Var& out) {
  const Linear& layer = *pass.layer;
  const int64_t t = x.rows(), n = layer.out();
  const bool activated = pass.act != Activation::kNone;
  Tensor& u = pass.u;

  std::vector<DeltaPass> passes;
  for (const auto& d : layer.deltas) {
    const Dropout drop = acting_dropout(ctx, {d->dropout, d->dropout_key}, x.keys);
    const Tensor xd = delta_input(ctx, drop, x.data);
    Tensor xa({t, d->r});
    ctx.kernels->gemm(ctx, false, true, t, d->r, layer.in(), 1.0f, xd.f32(), xd.pitch(), d->a.var.data.f32(), layer.in(), 0.0f, xa.f32(), d->r);
    ctx.kernels->gemm(ctx, false, true, t, n, d->r, d->scale, xa.f32(), d->r, d->b.var.data.f32(), d->r, 1.0f, u.f32(), u.pitch());
    passes.push_back({d.get(), drop, std::move(xa)});
  }
  if (pass.late_bias || activated)
    ctx.kernels->bias_activation(ctx, t, n, pass.late_bias, pass.act, u.f32(), u.pitch(), out.data.f32(), out.data.pitch());
  if (!pass.record) return;

  const bool keeps_x = layer.weight.f32.var.wants_grad() || !passes.empty();
  ctx.tape->record({out.grad}, [&layer, act = pass.act, t, n, kept_x = keeps_x ? x.data : Tensor(), shape = x.data.shape(),
                                u = activated ? u : Tensor(), passes = std::move(passes), keys = x.keys, dx = x.grad,
                                dout = out.grad](const Context& back) {
    Tensor dy = dout->value();
    if (act != Activation::kNone) {
      Tensor du({t, n});
      back.kernels->activation_backward(back, t, n, act, u.f32(), u.pitch(), dy.f32(), dy.pitch(), du.f32(), n);
      dy = du;
    }
    if (layer.bias.var.wants_grad()) back.kernels->bias_backward(back, t, n, dy.f32(), dy.pitch(), layer.bias.var.grad->value().f32());
    if (layer.weight.f32.var.wants_grad()) weight_gradient(back, layer.weight, dy, kept_x);
    if (dx) input_gradient(back, layer.weight, dy, dx->target(back, shape));
    for (const auto& part : passes) {
      const LowRankDelta& d = *part.delta;
      const int64_t in = layer.in();
      Tensor dxa({t, d.r});
      back.kernels->gemm(back, false, false, t, d.r, n, d.scale, dy.f32(), dy.pitch(), d.b.var.data.f32(), d.r, 0.0f, dxa.f32(), d.r);
      if (d.b.var.wants_grad())
        back.kernels->gemm(back, true, false, n, d.r, t, d.scale, dy.f32(), dy.pitch(), part.xa.f32(), d.r, 1.0f, d.b.var.grad->value().f32(), d.r);
      if (d.a.var.wants_grad()) {
        const Tensor xd = delta_input(back, part.drop, kept_x);
        back.kernels->gemm(back, true, false, d.r, in, t, 1.0f, dxa.f32(), d.r, xd.f32(), xd.pitch(), 1.0f, d.a.var.grad->value().f32(), in);
      }
      if (!dx) continue;
      if (part.drop.p > 0.0f) {
        Tensor g({t, in});
        back.kernels->gemm(back, false, false, t, in, d.r, 1.0f, dxa.f32(), d.r, d.a.var.data.f32(), in, 0.0f, g.f32(), in);
        back.kernels->dropout(back, t, in, part.drop, g.f32(), in, g.f32(), in);
        dx->add(back, std::move(g));
      } else {
        const auto target = dx->target(back, shape);
        back.kernels->gemm(back, false, false, t, in, d.r, 1.0f, dxa.f32(), d.r, d.a.var.data.f32(), in, target.beta, target.data, target.pitch);
      }
    }
  });
}

}  // namespace

Var linear(const Context& ctx, const Var& x, const Linear& layer, const Epilogue& epilogue) {
  Var out(Tensor({x.rows(), layer.out()}), x.keys);
  Pass pass = begin_pass(ctx, x, layer, epilogue.activation, out);
  const ProductOutput product = output_of(pass);
  products(ctx, x.data, {&product, 1});
  end_pass(ctx, x, pass, out);
  return out;
}

std::vector<Var> linear_group(const Context& ctx, const Var& x, const std::vector<const Linear*>& layers) {
  int64_t width = 0;
  for (const Linear* l : layers) width += l->out();
  const Tensor buffer({x.rows(), width});
  std::vector<Var> outs;
  std::vector<Pass> passes;
  std::vector<ProductOutput> list;
  int64_t begin = 0;
  for (const Linear* l : layers) {
    outs.emplace_back(buffer.columns(begin, l->out()), x.keys);
    begin += l->out();
    passes.push_back(begin_pass(ctx, x, *l, Activation::kNone, outs.back()));
    list.push_back(output_of(passes.back()));
  }
  products(ctx, x.data, list);
  for (size_t i = 0; i < layers.size(); ++i) end_pass(ctx, x, passes[i], outs[i]);
  return outs;
}

}  // namespace attune
