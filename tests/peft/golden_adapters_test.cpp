// Adapters written by PEFT itself: what it wrote, what it resolved, and what it computed with them.
#include <gtest/gtest.h>

#include <cmath>

#include "support/peft_rig.h"

namespace attune {
namespace {

using namespace testing;

// Two correct F32 runs of these models differ by about 1e-5; the project promises 1e-4 for adapters, 3e-4 after a merge.
constexpr double kLogits = 1e-4, kMerged = 3e-4, kOwnMerge = 1e-5;

std::vector<std::string> golden_adapters() { return list_folder(golden_folder() / "adapters"); }

class GoldenAdapter : public ::testing::TestWithParam<std::string> {
 protected:
  Context context_{&cpu_kernels(), 2, nullptr, false};
  std::vector<float> logits(Model& m, const Json& golden) {
    const Var out = m.forward(context_, golden_batch(golden));
    return {out.data.span().begin(), out.data.span().end()};
  }
};

TEST_P(GoldenAdapter, LogitsEqualPeft) {
  AdapterRig rig(GetParam());
  rig.method->initialize(5);
  EXPECT_GT(largest_difference(logits(*rig.model, rig.golden), flat(rig.golden["logits"])), 10 * kLogits) << "the adapter must matter";
  rig.method->load_adapter(rig.file.read_all(), rig.file.path().string());
  EXPECT_LE(largest_difference(logits(*rig.model, rig.golden), flat(rig.golden["logits"])), kLogits);
}

TEST_P(GoldenAdapter, MergedLogitsEqualPeftAndTheAdapter) {
  AdapterRig rig(GetParam());
  rig.method->load_adapter(rig.file.read_all(), rig.file.path().string());
  const TensorMap before = weights_of(*rig.model);
  std::map<std::string, std::vector<float>> copy;
  for (const auto& [name, t] : before) copy[name] = {t.span().begin(), t.span().end()};
  const TensorMap merged = rig.method->merged(context_);

  const auto base =
      load_golden(model_folder_of(rig.base), head_of(rig.base), rig.model->labels());
  std::vector<std::string> changed;
  for (const auto& [name, t] : weights_of(*base))
    if (largest_difference(t.span(), merged.at(name).span()) != 0) changed.push_back(name);
  EXPECT_EQ(changed, rig.golden["changed_by_merge"].get<std::vector<std::string>>());
  for (const auto& [name, t] : weights_of(*rig.model))
    EXPECT_EQ(largest_difference(t.span(), copy[name]), 0) << name << " changed in the model itself";

  const auto whole = model_with(rig.golden["base"].get<std::string>(), rig.model->labels(), merged);
  EXPECT_LE(largest_difference(logits(*whole, rig.golden), flat(rig.golden["logits"])), kMerged);
  EXPECT_LE(largest_difference(logits(*whole, rig.golden), logits(*rig.model, rig.golden)), kOwnMerge * std::max(1.0, largest(flat(rig.golden["logits"]))));
}

TEST_P(GoldenAdapter, SavedAgainIsByteIdentical) {
  AdapterRig rig(GetParam());
  rig.method->load_adapter(rig.file.read_all(), rig.file.path().string());
  const fs::path copy = fs::path(::testing::TempDir()) / ("peft_" + GetParam() + ".safetensors");
  write_file_atomically(copy, [&](OutputFile& out) { write_safetensors(out, rig.method->adapter_tensors(), rig.file.metadata()); });
  EXPECT_EQ(read_file(copy), read_file(rig.file.path()));

  // Every key we write has PEFT's value; all-linear was expanded by PEFT already.
  const Json ours = rig.method->adapter_json(), theirs = read_json(rig.folder / "adapter_config.json");
  for (const auto& [key, value] : ours.items()) {
    if (key == "layers_to_transform" || key == "layers_pattern") continue;  // a single value becomes a list of one
    if (value.is_array()) {
      EXPECT_EQ(value.get<std::set<std::string>>(), theirs.at(key).get<std::set<std::string>>()) << key;
    } else {
      EXPECT_EQ(value, theirs.at(key)) << key;
    }
  }
}

/// The same options given by a user select the same layers with the same ranks and scales, the same file keys and the same counts.
TEST_P(GoldenAdapter, OptionsMeanWhatTheyMeanInPeft) {
  const Json golden = read_json(golden_folder() / "adapters" / GetParam() / "golden.json");
  const auto base = golden["base"].get<std::string>();
  AdapterRig loaded(GetParam());
  const auto model = empty_model(base, loaded.model->labels());
  PeftSetup s = setup_for(model->info().model_type, "lora");
  s.adapter = lora_config(golden["lora"], task_type_of(head_of(base)));
  const auto method = make_method(std::move(s));
  method->apply(*model);

  std::set<std::string> got, expected;
  for_each_module(*model, [&](Module& m) {
    if (m.kind() != ModuleKind::kLinear) return;
    const auto& deltas = static_cast<Linear&>(m).deltas;
    if (!deltas.empty()) got.insert(m.path() + " " + std::to_string(deltas[0]->r) + " " + std::to_string(deltas[0]->scale));
  });
  for (const auto& [path, t] : golden["targets"].items())
    expected.insert(path + " " + std::to_string(t["r"].get<int64_t>()) + " " +
                    std::to_string(static_cast<float>(t["scale"].get<double>())));
  EXPECT_EQ(got, expected);

  EXPECT_EQ(method->counts().line(), golden["line"].get<std::string>());
  EXPECT_EQ(method->counts().trainable, golden["trainable_parameters"].get<int64_t>());
  EXPECT_EQ(method->counts().all, golden["all_parameters"].get<int64_t>());

  std::map<std::string, Shape> keys, theirs;
  for (const auto& [key, t] : [&] {
         method->initialize(1);
         return method->adapter_tensors();
       }())
    keys[key] = {};
  for (const auto& [key, shape] : golden["keys"].items())
    if (key.find("original_module") == std::string::npos && key.find("modules_to_save") == std::string::npos) theirs[key] = {};
  EXPECT_EQ(keys, theirs);
}

/// reliability I1: each key deleted, renamed, reshaped, retyped is refused and named, and nothing was changed.
TEST_P(GoldenAdapter, EveryDamagedKeyIsRefused) {
  AdapterRig rig(GetParam());
  rig.method->initialize(5);
  const TensorMap good = rig.file.read_all();
  const auto before = logits(*rig.model, rig.golden);
  const auto refused = [&](const TensorMap& tensors, const std::string& name) {
    try {
      rig.method->load_adapter(tensors, "file");
      ADD_FAILURE() << "accepted a damaged " << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.info().id, "adapter.keys");
      EXPECT_EQ(e.code(), ErrorCode::kInput);
      EXPECT_NE(std::string(e.what()).find(name), std::string::npos) << e.what();
    }
  };
  for (const auto& [name, t] : good) {
    const bool extra = name.find("original_module") != std::string::npos || name.find("modules_to_save") != std::string::npos;
    TensorMap damaged = good;
    damaged.erase(name);
    if (!extra) refused(damaged, name);
    damaged[name + "x"] = t;
    refused(damaged, name + "x");
    damaged = good;
    Shape wrong = t.shape();
    wrong[0] += 1;
    damaged[name] = Tensor::zeros(wrong);
    refused(damaged, name);
    damaged[name] = Tensor(t.shape(), DType::kI32, MemoryClass::kWeights);
    refused(damaged, name);
  }
  EXPECT_EQ(largest_difference(logits(*rig.model, rig.golden), before), 0);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenAdapter, ::testing::ValuesIn(golden_adapters()), [](const auto& tested) { return tested.param; });

/// golden_counts.json: every configuration of an architecture and task that exists here.
TEST(Counts, EqualPeftToTheDigit) {
  size_t compared = 0;
  const Json counts = read_json(golden_folder() / "golden_counts.json")["counts"];
  for (const auto& [name, c] : counts.items()) {
    const auto method_name = c["method"].get<std::string>();
    const auto shape = c["shape"].get<std::string>();
    const bool known = method_name == "full" || method_name == "lora";
    if (!known || c["settings"].contains("use_dora")) continue;
    const auto task = c["task"].get<std::string>();
    const HeadKind head = task == "seq_cls"     ? HeadKind::kSequenceClassification
                          : task == "token_cls" ? HeadKind::kTokenClassification
                          : task == "causal_lm" ? HeadKind::kCausalLm
                                                : HeadKind::kQuestionAnswering;
    const fs::path file = golden_folder() / "shapes" / shape / "config.json";
    const auto model = make_model(ModelConfig{read_json(file), file.string()}, head, c["num_labels"].get<int64_t>());
    PeftSetup s = setup_for(model->info().model_type, method_name, head);
    if (method_name == "lora") s.adapter = lora_config(c["settings"], task_type_of(head));
    const auto method = make_method(std::move(s));
    method->apply(*model);
    EXPECT_EQ(method->counts().line(), c["line"].get<std::string>()) << name;
    EXPECT_EQ(method->counts().trainable, c["trainable"].get<int64_t>()) << name;
    EXPECT_EQ(method->counts().all, c["all"].get<int64_t>()) << name;
    if (c.contains("trainable_tensors")) {
      EXPECT_EQ(method->trainable().size(), c["trainable_tensors"].get<size_t>()) << name;
    }
    for (const auto& np : method->trainable()) EXPECT_FALSE(np.parameter->loaded()) << "counting needs no weights";
    ++compared;
  }
  EXPECT_EQ(compared, 28u);
}

/// The figures of a published tutorial: adapter and head apart (conventions, section 1).
TEST(Counts, SplitIntoAdapterAndHead) {
  const fs::path file = golden_folder() / "shapes/distilbert/config.json";
  const auto model = make_model(ModelConfig{read_json(file), file.string()}, HeadKind::kSequenceClassification, 2);
  PeftSetup s = setup_for("distilbert", "lora");
  s.adapter = lora_config({{"r", 4}, {"target_modules", {"q_lin"}}});
  const auto method = make_method(std::move(s));
  method->apply(*model);
  EXPECT_EQ(method->counts().adapter, 36'864);
  EXPECT_EQ(method->counts().head, 592'130);
  EXPECT_EQ(method->counts().split(), "adapter 36,864 + head 592,130 = 628,994 trainable");
  EXPECT_EQ(with_thousands(-1234), "-1,234");
  EXPECT_EQ(with_thousands(-123), "-123");
  EXPECT_EQ(with_thousands(0), "0");
}

}  // namespace
}  // namespace attune
