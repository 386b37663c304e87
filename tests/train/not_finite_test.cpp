// N1: a NaN or an infinity anywhere is found in the optimizer step it appears in, with step, rows, tensor and learning rate.
// N2: the log never hides it.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "train/quantized_rig.h"

namespace attune {
namespace {

using namespace testing;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kStep = 3;  // the step that is spoilt

/// The reference table with one call of one kernel spoilt: after it has run, an element of its output is NaN.
struct Poison {
  int64_t calls = 0;   // of kernels whose output is an activation or a gradient
  int64_t target = 0;  // 1-based; 0: none
  bool armed = false;
  bool hit() { return armed && ++calls == target; }
} poison;

void spoil(float* x) {
  if (x && poison.hit()) *x = kNan;
}

const Kernels& poisoned_kernels() {
  static const Kernels& real = reference_kernels();
  static const Kernels table = [] {
    Kernels k = real;
    k.gemm = [](const Context& c, bool ta, bool tb, int64_t m, int64_t n, int64_t kk, float alpha, const float* a, int64_t lda,
                const float* b, int64_t ldb, float beta, float* out, int64_t ldc) {
      real.gemm(c, ta, tb, m, n, kk, alpha, a, lda, b, ldb, beta, out, ldc);
      spoil(out);
    };
    k.int8_products = [](const Context& c, int64_t t, int64_t n, const Int8Source& source, int terms, int count,
                         const Int8Product* products) {
      real.int8_products(c, t, n, source, terms, count, products);
      for (int i = 0; i < count; ++i) spoil(products[i].y);
    };
    k.bias_activation = [](const Context& c, int64_t t, int64_t n, const float* bias, Activation act, float* u, int64_t up, float* y,
                           int64_t yp) {
      real.bias_activation(c, t, n, bias, act, u, up, y, yp);
      spoil(act == Activation::kNone ? u : y);
    };
    k.activation_backward = [](const Context& c, int64_t t, int64_t n, Activation act, const float* u, int64_t up, const float* dy,
                               int64_t dyp, float* dx, int64_t dxp) {
      real.activation_backward(c, t, n, act, u, up, dy, dyp, dx, dxp);
      spoil(dx);
    };
    k.dropout_add_layer_norm = [](const Context& c, int64_t t, int64_t n, const Dropout& d, const float* x, const float* r, const float* g,
                                  const float* b, float eps, float* s, float* y, float* mean, float* rstd) {
      real.dropout_add_layer_norm(c, t, n, d, x, r, g, b, eps, s, y, mean, rstd);
      spoil(y);
    };
    k.dropout_add_layer_norm_backward = [](const Context& c, int64_t t, int64_t n, const Dropout& d, const float* s, const float* g,
                                           const float* mean, const float* rstd, const float* dy, float* ds, float* dx, float* dg,
                                           float* db) {
      real.dropout_add_layer_norm_backward(c, t, n, d, s, g, mean, rstd, dy, ds, dx, dg, db);
      spoil(ds);
    };
    k.attention = [](const Context& c, const AttentionShape& s, const float* q, int64_t qp, const float* kk, int64_t kp, const float* v,
                     int64_t vp, float* out, int64_t op, float* lse) {
      real.attention(c, s, q, qp, kk, kp, v, vp, out, op, lse);
      spoil(out);
    };
    k.attention_backward = [](const Context& c, const AttentionShape& s, const float* q, int64_t qp, const float* kk, int64_t kp,
                              const float* v, int64_t vp, const float* out, int64_t op, const float* lse, const float* dout, int64_t dp,
                              float* dq, int64_t dqp, float* dk, int64_t dkp, float* dv, int64_t dvp) {
      real.attention_backward(c, s, q, qp, kk, kp, v, vp, out, op, lse, dout, dp, dq, dqp, dk, dkp, dv, dvp);
      spoil(dv);
    };
    k.cross_entropy = [](const Context& c, int64_t r, int64_t v, const float* logits, int64_t p, const int32_t* labels, const float* w,
                         float e, float* loss, float* dlogits) {
      real.cross_entropy(c, r, v, logits, p, labels, w, e, loss, dlogits);
      spoil(loss);
      spoil(dlogits);
    };
    k.embedding = [](const Context& c, int64_t t, int64_t n, const int32_t* ids, const float* table2, float beta, float* y) {
      real.embedding(c, t, n, ids, table2, beta, y);
      spoil(y);
    };
    return k;
  }();
  return table;
}

/// Arms the poison for exactly one optimizer step, by the schedule of calls to plan-made batches.
struct Outcome {
  std::string id, text;
  int64_t steps_done = 0;
  int64_t calls = 0;
};

Outcome run_poisoned(const std::string& curve, int64_t target) {
  const bool eight_bit = curve.ends_with("_int8");
  Rig rig(eight_bit ? curve.substr(0, curve.size() - 5) : curve, false, poisoned_kernels());
  poison = {0, target, false};
  if (eight_bit) hold(rig, {StoredForm::kNf4, false, true});
  Outcome o;
  struct Arm : Callback {
    void logged(const Json& e, const TrainerState&) override {
      if (e.contains("loss")) poison.armed = e["step"].get<int64_t>() == kStep - 1;
    }
  } arm;
  rig.job.callbacks = {&arm};
  rig.job.config.max_steps = kStep + 1;
  try {
    o.steps_done = fit(rig.job).state.global_step;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kNumerical);
    o.id = e.info().id;
    o.text = e.what();
  }
  o.calls = poison.calls;
  poison = {};
  return o;
}

class EveryOp : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryOp, IsWatched) {
  const int64_t calls = run_poisoned(GetParam(), 0).calls;
  ASSERT_GT(calls, 50);
  for (int64_t target = 1; target <= calls; ++target) {
    const Outcome o = run_poisoned(GetParam(), target);
    ASSERT_EQ(o.id, "train.not_finite") << "call " << target << " of " << calls << " went unnoticed";
    EXPECT_NE(o.text.find("at step 3 "), std::string::npos) << "call " << target << ": " << o.text;
    EXPECT_NE(o.text.find("learning rate "), std::string::npos);
    EXPECT_NE(o.text.find("row"), std::string::npos);
    EXPECT_NE(o.text.find("first bad tensor: "), std::string::npos);
    EXPECT_EQ(o.text.find("first bad tensor: \n"), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(Curves, EveryOp, ::testing::Values("bert_full", "bert_lora", "distilbert_full", "bert_lora_int8"),
                         [](const auto& curve) { return curve.param; });

TEST(NotFinite, EveryParameterIsNamed) {
  for (const std::string curve : {"bert_full", "bert_lora"}) {
    std::vector<std::string> names;
    {
      const Rig rig(curve);
      for (const auto& p : named_parameters(*rig.model)) names.push_back(p.name);
      for (const auto& p : rig.job.parameters)
        if (p.name.find("lora_") != std::string::npos) names.push_back(p.name);
    }
    for (const std::string& name : names) {
      Rig rig(curve);
      std::vector<NamedParameter> all = named_parameters(*rig.model);
      all.insert(all.end(), rig.job.parameters.begin(), rig.job.parameters.end());
      for (const auto& p : all)
        if (p.name == name) std::fill(p.parameter->var.data.span().begin(), p.parameter->var.data.span().end(), kNan);
      try {
        fit(rig.job);
        ADD_FAILURE() << name << " went unnoticed";
      } catch (const Error& e) {
        EXPECT_EQ(e.info().id, "train.not_finite") << name;
        EXPECT_NE(std::string(e.what()).find("at step 1 "), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("first bad tensor: " + name), std::string::npos) << name << ": " << e.what();
      }
    }
  }
}

/// 8-bit products carry a NaN on, and the self-check leaves it to the loop: step, rows and tensor are those an F32 run names.
TEST(NotFinite, PassesThrough8BitProducts) {
  for (const Kernels* const* k = all_kernels(); *k; ++k)
    for (const float bad : {kNan, std::numeric_limits<float>::infinity()}) {
      const auto error_of = [&](bool eight_bit) -> std::string {
        Rig rig("bert_lora", false, **k);
        Parameter* table = nullptr;
        for (const auto& p : named_parameters(*rig.model))
          if (p.name == "bert.embeddings.word_embeddings.weight") table = p.parameter;
        const int32_t word = rig.examples[2].ids[1];
        table->var.data.f32()[word * table->shape[1]] = bad;
        const Int8Check check = hold(rig, {StoredForm::kNf4, false, eight_bit});
        EXPECT_TRUE(check.two_terms.empty() && check.exact.empty()) << "a bad row is no reason to fall back";
        try {
          fit(rig.job);
          return "went unnoticed";
        } catch (const Error& e) {
          EXPECT_EQ(e.info().id, "train.not_finite");
          return e.what();
        }
      };
      const std::string got = error_of(true);
      EXPECT_EQ(got, error_of(false)) << (*k)->name;
      EXPECT_NE(got.find("first bad tensor: bert.embeddings.word_embeddings.weight"), std::string::npos) << got;
    }
}

TEST(NotFinite, EveryGradientIsNamed) {
  Rig probe("bert_full");
  for (size_t i = 0; i < probe.job.parameters.size(); ++i) {
    Rig rig("bert_full");
    int64_t step = 0;
    rig.job.reduce = [&](std::span<const NamedParameter> parameters, LossSum&) {
      if (++step == 2) parameters[i].parameter->var.grad->value().span().back() = kNan;
    };
    try {
      fit(rig.job);
      ADD_FAILURE() << rig.job.parameters[i].name;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("first bad tensor: gradient of " + rig.job.parameters[i].name), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find("at step 2 "), std::string::npos) << e.what();
    }
  }
}

TEST(NotFinite, SkippingLeavesTheWeightsAndSaysSo) {
  Rig rig("bert_full");
  rig.job.config.on_nan = OnNan::kSkip;
  rig.job.config.max_steps = 4;
  std::vector<std::vector<float>> weights;
  int64_t step = 0;
  rig.job.reduce = [&](std::span<const NamedParameter> parameters, LossSum&) {
    weights.push_back(rig.weights());
    if (++step == 3) parameters[0].parameter->var.grad->value().span()[0] = kNan;
  };
  const FitResult r = fit(rig.job);
  EXPECT_EQ(r.state.global_step, 4);
  EXPECT_EQ(r.state.skipped_steps, 1);
  EXPECT_EQ(r.state.optimizer_updates, 3);
  EXPECT_TRUE(weights[2] == weights[3]);
  EXPECT_FALSE(weights[1] == weights[2]);
  const Json entry = step_entries(r.state.log_history)[2];
  EXPECT_EQ(entry["grad_norm"], Json("NaN"));
  EXPECT_EQ(entry["non_finite"], Json(true));
  EXPECT_NO_THROW(dump_json(r.state.to_json()));  // still JSON
}

TEST(NotFinite, TooManySkipsInARowStop) {
  Rig rig("bert_full");
  rig.job.config.on_nan = OnNan::kSkip;
  rig.job.config.max_skipped_steps = 2;
  int64_t step = 0;
  rig.job.reduce = [&](std::span<const NamedParameter> parameters, LossSum&) {
    if (++step >= 5) parameters[0].parameter->var.grad->value().span()[0] = kNan;
  };
  try {
    fit(rig.job);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "train.not_finite");
    EXPECT_EQ(step, 7);
  }
}

// N3.
TEST(NotFinite, NeverReachesACheckpoint) {
  struct Spoil : Callback {
    Rig* rig;
    void logged(const Json& e, const TrainerState&) override {
      if (e.contains("loss") && e["step"] == 4)
        rig->job.parameters[0].parameter->var.data.f32()[0] = kNan;  // after the update, before the save
    }
  };
  for (const bool eight_bit : {false, true}) {
    Rig rig(eight_bit ? "bert_lora" : "bert_full");
    if (eight_bit) hold(rig, {StoredForm::kInt8, false, true});
    const fs::path folder = fresh_folder("nonfinite");
    rig.use_epochs(4, 1, 2);
    rig.job.folder = folder;
    rig.job.config.save_strategy = Interval::kSteps;
    rig.job.config.save_steps = 2;
    Spoil spoiler;
    spoiler.rig = &rig;
    rig.job.callbacks = {&spoiler};
    try {
      fit(rig.job);
      ADD_FAILURE() << eight_bit;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kNumerical);
    }
    EXPECT_EQ(find_checkpoints(folder, CheckpointTrust::kAllHashes).newest()->step, 2);
  }
}

}  // namespace
}  // namespace attune
