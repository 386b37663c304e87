// Every PEFT method on every tiny model: identity at start, trains only its own tensors, gradients that point downhill, merges without
// changing the output, survives save and load. A new line in a registry is tested without a change here.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/random.h"
#include "support/peft_rig.h"

namespace attune {
namespace {

using namespace testing;

struct Case {
  std::string model, method;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.model << " with " << c.method; }

/// Softmax does not see it: its gradient is zero but for rounding, and models_test holds it to 1e-5.
bool is_keys_bias(const std::string& name) { return name.ends_with("key.bias") || name.ends_with("k_lin.bias"); }

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& model : golden_models()) {
    const bool own = !named_parameters(*empty_model(model)->head()).empty();
    const std::set<std::string> refused{"none", "freeze", model == "llama_lm" ? "bitfit" : ""};  // nothing of a tied head to train
    for (const MethodEntry& m : peft_methods())
      if (own || !refused.contains(m.name)) all.push_back({model, m.name});
  }
  return all;
}

class Method : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const Case& c = GetParam();
    golden_ = read_json(model_folder_of(c.model) / "golden.json");
    labels_ = golden_["num_labels"].get<int64_t>();
    batch_ = golden_batch(golden_);
    model_ = base();
    method_ = apply(*model_, nullptr);
  }
  std::unique_ptr<Model> base() const { return load_golden(model_folder_of(GetParam().model), head_of(golden_), labels_); }
  /// A new method, or one as a saved adapter describes it.
  std::unique_ptr<PeftMethod> apply(Model& model, const Json* saved) const {
    PeftSetup s = setup_for(model.info().model_type, GetParam().method, head_of(golden_));
    s.adapter.options.lora_dropout = 0.1;
    if (saved) {
      s.adapter = parse_adapter_config(*saved, "adapter_config.json");
      s.loaded = true;
    }
    auto method = make_method(std::move(s));
    method->apply(model);
    if (!saved) method->initialize(11);
    return method;
  }
  std::vector<float> logits(Model& m) const {
    const Var out = m.forward(context_, batch_);
    return {out.data.span().begin(), out.data.span().end()};
  }
  /// The weighted sum of the logits, its gradient in the parameters.
  double objective(Model& m, bool backward) {
    Context ctx = context_;
    Tape tape;
    if (backward) ctx.tape = &tape;
    Var out = m.forward(ctx, batch_);
    Tensor weight({out.rows(), out.cols()});
    Random random(3);
    for (float& x : weight.span()) x = static_cast<float>(random.normal());
    double sum = 0;
    for (size_t i = 0; i < weight.span().size(); ++i)
      sum += static_cast<double>(weight.span()[i]) * static_cast<double>(out.data.span()[i]);
    if (backward) {
      out.grad->add(ctx, weight);
      tape.backward(ctx);
    }
    return sum;
  }
  void clear_gradients() {
    for (const auto& np : method_->trainable()) std::fill_n(np.parameter->var.grad->value().f32(), np.parameter->size(), 0.0f);
  }
  /// Steps downhill by a plain rule, so that every trained tensor moves.
  void train(int steps) {
    for (int i = 0; i < steps; ++i) {
      clear_gradients();
      objective(*model_, true);
      for (const auto& np : method_->trainable()) {
        const Tensor& g = np.parameter->var.grad->value();
        const double norm = std::sqrt(context_.kernels->sum_of_squares(context_, g.size(), g.f32()));
        if (norm > 1e-4)
          context_.kernels->axpby(context_, g.size(), static_cast<float>(-0.05 / norm), g.f32(), 1.0f, np.parameter->var.data.f32());
      }
    }
  }

  Context context_{&cpu_kernels(), 1, nullptr, false};
  Json golden_;
  int64_t labels_ = 0;
  Batch batch_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<PeftMethod> method_;
};

TEST_P(Method, StartsAtTheBase) {
  const auto untouched = base();
  EXPECT_LE(largest_difference(logits(*model_), logits(*untouched)), 1e-6);
}

TEST_P(Method, CountsWhatItTrains) {
  int64_t sum = 0;
  std::set<std::string> names;
  for (const auto& np : method_->trainable()) {
    sum += np.parameter->size();
    EXPECT_TRUE(names.insert(np.name).second) << np.name << " twice";
    EXPECT_TRUE(np.parameter->trainable && np.parameter->var.wants_grad()) << np.name;
  }
  const ParameterCounts c = method_->counts();
  EXPECT_EQ(c.trainable, sum);
  EXPECT_GT(sum, 0);
  EXPECT_LE(c.adapter + c.head, c.trainable);
  EXPECT_GE(c.all, c.trainable);
  size_t trainable = 0;
  for (const auto& np : named_parameters(*model_)) trainable += np.parameter->trainable;
  EXPECT_LE(trainable, names.size());
}

TEST_P(Method, TrainsOnlyItsOwnTensors) {
  std::map<std::string, std::vector<float>> before;
  for (const auto& np : named_parameters(*model_))
    before[np.name] = {np.parameter->var.data.span().begin(), np.parameter->var.data.span().end()};
  for (const auto& np : method_->trainable())
    before[np.name] = {np.parameter->var.data.span().begin(), np.parameter->var.data.span().end()};
  train(3);
  std::set<std::string> own;
  for (const auto& np : method_->trainable()) {
    own.insert(np.name);
    if (is_keys_bias(np.name)) continue;
    EXPECT_GT(largest_difference(np.parameter->var.data.span(), before.at(np.name)), 0) << np.name;
  }
  for (const auto& np : named_parameters(*model_)) {
    if (own.contains(np.name)) continue;
    EXPECT_EQ(np.parameter->var.grad, nullptr) << np.name;
    EXPECT_EQ(largest_difference(np.parameter->var.data.span(), before.at(np.name)), 0) << np.name << " is frozen";
  }
}

/// The gradient of each trained tensor against a central difference along a random direction.
TEST_P(Method, GradientsEqualCentralDifferences) {
  train(2);  // away from B = 0
  clear_gradients();
  objective(*model_, true);
  constexpr double kStep = 1e-3;
  // The rounding of the summed outputs, which a step divides by 2e-3.
  const double noise = 5e-3 * std::max(1.0, std::sqrt(static_cast<double>(logits(*model_).size())) / 8);
  for (const auto& np : method_->trainable()) {
    if (is_keys_bias(np.name)) continue;
    Tensor& x = np.parameter->var.data;
    const Tensor& g = np.parameter->var.grad->value();
    const Tensor start = x.clone();
    Tensor direction(x.shape());
    Random random(hash_name(np.name));
    for (float& d : direction.span()) d = static_cast<float>(random.normal());
    const double norm = std::sqrt(context_.kernels->sum_of_squares(context_, g.size(), g.f32()));
    // Half along the gradient, half at random: large enough to stand above the rounding of F32.
    double expected = 0, length = std::sqrt(static_cast<double>(x.size()));
    for (size_t i = 0; i < x.span().size(); ++i) {
      const double d = static_cast<double>(direction.span()[i]) / length + (norm > 1e-6 ? static_cast<double>(g.span()[i]) / norm : 0.0);
      direction.span()[i] = static_cast<float>(d);
      expected += d * static_cast<double>(g.span()[i]);
    }
    const auto at = [&](double step) {
      for (size_t i = 0; i < x.span().size(); ++i)
        x.span()[i] = static_cast<float>(static_cast<double>(start.span()[i]) + step * static_cast<double>(direction.span()[i]));
      return objective(*model_, false);
    };
    // The slopes of either side too: a step may cross the kink of a ReLU on one of them.
    const double here = at(0), above = at(kStep), below = at(-kStep);
    double got = (above - below) / (2 * kStep);
    for (const double slope : {(above - here) / kStep, (here - below) / kStep})
      if (std::abs(slope - expected) < std::abs(got - expected)) got = slope;
    at(0);
    EXPECT_NEAR(got, expected, 2e-2 * std::abs(expected) + noise) << np.name;
  }
}

TEST_P(Method, MergesWithoutChangingTheOutput) {
  train(3);
  const auto trained = logits(*model_);
  const TensorMap merged = method_->merged(context_);
  EXPECT_EQ(largest_difference(logits(*model_), trained), 0) << "merging leaves the model alone";
  const auto whole = model_with(GetParam().model, labels_, merged);
  EXPECT_LE(largest_difference(logits(*whole), trained), 1e-5 * std::max(1.0, largest(trained)));
  EXPECT_GT(largest_difference(trained, logits(*base())), 1e-3) << "training changed nothing, so this test says nothing";
}

TEST_P(Method, SurvivesSaveAndLoad) {
  train(3);
  const auto trained = logits(*model_);
  const fs::path file = fs::path(::testing::TempDir()) / ("conformance_" + GetParam().model + "_" + GetParam().method + ".safetensors");
  const TensorMap saved = method_->makes_adapter() ? method_->adapter_tensors() : method_->merged(context_);
  write_file_atomically(file, [&](OutputFile& out) { write_safetensors(out, saved); });
  const TensorMap stored = SafetensorsFile(file).read_all();
  if (!method_->makes_adapter()) {
    EXPECT_EQ(largest_difference(logits(*model_with(GetParam().model, labels_, stored)), trained), 0);
    return;
  }
  const Json config = parse_json(adapter_config_text(method_->adapter_json()), "adapter_config.json");
  const auto other = base();
  const auto method = apply(*other, &config);
  method->load_adapter(stored, file.string());
  EXPECT_EQ(largest_difference(logits(*other), trained), 0);
  EXPECT_EQ(method->adapter_json(), method_->adapter_json());
  EXPECT_EQ(method->counts().line(), method_->counts().line());
  for (const auto& [name, t] : method->adapter_tensors()) EXPECT_EQ(largest_difference(t.span(), stored.at(name).span()), 0) << name;
}

/// Weights may come after the method: the same tensors train.
TEST_P(Method, MayBeAppliedBeforeTheWeightsAreLoaded) {
  auto model = empty_model(GetParam().model, labels_);
  const auto method = apply(*model, nullptr);
  const WeightFiles files(model_folder_of(GetParam().model));
  load_weights(*model, source_of(files, "base"), 1);
  EXPECT_EQ(largest_difference(logits(*model), logits(*model_)), 0);
  ASSERT_EQ(method->trainable().size(), method_->trainable().size());
  for (const auto& np : method->trainable()) EXPECT_TRUE(np.parameter->var.wants_grad()) << np.name;
}

/// Layers that keep only their input: every gradient bit for bit, with dropout, whichever rows are read.
TEST_P(Method, RecomputedLayersGiveTheSameBits) {
  train(2);
  Context ctx = context_;
  ctx.training = true;
  const auto gradients = [&](bool recompute, ReadRows read) {
    clear_gradients();
    Tape tape(recompute);
    ctx.tape = &tape;
    const TokenKeys keys = token_keys(batch_, 7, 1);
    Var out;
    if (read == ReadRows::kFirst)
      out = model_->forward(ctx, batch_, keys);
    else
      out = model_->backbone().forward(ctx, {&batch_, read, keys});
    if (out.wants_grad()) {
      out.grad->add(ctx, out.data.clone(MemoryClass::kActivations));
      tape.backward(ctx);
    }
    std::vector<float> all = {out.data.span().begin(), out.data.span().end()};
    for (const auto& np : method_->trainable()) {
      const Tensor& g = np.parameter->var.grad->value();
      all.insert(all.end(), g.span().begin(), g.span().end());
    }
    return all;
  };
  for (const ReadRows read : {ReadRows::kFirst, ReadRows::kLast, ReadRows::kAll}) {
    const auto plain = gradients(false, read);
    EXPECT_GT(largest(plain), 0);
    EXPECT_EQ(largest_difference(gradients(true, read), plain), 0);
  }
}

/// A language model with tied weights has no head of its own: there is nothing to train in it.
TEST(Methods, RefuseToTrainAHeadWithoutWeights) {
  for (const std::string name : {"none", "freeze", "bitfit"}) {
    const auto model = empty_model("llama_lm");
    try {
      make_method(setup_for("llama", name, HeadKind::kCausalLm))->apply(*model);
      ADD_FAILURE() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.info().id, name == "bitfit" ? "peft.no_biases" : "peft.no_head");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Method, ::testing::ValuesIn(cases()),
                         [](const auto& tested) { return tested.param.model + "_" + tested.param.method; });

}  // namespace
}  // namespace attune
