// Every op: its backward against central differences, on every table of kernels, over odd sizes; and cpu = reference follows since
// all tables meet the same differences.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "ops/ops.h"
#include "support/random_tensor.h"

namespace attune {
namespace {

using namespace testing;

struct OpCase {
  std::string name;
  std::vector<Shape> inputs;
  /// From inputs that want gradients to one output.
  std::function<Var(const Context&, std::vector<Var>&)> run;
};

Starts starts_of(std::vector<int64_t> s) { return std::make_shared<const std::vector<int64_t>>(std::move(s)); }

std::vector<OpCase> grouped_cases();

std::vector<OpCase> op_cases() {
  std::vector<OpCase> all;
  for (int64_t c : {1, 7, 33}) {
    const int64_t t = 5;
    const std::string size = "_" + std::to_string(c);
    all.push_back({"embedding_sum" + size, {{6, c}, {3, c}}, [t](const Context& ctx, std::vector<Var>& in) {
                     static const std::vector<int32_t> ids{5, 0, 2, 5, 1}, types{0, 1, 2, 2, 0};
                     const EmbeddingTerm terms[] = {{&in[0], ids}, {&in[1], types}};
                     return embedding_sum(ctx, terms, keys_of(t));
                   }});
    for (float p : {0.0f, 0.3f}) {
      const std::string drop = p > 0 ? "_dropout" : "";
      if (c > 1)
        all.push_back({"dropout_add_layer_norm" + size + drop, {{t, c}, {t, c}, {c}, {c}}, [p](const Context& ctx, std::vector<Var>& in) {
                         return dropout_add_layer_norm(ctx, in[0], &in[1], {p, 11}, in[2], in[3], 1e-5f);
                       }});
      if (p > 0) all.push_back({"dropout" + size + drop, {{t, c}}, [p](const Context& ctx, std::vector<Var>& in) { return dropout(ctx, in[0], {p, 3}); }});
    }
    for (Activation a : {Activation::kGelu, Activation::kGeluNew, Activation::kSilu, Activation::kTanh, Activation::kRelu})
      all.push_back({"activation_" + std::to_string(static_cast<int>(a)) + size, {{t, c}}, [a](const Context& ctx, std::vector<Var>& in) { return activation(ctx, in[0], a); }});
    all.push_back({"rms_norm" + size, {{t, c}, {c}}, [](const Context& ctx, std::vector<Var>& in) { return rms_norm(ctx, in[0], in[1], 1e-1f); }});
    for (Activation a : {Activation::kSilu, Activation::kGelu})
      all.push_back({"gated_" + std::to_string(static_cast<int>(a)) + size, {{t, c}, {t, c}}, [a](const Context& ctx, std::vector<Var>& in) { return gated(ctx, in[0], in[1], a); }});
    for (float p : {0.0f, 0.3f})
      all.push_back({"dropout_add" + size + (p > 0 ? "_dropout" : ""), {{t, c}, {t, c}}, [p](const Context& ctx, std::vector<Var>& in) { return dropout_add(ctx, in[0], in[1], {p, 3}); }});
    all.push_back({"vocabulary_logits" + size, {{t, c}, {6, c}, {6}}, [](const Context& ctx, std::vector<Var>& in) { return vocabulary_logits(ctx, in[0], in[1], &in[2]); }});
    all.push_back({"rotary" + size, {{t, 4 * c}}, [c, t](const Context& ctx, std::vector<Var>& in) {
                     Var copy = activation(ctx, in[0], Activation::kTanh);  // rotary writes over what it is given
                     return rotary(ctx, copy, 2, random_tensor({t, 2 * c}, 9));
                   }});
    all.push_back({"split_columns" + size, {{t, 3 * c}}, [c](const Context& ctx, std::vector<Var>& in) {
                     const auto parts = split_columns(ctx, in[0], {c, c, c});  // the middle one gets no gradient
                     return gated(ctx, parts[0], parts[2], Activation::kSilu);
                   }});
    all.push_back({"gather_rows" + size, {{t, c}}, [](const Context& ctx, std::vector<Var>& in) {
                     return gather_rows(ctx, in[0], std::make_shared<const std::vector<int64_t>>(std::vector<int64_t>{4, 0, 2}));
                   }});
  }
  for (int64_t d : {1, 3, 16})
    for (bool causal : {false, true})
      for (float p : {0.0f, 0.25f})
        for (bool first : {false, true}) {
          if (first && causal) continue;
          const int64_t heads = 2, width = heads * d, tk = 11;
          const auto ks = starts_of({0, 1, 6, 11});
          const auto qs = first ? starts_of({0, 1, 2, 3}) : ks;
          all.push_back({"attention_" + std::to_string(d) + (causal ? "_causal" : "") + (p > 0 ? "_dropout" : "") + (first ? "_first" : ""),
                         {{qs->back(), width}, {tk, width}, {tk, width}},
                         [=](const Context& ctx, std::vector<Var>& in) {
                           AttentionSpec spec{heads, 1.0f / std::sqrt(static_cast<float>(d)), causal, {p, 5}};
                           return attention(ctx, spec, in[0], in[1], in[2], qs, ks);
                         }});
        }
  for (auto& c : grouped_cases()) all.push_back(std::move(c));
  return all;
}

std::vector<OpCase> grouped_cases() {
  std::vector<OpCase> all;
  const auto starts = starts_of({0, 1, 6, 11});
  for (const int64_t kv : {1, 2})
    all.push_back({"attention_grouped_" + std::to_string(kv), {{11, 12}, {11, 3 * kv}, {11, 3 * kv}}, [=](const Context& ctx, std::vector<Var>& in) {
                     const AttentionSpec spec{4, 0.6f, true, {0.2f, 5}, kv};
                     return attention(ctx, spec, in[0], in[1], in[2], starts, starts);
                   }});
  return all;
}

struct Param {
  size_t index;
  const Kernels* kernels;
};

void PrintTo(const Param& p, std::ostream* out) { *out << op_cases()[p.index].name << " " << p.kernels->name; }

class OpGradient : public ::testing::TestWithParam<Param> {};

TEST_P(OpGradient, BackwardEqualsCentralDifferences) {
  const OpCase c = op_cases()[GetParam().index];
  const Context base{GetParam().kernels, 2, nullptr, true};
  std::vector<Var> inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    Var v(random_tensor(c.inputs[i], 100 + i));
    if (c.inputs[i].size() == 2) v.keys = keys_of(c.inputs[i][0]);
    inputs.push_back(std::move(v));
  }
  const auto objective = [&](Tensor* gradient) {
    const Var out = c.run(base, inputs);
    const Tensor weights = random_tensor({out.rows(), out.cols()}, 7);
    double sum = 0;
    for (size_t i = 0; i < weights.span().size(); ++i) sum += static_cast<double>(weights.span()[i]) * static_cast<double>(out.data.span()[i]);
    if (gradient) *gradient = weights;
    return sum;
  };
  // Backward, each input twice: accumulation into a gradient that is there already must add.
  std::vector<Tensor> got;
  {
    std::vector<Var> kept = inputs;
    for (size_t i = 0; i < inputs.size(); ++i) inputs[i].grad = Gradient::of_parameter(c.inputs[i]);
    for (int pass = 0; pass < 2; ++pass) {
      Tape tape;
      Context ctx = base;
      ctx.tape = &tape;
      const Var out = c.run(ctx, inputs);
      out.grad->add(ctx, random_tensor({out.rows(), out.cols()}, 7));
      tape.backward(ctx);
    }
    for (auto& v : inputs) got.push_back(v.grad->value());
    inputs = kept;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (int64_t j = 0; j < inputs[i].data.size(); ++j) {
      float& x = inputs[i].data.f32()[j];
      const float at = x, h = 2e-3f * std::max(1.0f, std::fabs(at));
      x = at + h;
      const double up = objective(nullptr);
      x = at - h;
      const double down = objective(nullptr);
      x = at;
      const double expected = (up - down) / (2.0 * static_cast<double>(h));
      const double backward = static_cast<double>(got[i].f32()[j]) / 2.0;
      if (c.name.starts_with("activation_3") && std::fabs(at) < 2 * h) continue;  // relu's corner
      ASSERT_NEAR(backward, expected, 4e-3 * (1.0 + std::fabs(expected))) << c.name << " input " << i << " element " << j;
    }
  }
}

std::vector<Param> params() {
  std::vector<Param> all;
  for (const Kernels* const* k = all_kernels(); *k; ++k)
    for (size_t i = 0; i < op_cases().size(); ++i) all.push_back({i, *k});
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, OpGradient, ::testing::ValuesIn(params()), [](const auto& tested) {
  std::string name = op_cases()[tested.param.index].name + "_" + tested.param.kernels->name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

/// vocabulary_loss is cross_entropy_loss of vocabulary_logits, over several chunks, and holds one chunk of logits at a time.
TEST(VocabularyLoss, EqualsTheLossOfAllLogits) {
  const int64_t rows = 300, width = 24, tokens = 500;
  for (const Kernels* const* k = all_kernels(); *k; ++k)
    for (const float smoothing : {0.0f, 0.1f}) {
      Tape tape;
      const Context ctx{*k, 2, &tape, false};
      Var x(random_tensor({rows, width}, 1)), w(random_tensor({tokens, width}, 2, 0.3)), bias(random_tensor({tokens}, 3));
      std::vector<int32_t> labels;
      for (int64_t i = 0; i < rows; ++i) labels.push_back(i % 5 == 0 ? -100 : static_cast<int32_t>(i * 7 % tokens));
      struct Pass {
        LossSum loss;
        Tensor dx, dw, db;
        int64_t peak;
      };
      const auto run = [&](bool whole) {
        x.grad = Gradient::of_parameter({rows, width});
        w.grad = Gradient::of_parameter({tokens, width});
        bias.grad = Gradient::of_parameter({tokens});
        Allocator::global().reset_peaks();
        const int64_t before = Allocator::global().ledger().total_now;
        Pass p;
        p.loss = whole ? cross_entropy_loss(ctx, vocabulary_logits(ctx, x, w, &bias), labels, {}, smoothing) : vocabulary_loss(ctx, x, w, &bias, labels, smoothing);
        tape.backward(ctx);
        p.peak = Allocator::global().ledger().total_peak - before;
        p.dx = x.grad->value(), p.dw = w.grad->value(), p.db = bias.grad->value();
        return p;
      };
      const Pass whole = run(true), parts = run(false);
      EXPECT_NEAR(parts.loss.sum, whole.loss.sum, 1e-6 * whole.loss.sum);
      EXPECT_EQ(parts.loss.count, whole.loss.count);
      const auto near = [&](const Tensor& a, const Tensor& b, const char* what) {
        for (size_t i = 0; i < a.span().size(); ++i) ASSERT_NEAR(a.span()[i], b.span()[i], 2e-5) << what << i;
      };
      near(parts.dx, whole.dx, "dx");
      near(parts.dw, whole.dw, "dw");
      near(parts.db, whole.db, "db");
      EXPECT_LT(parts.peak, rows * tokens * 4) << "logits of all rows were held";
      EXPECT_GE(whole.peak, rows * tokens * 4);
    }
}

TEST(Tape, RecordsNothingWithoutGradients) {
  Tape tape;
  const Context ctx{&reference_kernels(), 1, &tape, false};
  const Var x(random_tensor({3, 4}, 1));
  EXPECT_FALSE(activation(ctx, x, Activation::kGelu).wants_grad());
  EXPECT_EQ(tape.size(), 0u);
}

TEST(Tape, AValueUsedTwiceReceivesBothGradients) {
  Tape tape;
  const Context ctx{&reference_kernels(), 1, &tape, false};
  Var x(random_tensor({2, 3}, 1));
  x.grad = Gradient::of_parameter({2, 3});
  const Var gamma(Tensor::of({3}, std::vector<float>{1, 1, 1})), beta(Tensor::zeros({3}));
  const Var y = activation(ctx, x, Activation::kTanh);
  const Var z = dropout_add_layer_norm(ctx, y, &y, {}, gamma, beta, 1e-5f);  // x and residual share one gradient tensor
  z.grad->add(ctx, random_tensor({2, 3}, 2));
  tape.backward(ctx);
  Tensor both = x.grad->value().clone();
  x.grad = Gradient::of_parameter({2, 3});
  const Var y2 = activation(ctx, x, Activation::kTanh);
  Tensor doubled = y2.data.clone();
  ctx.kernels->axpby(ctx, 6, 2.0f, y2.data.f32(), 0.0f, doubled.f32());
  Var d(doubled);
  d.grad = Gradient::of_parameter({2, 3});
  const Var z2 = dropout_add_layer_norm(ctx, d, nullptr, {}, gamma, beta, 1e-5f);
  z2.grad->add(ctx, random_tensor({2, 3}, 2));
  tape.backward(ctx);
  for (int i = 0; i < 6; ++i) {
    const float t = y2.data.f32()[i];
    EXPECT_NEAR(both.f32()[i], 2.0f * d.grad->value().f32()[i] * (1.0f - t * t), 1e-5f);
  }
}

}  // namespace
}  // namespace attune
