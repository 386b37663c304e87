#include "nn/product.h"

#include <algorithm>
#include <cmath>
#include <list>
#include <vector>

#include "base/error.h"
#include "kernels/int8_weight.h"

namespace attune {
namespace {

WeightRows rows_of(const Weight& w) {
  return [&w](int64_t begin, int64_t end, float* to) { w.rows(begin, end, to); };
}

/// The form a product reads: the resident one, or one made for it in `made`.
const PackedInt8& forward_form(const Context& ctx, const Weight& w, PackedInt8& made) {
  if (w.int8) return w.int8->forward;
  return made = pack_int8_forward(w.out, w.in, rows_of(w), w.smoothing, w.int8_limit, ctx.threads);
}
const PackedInt8& backward_form(const Context& ctx, const Weight& w, PackedInt8& made) {
  if (w.int8) return w.int8->backward;
  return made = pack_int8_backward(w.out, w.in, rows_of(w), w.int8_limit, ctx.threads);
}

/// The values in F32: the stored tensor, or an expansion of the codes.
Tensor values_of(const Context& ctx, const Weight& w) { return w.f32.loaded() ? w.f32.var.data : w.values(ctx.threads); }

void observe(const Tensor& x, Tensor& largest) {
  for (int64_t r = 0; r < x.rows(); ++r) {
    const float* row = x.f32() + r * x.pitch();
    float* to = largest.f32();
    for (int64_t k = 0; k < x.cols(); ++k) to[k] = std::max(to[k], std::fabs(row[k]));
  }
}

void f32_product(const Context& ctx, const Tensor& x, const ProductOutput& out) {
  const Weight& w = *out.w;
  const Tensor values = values_of(ctx, w);
  ctx.kernels->gemm(ctx, false, true, x.rows(), w.out, w.in, 1.0f, x.f32(), x.pitch(), values.f32(), w.in, 0.0f, out.y, out.pitch);
  if (out.bias) ctx.kernels->bias_activation(ctx, x.rows(), w.out, out.bias, Activation::kNone, out.y, out.pitch, out.y, out.pitch);
}

/// Those of `outputs` that are 8-bit, all with the same number of terms, in one call.
void int8_products(const Context& ctx, const Int8Source& source, int64_t t, std::span<const ProductOutput> outputs, int terms) {
  std::vector<Int8Product> list;
  std::list<PackedInt8> made;
  for (const ProductOutput& o : outputs) {
    if (!o.w->eight_bit() || o.w->terms != terms) continue;
    list.push_back({view(forward_form(ctx, *o.w, made.emplace_back())), o.bias, 0.0f, o.y, o.pitch, o.y_bf16});
  }
  if (!list.empty())
    ctx.kernels->int8_products(ctx, t, outputs[0].w->in, source, terms, static_cast<int>(list.size()), list.data());
}

Int8Source plain(const Tensor& x) { return {.x = x.f32(), .x_pitch = x.pitch()}; }

}  // namespace

void products(const Context& ctx, const Tensor& x, std::span<const ProductOutput> outputs) {
  for (const ProductOutput& o : outputs) {
    require(x.cols() == o.w->in, "product: x has another width than the weight");
    if (o.w->observed) observe(x, *o.w->observed);
    if (!o.w->eight_bit()) f32_product(ctx, x, o);
  }
  for (const int terms : {1, 2}) int8_products(ctx, plain(x), x.rows(), outputs, terms);
}

void activated_product(const Context& ctx, const Tensor& u, Activation act, const ProductOutput& out) {
  require(out.w->eight_bit(), "activated_product: an 8-bit product");
  const Int8Source source{.input = Int8Input::kActivation, .act = act, .u = static_cast<const uint16_t*>(u.data()), .u_pitch = u.pitch()};
  int8_products(ctx, source, u.rows(), {&out, 1}, out.w->terms);
}

void input_gradient(const Context& ctx, const Weight& w, const Tensor& dy, const Gradient::Target& dx) {
  if (w.eight_bit()) {
    PackedInt8 made;
    const Int8Product p{view(backward_form(ctx, w, made)), nullptr, dx.beta, dx.data, dx.pitch};
    ctx.kernels->int8_products(ctx, dy.rows(), w.out, plain(dy), w.terms, 1, &p);
    return;
  }
  const Tensor values = values_of(ctx, w);
  ctx.kernels->gemm(ctx, false, false, dy.rows(), w.in, w.out, 1.0f, dy.f32(), dy.pitch(), values.f32(), w.in, dx.beta, dx.data, dx.pitch);
}

void activated_input_gradient(const Context& ctx, const Weight& w, const Tensor& dy, Activation act, const Tensor& u, const Gradient::Target& dx) {
  require(w.eight_bit(), "activated_input_gradient: an 8-bit product");
  Int8Source source = plain(dy);
  source.input = Int8Input::kSlope;
  source.act = act;
  source.u = static_cast<const uint16_t*>(u.data());
  source.u_pitch = u.pitch();
  PackedInt8 made;
  const Int8Product p{view(backward_form(ctx, w, made)), nullptr, dx.beta, dx.data, dx.pitch};
  ctx.kernels->int8_products(ctx, dy.rows(), w.out, source, w.terms, 1, &p);
}

}  // namespace attune
