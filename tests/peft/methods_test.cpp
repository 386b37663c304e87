// What each method trains, how new adapters start, and which requests are refused.
#include <gtest/gtest.h>

#include <cmath>

#include "peft/targets.h"
#include "support/peft_rig.h"

namespace attune {
namespace {

using namespace testing;

struct Applied {
  Applied(const std::string& base, PeftSetup s) : model(empty_model(base)), method(make_method(std::move(s))) { method->apply(*model); }
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& np : method->trainable()) all.insert(np.name);
    return all;
  }
  std::unique_ptr<Model> model;
  std::unique_ptr<PeftMethod> method;
};

PeftSetup with(const std::string& method, const std::function<void(PeftConfig&)>& change = {}) {
  PeftSetup s = setup_for("bert", method);
  if (change) change(s.adapter.options);
  return s;
}

/// "id: text" of the error that applying ends in.
std::string refusal(PeftSetup s, const std::string& base = "bert") {
  try {
    Applied(base, std::move(s));
  } catch (const Error& e) {
    return e.info().id + ": " + e.what();
  }
  return "";
}

TEST(Methods, FullTrainsEverythingButWhatIsFrozen) {
  const Applied all("bert", with("full"));
  EXPECT_EQ(all.names().size(), named_parameters(*all.model).size());
  EXPECT_EQ(all.method->counts().trainable, all.method->counts().all);
  EXPECT_EQ(all.method->counts().adapter, 0);
  const Applied some("bert", with("full", [](PeftConfig& c) {
                       c.freeze_layers = {-1};
                       c.freeze_first_layers = 1;
                       c.freeze_embeddings = true;
                     }));
  for (const auto& name : some.names()) {
    EXPECT_EQ(name.find("embeddings"), std::string::npos);
    if (name.find("encoder.layer") != std::string::npos) {
      EXPECT_NE(name.find("layer.1."), std::string::npos) << name;
    }
  }
  EXPECT_TRUE(some.names().contains("bert.pooler.dense.weight"));
}

TEST(Methods, FreezeAloneAndNoneTrainTheHead) {
  const std::set<std::string> head{"classifier.weight", "classifier.bias"};
  EXPECT_EQ(Applied("bert", with("freeze")).names(), head);
  EXPECT_EQ(Applied("bert", with("none")).names(), head);
  EXPECT_TRUE(
      Applied("bert", with("freeze", [](PeftConfig& c) { c.freeze_first_layers = 2; })).names().contains("bert.embeddings.LayerNorm.bias"));
  for (const int64_t n : {3, -4})
    EXPECT_NE(refusal(with("freeze", [&](PeftConfig& c) { c.freeze_layers = {n}; })).find("peft.layer"), std::string::npos);
  EXPECT_NE(refusal(with("full", [](PeftConfig& c) { c.freeze_first_layers = 4; })).find("peft.layer"), std::string::npos);
}

TEST(Methods, BitFitTrainsBiasesAndTheHead) {
  const auto golden = read_json(golden_folder() / "curves/bert_bitfit/curve.json")["trainable"].get<std::set<std::string>>();
  EXPECT_EQ(Applied("bert", with("bitfit")).names(), golden);
}

TEST(Methods, PartsTheBaseLacksAreTrained) {
  PeftSetup s = with("none");
  s.newly_initialized = {"bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias"};
  EXPECT_EQ(Applied("bert", std::move(s)).names().size(), 4u);
}

/// formats 6.9: a random pooler would be lost with the adapter, so it goes into modules_to_save; nothing else can be repaired.
TEST(Methods, LoraSavesARandomPoolerAndRefusesOtherHoles) {
  PeftSetup s = with("lora");
  s.newly_initialized = {"bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias"};
  const PeftSetup copy = s;
  const Applied a("bert", std::move(s));
  EXPECT_TRUE(a.names().contains("bert.pooler.dense.weight"));
  EXPECT_EQ(a.method->adapter_json()["modules_to_save"], Json({"classifier", "pooler", "score"}));
  EXPECT_EQ(a.method->notes().size(), 1u);

  PeftSetup loaded = copy;
  loaded.loaded = true;
  EXPECT_NE(refusal(std::move(loaded)).find("peft.random_base"), std::string::npos);
  PeftSetup hole = copy;
  hole.newly_initialized.push_back("bert.encoder.layer.1.output.dense.weight");
  const std::string text = refusal(std::move(hole));
  EXPECT_NE(text.find("peft.random_base"), std::string::npos);
  EXPECT_NE(text.find("layer.1.output.dense.weight"), std::string::npos) << text;
}

TEST(Methods, UnknownMethodSuggestsOne) {
  const std::string text = refusal(with("lroa"));
  EXPECT_NE(text.find("peft.method"), std::string::npos);
  EXPECT_NE(text.find("did you mean 'lora'"), std::string::npos) << text;
}

TEST(Methods, LoraRefusesWhatItCannotDo) {
  for (const char* init : {"pissa", "pissa_niter_16", "olora", "loftq", "eva", "orthogonal", "nonsense"}) {
    const std::string text = refusal(with("lora", [&](PeftConfig& c) { c.init_lora_weights = init; }));
    EXPECT_NE(text.find("peft.init_lora_weights"), std::string::npos) << init;
    EXPECT_NE(text.find(init), std::string::npos) << init;
  }
  EXPECT_NE(refusal(with("lora", [](PeftConfig& c) { c.modules_to_save = {"polar"}; })).find("peft.modules_to_save"), std::string::npos);
  EXPECT_NE(refusal(with("lora", [](PeftConfig& c) { c.rank_pattern = {{"(", 2}}; })).find("peft.regex"), std::string::npos);
}

TEST(Methods, StartingValuesOfLora) {
  const auto start = [](const char* init, uint64_t seed) {
    PeftSetup s = with("lora", [&](PeftConfig& c) {
      c.init_lora_weights = init;
      c.r = 16;
    });
    auto a = std::make_unique<Applied>("bert", std::move(s));
    a->method->initialize(seed);
    return a;
  };
  const auto moments = [](const Applied& a, const std::string& part) {
    double sum = 0, squares = 0, most = 0, n = 0;
    for (const auto& np : a.method->trainable())
      if (np.name.find(part) != std::string::npos)
        for (const float x : np.parameter->var.data.span()) {
          sum += static_cast<double>(x);
          squares += static_cast<double>(x) * static_cast<double>(x);
          most = std::max(most, std::abs(static_cast<double>(x)));
          ++n;
        }
    return std::array<double, 3>{sum / n, std::sqrt(squares / n), most};
  };
  const double bound = 1 / std::sqrt(32.0);  // hidden size 32
  const auto plain = start("true", 1);
  EXPECT_NEAR(moments(*plain, "lora_A")[1], bound / std::sqrt(3.0), 0.004);
  EXPECT_NEAR(moments(*plain, "lora_A")[0], 0, 0.01);
  EXPECT_LE(moments(*plain, "lora_A")[2], bound);
  EXPECT_EQ(moments(*plain, "lora_B")[2], 0);
  const auto both = start("false", 1);
  EXPECT_NEAR(moments(*both, "lora_B")[1], 0.25 / std::sqrt(3.0), 0.006);  // 1 / sqrt(16)
  const auto gaussian = start("gaussian", 1);
  EXPECT_NEAR(moments(*gaussian, "lora_A")[1], 1.0 / 16, 0.004);
  EXPECT_GT(moments(*gaussian, "lora_A")[2], 2.5 / 16);
  EXPECT_EQ(moments(*gaussian, "lora_B")[2], 0);

  const auto& first = plain->method->trainable()[0].parameter->var.data;
  EXPECT_EQ(largest_difference(first.span(), start("true", 1)->method->trainable()[0].parameter->var.data.span()), 0);
  EXPECT_GT(largest_difference(first.span(), start("true", 2)->method->trainable()[0].parameter->var.data.span()), 0.01);
}

/// Spellings of real files: no prefix, adapter names from a state_dict, biases with and without base_layer.
TEST(AdapterKeys, OtherSpellingsAreRead) {
  for (const std::string adapter : {"bert_plain", "bert_bias_lora_only", "distilbert_bias_all"}) {
    AdapterRig rig(adapter);
    TensorMap other;
    for (const auto& [name, t] : rig.file.read_all()) {
      std::string key = name;
      const auto replace = [&](const std::string& a, const std::string& b) {
        if (const size_t at = key.find(a); at != std::string::npos) key.replace(at, a.size(), b);
      };
      if (key.find("original_module") == std::string::npos && key.find("modules_to_save") == std::string::npos) {
        replace("model.classifier.", "model.classifier.modules_to_save.default.");
        replace("model.pre_classifier.", "model.pre_classifier.modules_to_save.default.");
      }
      replace("base_model.model.", "");
      replace("lora_A.weight", "lora_A.default.weight");
      replace("lora_B.weight", "lora_B.default.weight");
      replace(".base_layer.bias", ".bias");
      EXPECT_NE(key, name);
      other[key] = t;
    }
    rig.method->load_adapter(other, "file");
    const TensorMap good = rig.file.read_all();
    for (const auto& np : rig.method->trainable()) {
      std::string key = "base_model.model." + np.name;
      if (!good.contains(key)) key.insert(key.size() - 5, ".base_layer");  // before ".bias"
      EXPECT_EQ(largest_difference(np.parameter->var.data.span(), good.at(key).span()), 0) << np.name;
    }
  }
}

TEST(AdapterKeys, TwoNamesForOneTensorAreRefused) {
  AdapterRig rig("bert_plain");
  TensorMap tensors = rig.file.read_all();
  const std::string name = "base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.";
  tensors[name + "other.weight"] = tensors.at(name + "weight");
  try {
    rig.method->load_adapter(tensors, "file");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("name the same tensor"), std::string::npos) << e.what();
  }
}

TEST(AdapterKeys, LoadedTensorsAreCopies) {
  AdapterRig rig("bert_plain", false);
  const TensorMap tensors = rig.file.read_all();
  rig.method->load_adapter(tensors, "file");
  const NamedParameter& np = rig.method->trainable()[0];
  const Tensor& stored = tensors.at("base_model.model." + np.name);
  const float before = stored.f32()[0];
  np.parameter->var.data.f32()[0] += 1;
  EXPECT_EQ(stored.f32()[0], before);
  EXPECT_TRUE(np.parameter->var.wants_grad());
}

TEST(Merge, RefusesNumbersThatAreNotFinite) {
  const Context context{&cpu_kernels(), 1, nullptr, false};
  for (const float bad : {NAN, INFINITY}) {
    AdapterRig rig("bert_plain");
    TensorMap tensors = rig.file.read_all();
    Tensor& b = tensors.at("base_model.model.bert.encoder.layer.1.attention.self.value.lora_B.weight");
    b = b.clone();
    b.f32()[5] = bad;
    rig.method->load_adapter(tensors, "file");
    try {
      rig.method->merged(context);
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_EQ(e.info().id, "peft.merge_not_finite");
      EXPECT_EQ(e.code(), ErrorCode::kNumerical);
      EXPECT_NE(std::string(e.what()).find("layer.1.attention.self.value.weight"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace attune
