// feed_forward() against the composition it stands for.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "layer_rig.h"
#include "tolerance.h"

namespace attune {
namespace {

using namespace testing;

constexpr int64_t kWidth = 66, kInner = 150;
constexpr Activation kActivations[] = {Activation::kNone, Activation::kGelu, Activation::kGeluNew,
                                       Activation::kRelu, Activation::kSilu, Activation::kTanh};

struct Block {
  std::unique_ptr<Linear> first, second;
  Var x{random_tensor({19, kWidth}, 3), keys_of(19)};

  Block(const Context& ctx, const Held& held, bool resident = true) {
    first = held_layer(kInner, kWidth, held, 1);
    second = held_layer(kWidth, kInner, held, 5);
    for (Linear* l : {first.get(), second.get()}) use_int8(l->weight, {}, ctx.kernels->int8_limit, resident, 1);
  }
  struct Result {
    Tensor y, dx;
    size_t records;  ///< on the tape: the fused form makes one
  };
  Result run(const Context& base, Activation act, bool fused) {
    Tape tape;
    Context ctx = base;
    ctx.tape = &tape;
    ctx.training = true;
    x.grad = Gradient::of_parameter(x.data.shape());
    const Var y = fused ? feed_forward(ctx, x, *first, act, *second) : linear(ctx, linear(ctx, x, *first, {act}), *second);
    const size_t records = tape.size();
    y.grad->add(ctx, random_tensor(y.data.shape(), 9));
    tape.backward(ctx);
    return {y.data, x.grad->value().clone(), records};
  }
};

/// The composition keeps what is before the activation in F32, the fused form in bf16: now and then a code is another.
TEST(FeedForward, EqualsTheComposition) {
  for (const Kernels* k : every_table())
    for (const Held& held : every_form())
      for (const int terms : {1, 2})
        for (const Activation act : kActivations) {
          const Context ctx{k, 1};
          Block b(ctx, held, terms == 1);  // and packed for each product
          b.first->weight.terms = b.second->weight.terms = terms;
          if (act == Activation::kSilu) b.first->has_bias = b.second->has_bias = false;  // as Llama has it
          const Block::Result got = b.run(ctx, act, true), want = b.run(ctx, act, false);
          EXPECT_EQ(got.records, 1u);
          EXPECT_EQ(want.records, 2u);
          EXPECT_LT(relative_distance(got.y, want.y), tolerance::kInt8Flips) << k->name << ", " << held.name << ", " << static_cast<int>(act);
          EXPECT_LT(relative_distance(got.dx, want.dx), tolerance::kInt8Flips) << k->name << ", " << held.name << ", " << static_cast<int>(act);
        }
}

TEST(FeedForward, ApproximatesF32) {
  for (const Kernels* k : every_table())
    for (const Activation act : kActivations) {
      const Context ctx{k, 1};
      Block b(ctx, {"nf4", StoredForm::kNf4});
      const Block::Result got = b.run(ctx, act, true);
      b.first->weight.exact = b.second->weight.exact = true;
      const Block::Result want = b.run(ctx, act, false);
      EXPECT_LT(relative_distance(got.y, want.y), tolerance::kInt8Gradient) << k->name << static_cast<int>(act);
      EXPECT_LT(relative_distance(got.dx, want.dx), act == Activation::kRelu ? tolerance::kInt8Kink : tolerance::kInt8Gradient)
          << k->name << static_cast<int>(act);
    }
}

/// Whatever wants more than the input's gradient, or F32 products, gets the composition, and its gradients.
TEST(FeedForward, LeavesTrainedLayersToTheComposition) {
  const Context ctx{&cpu_kernels(), 1};
  const std::vector<std::pair<const char*, std::function<void(Linear&)>>> changes = {
      {"delta",
       [](Linear& l) {
         l.deltas.push_back(std::make_unique<LowRankDelta>(l.out(), l.in(), 2, 0.5f, 0.1f));
         for (Parameter* p : {&l.deltas[0]->a, &l.deltas[0]->b}) {
           p->var.data = random_tensor(p->shape, 4);
           set_trainable(*p, true);
         }
       }},
      {"frozen delta",
       [](Linear& l) {
         l.deltas.push_back(std::make_unique<LowRankDelta>(l.out(), l.in(), 2, 0.5f, 0.0f));
         for (Parameter* p : {&l.deltas[0]->a, &l.deltas[0]->b}) p->var.data = random_tensor(p->shape, 4);
       }},
      {"bias", [](Linear& l) { set_trainable(l.bias, true); }},
      {"f32 products", [](Linear& l) { l.weight.exact = true; }},
  };
  for (const auto& [name, change] : changes)
    for (const bool second : {false, true}) {
      Block b(ctx, {"int8", StoredForm::kInt8});
      Linear& changed = second ? *b.second : *b.first;
      const Block::Result before = b.run(ctx, Activation::kGelu, true);
      change(changed);
      const auto parameters = [&] {
        std::vector<Parameter*> list{&changed.bias};
        for (const auto& d : changed.deltas) list.insert(list.end(), {&d->a, &d->b});
        return list;
      }();
      const auto gradients = [&] {
        std::vector<Tensor> all;
        for (Parameter* p : parameters)
          if (p->var.wants_grad()) {
            all.push_back(p->var.grad->value().clone());
            set_trainable(*p, true);
          }
        return all;
      };
      const Block::Result got = b.run(ctx, Activation::kGelu, true);
      const auto got_gradients = gradients();
      const Block::Result want = b.run(ctx, Activation::kGelu, false);
      const auto want_gradients = gradients();
      EXPECT_EQ(got.records, 2u) << name;
      EXPECT_TRUE(same_bits(got.y, want.y) && same_bits(got.dx, want.dx)) << name;
      if (name != std::string("bias")) {
        EXPECT_FALSE(same_bits(got.dx, before.dx)) << name << " has no effect";
      }
      ASSERT_EQ(got_gradients.size(), want_gradients.size());
      for (size_t i = 0; i < got_gradients.size(); ++i) {
        EXPECT_TRUE(same_bits(got_gradients[i], want_gradients[i])) << name;
        EXPECT_GT(relative_distance(got_gradients[i], Tensor::zeros(got_gradients[i].shape())), 0) << name;
      }
    }
}

/// While inputs are observed, both layers see theirs.
TEST(FeedForward, ShowsBothInputs) {
  const Context ctx{&cpu_kernels(), 1};
  Block b(ctx, {"int8", StoredForm::kInt8});
  Tensor into = Tensor::zeros({kWidth}), between = Tensor::zeros({kInner});
  b.first->weight.observed = &into;
  b.second->weight.observed = &between;
  feed_forward(ctx, b.x, *b.first, Activation::kRelu, *b.second);
  for (int64_t k = 0; k < kWidth; ++k) {
    float most = 0;
    for (int64_t r = 0; r < b.x.rows(); ++r) most = std::max(most, std::fabs(b.x.data.f32()[r * kWidth + k]));
    ASSERT_EQ(into.f32()[k], most);
  }
  EXPECT_GT(*std::max_element(between.span().begin(), between.span().end()), 0);
}

}  // namespace
}  // namespace attune
