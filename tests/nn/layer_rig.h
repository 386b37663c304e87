// Random layers in every stored form, and what the tests of products compare.
#pragma once

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "nn/linear.h"
#include "nn/product.h"
#include "support/random_tensor.h"

namespace attune::testing {

/// A way to hold a matrix.
struct Held {
  const char* name;
  StoredForm form;
  bool double_quant = false;
};
inline std::vector<Held> every_form() {
  return {{"f32", StoredForm::kPlain}, {"int8", StoredForm::kInt8}, {"nf4", StoredForm::kNf4}, {"nf4 double", StoredForm::kNf4, true}};
}

inline void hold(Weight& w, const Held& held, uint64_t key) {
  store(w, random_tensor({w.out, w.in}, key, 0.2), held.form, held.double_quant, 2, held.name);
}
inline std::unique_ptr<Linear> held_layer(int64_t out, int64_t in, const Held& held, uint64_t key) {
  auto layer = std::make_unique<Linear>(out, in);
  hold(layer->weight, held, key);
  layer->bias.var.data = random_tensor({out}, key + 1);
  return layer;
}
/// The same layer in F32 with the values `layer` stands for.
inline std::unique_ptr<Linear> plain_twin(const Linear& layer) {
  auto twin = std::make_unique<Linear>(layer.out(), layer.in());
  twin->weight.f32.var.data = layer.weight.values(1);
  twin->bias.var.data = layer.bias.var.data;
  return twin;
}

inline Tensor product_of(const Context& ctx, const Weight& w, const Tensor& x, const float* bias = nullptr) {
  Tensor y({x.rows(), w.out});
  const ProductOutput out{&w, bias, y.f32(), y.pitch()};
  products(ctx, x, {&out, 1});
  return y;
}
inline Tensor gradient_of(const Context& ctx, const Weight& w, const Tensor& dy) {
  Tensor dx({dy.rows(), w.in});
  input_gradient(ctx, w, dy, {dx.f32(), dx.pitch(), 0.0f});
  return dx;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor x = a.clone(), y = b.clone();
  return x.shape() == y.shape() && std::memcmp(x.data(), y.data(), static_cast<size_t>(x.bytes())) == 0;
}
/// |a - b| / |b|, both as one vector.
inline double relative_distance(const Tensor& a, const Tensor& b) {
  const Tensor x = a.clone(), y = b.clone();
  double off = 0, size = 0;
  for (size_t i = 0; i < y.span().size(); ++i) {
    const double want = static_cast<double>(y.span()[i]), d = static_cast<double>(x.span()[i]) - want;
    off += d * d;
    size += want * want;
  }
  return size > 0 ? std::sqrt(off / size) : std::sqrt(off);
}

inline std::vector<const Kernels*> every_table() {
  std::vector<const Kernels*> list;
  for (const Kernels* const* k = all_kernels(); *k; ++k) list.push_back(*k);
  return list;
}

}  // namespace attune::testing
