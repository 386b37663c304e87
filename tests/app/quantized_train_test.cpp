// The recipe on quantised bases and with 8-bit products: resume, the self-check's verdicts, what the reported numbers belong to.
#include <gtest/gtest.h>

#include "app/evaluate.h"
#include "app/train.h"
#include "app/train_rig.h"
#include "io/checkpoint.h"
#include "io/safetensors.h"

namespace attune {
namespace {

struct Cell {
  StoredForm form;
  bool double_quant;
  Compute compute;
  Resident resident = Resident::kInt8;
  std::string name() const {
    return std::string(name_of(form)) + (double_quant ? "_double" : "") + (compute == Compute::kInt8 ? "_int8" : "_f32") +
           (resident == Resident::k4Bit ? "_4bit" : "");
  }
};
constexpr Cell kCells[] = {{StoredForm::kNf4, true, Compute::kF32},
                           {StoredForm::kNf4, false, Compute::kInt8},
                           {StoredForm::kNf4, true, Compute::kInt8, Resident::k4Bit},
                           {StoredForm::kInt8, false, Compute::kF32},
                           {StoredForm::kInt8, false, Compute::kInt8},
                           {StoredForm::kPlain, false, Compute::kInt8}};

class QuantizedTrain : public TrainRig {
 protected:
  RunConfig quantized(const Cell& cell, const std::string& output) const {
    RunConfig c = config("lora", output);
    c.quantization.type = cell.form;
    c.quantization.double_quant = cell.double_quant;
    c.quantization.resident = cell.resident;
    c.compute = cell.compute;
    return c;
  }
  /// A run that is cut at each of `steps` and resumed ends as the one that was not.
  void expect_resumes(const RunConfig& straight, const std::vector<int64_t>& steps, const std::string& what) {
    const TrainResult want = train(straight);
    std::vector<std::string> files = {"adapter_model.safetensors", "predictions.jsonl", "validation_predictions.jsonl",
                                      "checkpoint-20/optimizer.safetensors"};
    if (straight.compute == Compute::kInt8) files.push_back("int8_check.json");
    for (const int64_t step : steps) {
      RunConfig cut = straight;
      cut.output_dir += "_cut" + std::to_string(step);
      const std::string name = "checkpoint-" + std::to_string(step);
      fs::create_directories(cut.output_dir);
      fs::copy(fs::path(straight.output_dir) / name, fs::path(cut.output_dir) / name, fs::copy_options::recursive);
      cut.resume = true;
      const TrainResult got = train(cut);
      for (const std::string& f : files)
        EXPECT_EQ(sha256_file(fs::path(cut.output_dir) / f), sha256_file(fs::path(straight.output_dir) / f))
            << f << " from " << name << ", " << what;
      for (const char* key : {"eval_loss", "test_loss", "test_accuracy", "eval_loss_on_f32_base", "test_loss_on_f32_base"})
        EXPECT_EQ(got.results[key], want.results[key]) << key << ", " << what;
    }
  }
  Json verdicts(const RunConfig& c) const {
    const fs::path file = fs::path(c.output_dir) / "int8_check.json";
    return read_json(file);
  }
  Json evaluated(const RunConfig& c) const {
    EvaluateOptions o;
    o.model = c.output_dir;
    o.file = c.data.test;
    o.threads = 1;
    return evaluate(o);
  }
};

TEST_F(QuantizedTrain, ResumedRunsEndInTheSameFiles) {
  for (const Cell& cell : kCells) expect_resumes(quantized(cell, cell.name()), {5, 20}, cell.name());
}

TEST_F(QuantizedTrain, GoesOnFromAnAdapterAndResumes) {
  train(config("lora", "start"));
  for (const Cell& cell : {kCells[1], kCells[3], kCells[4]}) {
    RunConfig c = quantized(cell, "on_" + cell.name());
    c.peft = {};
    c.peft.init_from = (root_ / "start").string();
    expect_resumes(c, {10}, cell.name() + " from an adapter");
    EXPECT_NE(sha256_file(fs::path(c.output_dir) / "adapter_model.safetensors"), sha256_file(root_ / "start/adapter_model.safetensors"));
  }
}

TEST_F(QuantizedTrain, ReportsWhatTheAdapterGivesOnTheF32Base) {
  for (const Cell& cell : kCells) {
    const RunConfig c = quantized(cell, cell.name());
    const TrainResult r = train(c);
    EXPECT_EQ(r.results["base_storage"], Json(name_of(cell.form)));
    EXPECT_EQ(r.results["compute"], Json(cell.compute == Compute::kInt8 ? "int8" : "f32"));
    EXPECT_NEAR(evaluated(c)["loss"].get<double>(), r.results["test_loss_on_f32_base"].get<double>(), 1e-6) << cell.name();
    EXPECT_NE(r.results["test_loss_on_f32_base"], r.results["test_loss"]) << cell.name();
    EXPECT_TRUE(r.results.contains("eval_accuracy_on_f32_base") && r.results.contains("test_accuracy_on_f32_base"));
    EXPECT_EQ(file_exists(fs::path(c.output_dir) / "int8_check.json"), cell.compute == Compute::kInt8) << cell.name();
  }
}

/// The whole model that bitfit saves is an F32 one, so that is what the results must speak of.
TEST_F(QuantizedTrain, ReportsASavedModelInF32Too) {
  for (const char* method : {"bitfit", "none"}) {
    RunConfig c = config(method, method);
    c.compute = Compute::kInt8;
    const TrainResult r = train(c);
    EXPECT_TRUE(file_exists(fs::path(c.output_dir) / "model.safetensors"));
    EXPECT_NEAR(evaluated(c)["loss"].get<double>(), r.results["test_loss_on_f32_base"].get<double>(), 1e-6) << method;
    EXPECT_NE(r.results["test_loss_on_f32_base"], r.results["test_loss"]) << method;
  }
}

TEST_F(QuantizedTrain, WritesItsVerdicts) {
  RunConfig c = quantized(kCells[1], "healthy");
  const TrainResult r = train(c);
  const Json healthy = verdicts(c);
  EXPECT_TRUE(healthy["two_terms"].empty() && healthy["f32"].empty()) << healthy.dump();
  EXPECT_EQ(healthy["layers"].size(), 6u);
  for (const auto& [name, l] : healthy["layers"].items()) {
    EXPECT_GT(l["cosine"].get<double>(), 0.99) << name;
    EXPECT_EQ(l["cosine"], l["first_cosine"]);
  }
  EXPECT_GT(r.results["int8_least_cosine"].get<double>(), 0.99);

  // One channel inside block 1 is large for every token and weighs much: what 8 bits leave of the others is nothing, smoothed or not.
  const fs::path model = root_ / "model";
  fs::copy(c.model, model, fs::copy_options::recursive);
  TensorMap tensors = SafetensorsFile(model / "model.safetensors").read_all();
  Tensor w = tensors.at("bert.encoder.layer.1.output.dense.weight").clone(),
         bias = tensors.at("bert.encoder.layer.1.intermediate.dense.bias").clone();
  for (float& x : w.span()) x *= 20.0f;
  for (int64_t n = 0; n < w.rows(); ++n) w.f32()[n * w.cols()] = 100.0f;
  bias.f32()[0] = 1000.0f;
  tensors["bert.encoder.layer.1.output.dense.weight"] = w;
  tensors["bert.encoder.layer.1.intermediate.dense.bias"] = bias;
  fs::remove(model / "model.safetensors");
  write_file_atomically(model / "model.safetensors", [&](OutputFile& out) { write_safetensors(out, tensors); });
  c = quantized(kCells[5], "spoilt");
  c.model = model.string();
  const TrainResult spoilt = train(c);
  const Json found = verdicts(c);
  EXPECT_FALSE(found["f32"].empty()) << found.dump();
  EXPECT_GE(spoilt.results["int8_least_cosine"].get<double>(), 0.99);
  c.output_dir += "_again";
  expect_resumes(c, {10}, "with fallen layers");
}

TEST_F(QuantizedTrain, SkipModulesMustNameSomething) {
  RunConfig c = quantized(kCells[0], "run");
  c.quantization.skip_modules = {"qeury"};
  EXPECT_EQ(id_of([&] { train(c); }), "quantization.skip_modules");
  c.overwrite = true;
  c.quantization.skip_modules = {"classifier", "query", "layer.2"};
  EXPECT_EQ(id_of([&] { train(c); }), "none");
}

}  // namespace
}  // namespace attune
