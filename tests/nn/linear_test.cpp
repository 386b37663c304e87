// linear() and linear_group(): every gradient against central differences, on every table of kernels.
#include <gtest/gtest.h>

#include <cmath>

#include "nn/linear.h"
#include "support/random_tensor.h"

namespace attune {
namespace {

using namespace testing;

/// linear with bias, activation, delta with dropout: all gradients at once, through a group that shares a buffer.
TEST(Linear, GradientsEqualCentralDifferences) {
  for (const Kernels* const* k = all_kernels(); *k; ++k) {
    const Context base{*k, 2, nullptr, true};
    Linear first(5, 7), second(3, 7);
    Random r(9);
    std::vector<Parameter*> parameters;
    for (Linear* l : {&first, &second}) {
      l->deltas.push_back(std::make_unique<LowRankDelta>(l->out(), l->in(), 2, 0.7f, 0.25f));
      for (Parameter* p : {&l->weight.f32, &l->bias, &l->deltas[0]->a, &l->deltas[0]->b}) {
        p->var.data = random_tensor(p->shape, r.next(), 0.5);
        set_trainable(*p, true);
        parameters.push_back(p);
      }
    }
    Var x(random_tensor({4, 7}, 3), keys_of(4));
    x.grad = Gradient::of_parameter({4, 7});
    const auto run = [&](const Context& ctx) {
      auto outs = linear_group(ctx, x, {&first, &second});
      outs.push_back(linear(ctx, x, first, {Activation::kGelu}));
      return outs;
    };
    const auto objective = [&] {
      double sum = 0;
      uint64_t key = 50;
      for (const Var& out : run(base)) {
        const Tensor w = random_tensor({out.rows(), out.cols()}, key++), o = out.data.clone();
        for (size_t i = 0; i < w.span().size(); ++i) sum += static_cast<double>(w.span()[i]) * static_cast<double>(o.span()[i]);
      }
      return sum;
    };
    Tape tape;
    Context ctx = base;
    ctx.tape = &tape;
    uint64_t key = 50;
    for (const Var& out : run(ctx)) out.grad->add(ctx, random_tensor({out.rows(), out.cols()}, key++));
    tape.backward(ctx);
    std::vector<std::pair<Tensor, Tensor>> pairs{{x.data, x.grad->value()}};
    for (Parameter* p : parameters) pairs.emplace_back(p->var.data, p->var.grad->value().clone());
    for (auto& [data, gradient] : pairs) {
      for (int64_t j = 0; j < data.size(); ++j) {
        float& v = data.f32()[j];
        const float at = v, h = 4e-3f;
        v = at + h;
        const double up = objective();
        v = at - h;
        const double down = objective();
        v = at;
        const double expected = (up - down) / (2.0 * static_cast<double>(h));
        ASSERT_NEAR(static_cast<double>(gradient.f32()[j]), expected, 5e-3 * (1.0 + std::fabs(expected))) << (*k)->name;
      }
    }
  }
}

}  // namespace
}  // namespace attune
