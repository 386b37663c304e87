// Every architecture on every form of a quantised base: a training step changes the adapter and the head and nothing else, and what is
// saved is an adapter of the F32 base.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/random.h"
#include "nn/quantization.h"
#include "support/peft_rig.h"

namespace attune {
namespace {

using namespace testing;

struct Form {
  const char* name;
  StoredForm form;
  bool double_quant = false, eight_bit = false;
  Resident resident = Resident::kInt8;
};
constexpr Form kForms[] = {{"int8", StoredForm::kInt8},
                           {"nf4", StoredForm::kNf4},
                           {"nf4_double", StoredForm::kNf4, true},
                           {"int8_in_int8", StoredForm::kInt8, false, true},
                           {"nf4_in_int8", StoredForm::kNf4, true, true},
                           {"nf4_4bit_in_int8", StoredForm::kNf4, false, true, Resident::k4Bit}};

struct Case {
  std::string model;
  Form form;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.model << " in " << c.form.name; }
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& model : golden_models())
    for (const Form& form : kForms) all.push_back({model, form});
  return all;
}

using Values = std::map<std::string, std::vector<float>>;

class Quantized : public ::testing::TestWithParam<Case> {
 protected:
  struct Adapted {
    std::unique_ptr<Model> model;
    std::unique_ptr<PeftMethod> method;
  };
  void SetUp() override {
    const Json golden = read_json(model_folder_of(GetParam().model) / "golden.json");
    head_ = head_of(golden);
    labels_ = golden["num_labels"].get<int64_t>();
    batch_ = golden_batch(golden);
    adapted_ = adapt();
    quantize(*adapted_.model);
  }
  /// The F32 base with a new adapter, or with a saved one.
  Adapted adapt(const Json* saved = nullptr) const {
    Adapted a;
    a.model = load_golden(model_folder_of(GetParam().model), head_, labels_);
    PeftSetup s = setup_for(a.model->info().model_type, "lora", head_);
    if (saved) {
      s.adapter = parse_adapter_config(*saved, "adapter_config.json");
      s.loaded = true;
    }
    a.method = make_method(std::move(s));
    a.method->apply(*a.model);
    if (!saved) a.method->initialize(11);
    return a;
  }
  void quantize(Model& model) const {
    const Form& form = GetParam().form;
    const auto layers = frozen_linears(model, {});
    EXPECT_FALSE(layers.empty());
    for (Linear* l : layers) {
      Tensor values = std::move(l->weight.f32.var.data);
      l->weight.f32.var.data = Tensor();
      store(l->weight, std::move(values), form.form, form.double_quant, 1, l->path());
    }
    if (!form.eight_bit) return;
    const auto smoothing = calibrate(layers, 1, [&] { model.forward(context_, batch_); });
    compute_in_int8(layers, smoothing, form.resident, context_);
  }
  /// What every tensor stands for, the adapter's included.
  static Values values_of(const Adapted& a) {
    Values all;
    for_each_module(*a.model, [&](Module& m) {
      if (m.kind() != ModuleKind::kLinear) return;
      const Tensor w = static_cast<Linear&>(m).weight.values(1);
      all[m.path() + ".weight"] = {w.span().begin(), w.span().end()};
    });
    for (const auto& np : named_parameters(*a.model))
      if (np.parameter->loaded()) all[np.name] = {np.parameter->var.data.span().begin(), np.parameter->var.data.span().end()};
    for (const auto& np : a.method->trainable())
      all[np.name] = {np.parameter->var.data.span().begin(), np.parameter->var.data.span().end()};
    return all;
  }
  void step(const Adapted& a) const {
    Context ctx = context_;
    Tape tape;
    ctx.tape = &tape;
    ctx.training = true;
    Var out = a.model->forward(ctx, batch_, token_keys(batch_, 1, 0));
    Tensor weight(out.data.shape());
    Random random(3);
    for (float& x : weight.span()) x = static_cast<float>(random.normal());
    out.grad->add(ctx, weight);
    tape.backward(ctx);
    for (const auto& np : a.method->trainable()) {
      Tensor& g = np.parameter->var.grad->value();
      const double norm = std::sqrt(ctx.kernels->sum_of_squares(ctx, g.size(), g.f32()));
      if (norm > 0) ctx.kernels->axpby(ctx, g.size(), static_cast<float>(-0.05 / norm), g.f32(), 1.0f, np.parameter->var.data.f32());
      std::fill_n(g.f32(), g.size(), 0.0f);
    }
  }
  std::vector<float> logits(Model& m) const {
    const Var out = m.forward(context_, batch_);
    return {out.data.span().begin(), out.data.span().end()};
  }

  Context context_{&cpu_kernels(), 1, nullptr, false};
  HeadKind head_ = HeadKind::kNone;
  int64_t labels_ = 0;
  Batch batch_;
  Adapted adapted_;
};

/// |a - b| / |a|, of all elements: single ones may be far off.
double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double by = 0, of = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    by += (static_cast<double>(a[i]) - static_cast<double>(b[i])) * (static_cast<double>(a[i]) - static_cast<double>(b[i]));
    of += static_cast<double>(a[i]) * static_cast<double>(a[i]);
  }
  return std::sqrt(by / of);
}

TEST_P(Quantized, AStepChangesTheAdapterAndTheHeadOnly) {
  const Values before = values_of(adapted_);
  step(adapted_);
  step(adapted_);  // a pair's A moves once its B has
  const Values after = values_of(adapted_);
  std::set<std::string> own;
  for (const auto& np : adapted_.method->trainable()) own.insert(np.name);
  ASSERT_EQ(after.size(), before.size());
  for (const auto& [name, values] : after) EXPECT_EQ(values != before.at(name), own.contains(name)) << name;
  for (const Linear* l : frozen_linears(*adapted_.model, {})) {
    EXPECT_EQ(l->weight.form(), GetParam().form.form) << l->path();
    EXPECT_EQ(l->weight.f32.var.grad, nullptr);
  }
}

TEST_P(Quantized, SavesAnAdapterOfTheF32Base) {
  const Adapted plain = adapt();
  for (const Adapted* a : {&plain, static_cast<const Adapted*>(&adapted_)})
    for (int i = 0; i < 3; ++i) step(*a);
  const TensorMap saved = adapted_.method->adapter_tensors(), want = plain.method->adapter_tensors();
  ASSERT_EQ(saved.size(), want.size());
  for (const auto& [name, t] : want) {
    ASSERT_TRUE(saved.contains(name)) << name;
    EXPECT_EQ(saved.at(name).shape(), t.shape()) << name;
    EXPECT_EQ(saved.at(name).dtype(), t.dtype()) << name;
  }
  EXPECT_EQ(adapted_.method->adapter_json(), plain.method->adapter_json());
  EXPECT_EQ(adapted_.method->counts().line(), plain.method->counts().line());

  const Json config = parse_json(adapter_config_text(adapted_.method->adapter_json()), "adapter_config.json");
  const fs::path file = fs::path(::testing::TempDir()) / ("quantized_" + GetParam().model + "_" + GetParam().form.name + ".safetensors");
  write_file_atomically(file, [&](OutputFile& out) { write_safetensors(out, saved); });
  const Adapted loaded = adapt(&config);
  loaded.method->load_adapter(SafetensorsFile(file).read_all(), file.string());
  for (const auto& [name, t] : loaded.method->adapter_tensors()) EXPECT_EQ(largest_difference(t.span(), saved.at(name).span()), 0) << name;
  const auto on_f32 = logits(*loaded.model), on_quantized = logits(*adapted_.model);
  EXPECT_GT(largest_difference(on_f32, on_quantized), 0);
  // Four bits in matrices of 24 columns: few outputs may all be off, single ones of many far off.
  EXPECT_TRUE(relative_difference(on_f32, on_quantized) < 0.6 || largest_difference(on_f32, on_quantized) < 0.5 * (1 + largest(on_f32)));
}

TEST(QuantizedModels, CoverTheRegistry) {
  std::set<std::string> tested;
  for (const auto& model : golden_models())
    tested.insert(read_json(model_folder_of(model) / "config.json")["model_type"].get<std::string>());
  for (const Architecture* a : architectures()) EXPECT_TRUE(tested.contains(a->model_type)) << a->model_type << " has no tiny model";
}

INSTANTIATE_TEST_SUITE_P(All, Quantized, ::testing::ValuesIn(cases()),
                         [](const auto& c) { return c.param.model + "_" + c.param.form.name; });

}  // namespace
}  // namespace attune
