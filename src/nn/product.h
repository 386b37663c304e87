// Products with stored matrices, in whatever form they are held; what linear layers are made of.
#pragma once

#include <span>

#include "nn/weight.h"
#include "ops/tape.h"

namespace attune {

/// One output of products that share an input: y (T, out) = x W' (+ bias where the product adds it, see below).
struct ProductOutput {
  const Weight* w;
  const float* bias;  ///< null: none
  float* y;
  int64_t pitch;
  uint16_t* y_bf16 = nullptr;  ///< instead of y, of 8-bit products
};

/// y_i = x W_i' + bias_i.
void products(const Context&, const Tensor& x, std::span<const ProductOutput>);
/// y = act(u) W' + bias for u in bf16, by 8-bit products, without storing act(u).
void activated_product(const Context&, const Tensor& u, Activation act, const ProductOutput&);
/// dx = dy W + beta dx.
void input_gradient(const Context&, const Weight&, const Tensor& dy, const Gradient::Target& dx);
/// dx = (dy * act'(u)) W + beta dx, in the same way.
void activated_input_gradient(const Context&, const Weight&, const Tensor& dy, Activation act, const Tensor& u, const Gradient::Target& dx);

}  // namespace attune
