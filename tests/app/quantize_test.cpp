// Folders stored in few bits: written, read again, trained on, merged onto; and 8-bit products of models that only answer.
#include "app/quantize.h"

#include <gtest/gtest.h>

#include "app/int8_run.h"
#include "app/merge.h"
#include "app/train.h"
#include "app/train_rig.h"
#include "support/golden_model.h"
#include "train/evaluation.h"

namespace attune {
namespace {

using testing::golden_folder;
using testing::largest_difference;

/// Sums of products in another order, over a few layers of a tiny model (tests/interop has the same limits).
constexpr double kLogits = 1e-4, kMerged = 3e-4;

class Quantize : public TrainRig {
 protected:
  std::string path(const std::string& name) const { return (root_ / name).string(); }
  static std::string golden(const std::string& name) { return (golden_folder() / "models" / name).string(); }

  /// What the model says of the built-in sentences.
  static Tensor logits(const LoadedModel& m) {
    return outputs_of(make_context(1), *m.model, encode_rows(m, rows_to_compare(RowKind::kText, "", {}, {}, 64).rows))->logits;
  }
  QuantizeResult make(const std::string& model, const std::string& output, StoredForm type, bool double_quant = false) const {
    QuantizeOptions o;
    o.model = model;
    o.output_dir = path(output);
    o.type = type;
    o.double_quant = double_quant;
    o.threads = 1;
    return quantize(o);
  }
  static BaseStorage storage(StoredForm type, bool double_quant = false) {
    BaseStorage s;
    s.quantization.type = type;
    s.quantization.double_quant = double_quant;
    return s;
  }
  /// A short LoRA run.
  RunConfig config(const std::string& model, const std::string& output) const {
    RunConfig c = TrainRig::config("lora", output);
    c.model = model;
    c.data.validation = c.data.test = "";
    c.peft.lora_dropout = 0;
    c.training.num_train_epochs = 4;
    c.training.learning_rate = 1e-2;
    c.training.save_strategy = Interval::kNo;
    c.compute = Compute::kF32;
    return c;
  }
  MergeResult merge_onto(const std::string& adapter, const std::string& output, MergeOnto onto) const {
    MergeOptions o;
    o.adapter = path(adapter);
    o.output_dir = path(output);
    o.onto = onto;
    o.threads = 1;
    return merge(o);
  }
};

TEST_F(Quantize, AFolderIsWhatQuantisingAtLoadGives) {
  int n = 0;
  for (const char* model : {"bert", "bert_odd", "distilbert"})
    for (const auto& [type, nested] : {std::pair{StoredForm::kNf4, false}, {StoredForm::kNf4, true}, {StoredForm::kInt8, false}}) {
      SCOPED_TRACE(std::string(model) + " " + name_of(type) + (nested ? " nested" : ""));
      const std::string output = std::to_string(n++);
      const QuantizeResult r = make(golden(model), output, type, nested);
      const LoadedModel stored = load_for_use(open_model(path(output)));
      const LoadedModel made = load_for_use(open_model(golden(model)), false, storage(type, nested));
      const LoadedModel plain = load_for_use(open_model(golden(model)));
      EXPECT_EQ(largest_difference(logits(stored).span(), logits(made).span()), 0);
      ASSERT_TRUE(r.compared);
      EXPECT_EQ(r.compared->rows, 8);
      EXPECT_EQ(largest_difference(logits(stored).span(), logits(plain).span()), r.compared->max_difference);
      EXPECT_GT(r.compared->max_difference, 1e-4);
      EXPECT_GT(r.weight_error, type == StoredForm::kInt8 ? 1e-3 : 1e-2);
      EXPECT_LT(r.weight_error, type == StoredForm::kInt8 ? 0.02 : 0.15);
      EXPECT_LE(r.weight_error, r.worst_error);
      EXPECT_LT(r.bytes_after, r.bytes_before);
      const auto layers = frozen_linears(*stored.model, {});
      EXPECT_EQ(static_cast<int64_t>(layers.size()), r.layers);
      for (const Linear* l : layers) EXPECT_EQ(l->weight.form(), type);
    }
}

TEST_F(Quantize, CodesOfOurFoldersAreMappedAndOthersCopied) {
  make(golden("bert"), "q", StoredForm::kNf4);
  const auto quantized_bytes = [] { return Allocator::global().ledger().now[static_cast<size_t>(MemoryClass::kQuantized)]; };
  const int64_t before = quantized_bytes();
  {
    const LoadedModel mapped = load_for_use(open_model(path("q")));
    EXPECT_EQ(quantized_bytes(), before);  // the ledger counts what was copied
  }
  fs::remove(path("q") + "/manifest.json");
  const LoadedModel copied = load_for_use(open_model(path("q")));
  EXPECT_GT(quantized_bytes(), before);
}

TEST_F(Quantize, ModelsOfBitsandbytesAreRead) {
  for (const auto& [name, type] : {std::pair{"bert_nf4", StoredForm::kNf4}, {"bert_int8", StoredForm::kInt8}}) {
    SCOPED_TRACE(name);
    const fs::path folder = golden_folder() / "quantized_models" / name;
    const Json expected = read_json(folder / "golden.json");
    const LoadedModel m = load_for_use(open_model(folder.string()));
    EXPECT_EQ(m.opened.stored.type, type);
    EXPECT_EQ(m.opened.stored.double_quant, type == StoredForm::kNf4);
    for (const Linear* l : frozen_linears(*m.model, {})) EXPECT_EQ(l->weight.form(), type);
    std::vector<float> want;
    for (const auto& row : expected["logits"])
      for (const auto& x : row) want.push_back(x.get<float>());
    const Var got = m.model->forward(make_context(1), testing::golden_batch(expected));
    EXPECT_LE(largest_difference(got.data.span(), want), kLogits);
  }
}

TEST_F(Quantize, ABackboneWithoutAHeadKeepsWhatItHolds) {
  const QuantizeResult r = make(golden("bert") + "/variants/bare", "q", StoredForm::kNf4);
  EXPECT_FALSE(r.compared);
  EXPECT_GT(r.weight_error, 0);
  const WeightFiles before(golden("bert") + "/variants/bare"), after(path("q"));
  for (const std::string& name : before.names()) EXPECT_TRUE(after.contains(name)) << name;
  EXPECT_EQ(after.entry("encoder.layer.0.attention.self.query.weight").dtype, "U8");
  EXPECT_EQ(after.entry("pooler.dense.weight").dtype, "F32");
  const Json section = read_json(fs::path(path("q")) / "config.json")["quantization_config"];
  EXPECT_EQ(section["llm_int8_skip_modules"], Json({"pooler.dense", "classifier"}));
}

TEST_F(Quantize, TrainingOnTheFolderIsTrainingWithTheSection) {
  make(golden("bert"), "base", StoredForm::kNf4, true);
  RunConfig at_load = config(golden("bert"), "at_load");
  at_load.quantization.type = StoredForm::kNf4;
  at_load.quantization.double_quant = true;
  const TrainResult a = train(at_load), b = train(config(path("base"), "stored"));
  EXPECT_EQ(sha256_file(a.output_dir / "adapter_model.safetensors"), sha256_file(b.output_dir / "adapter_model.safetensors"));
  EXPECT_EQ(b.results["base_storage"], "nf4");
  EXPECT_EQ(a.results["all_parameters"], b.results["all_parameters"]);
  EXPECT_EQ(read_run_config(b.output_dir / "config.yaml").quantization.type, StoredForm::kNf4);
  // The adapter knows its base again.
  const LoadedModel m = load_for_use(open_model(b.output_dir.string()), true);
  EXPECT_EQ(frozen_linears(*m.model, {})[0]->weight.form(), StoredForm::kNf4);

  RunConfig other = config(path("base"), "other");
  other.quantization.type = StoredForm::kInt8;
  EXPECT_EQ(id_of([&] { train(other); }), "config.conflict");
  RunConfig full = config(path("base"), "full");
  full.peft.method = "full";
  EXPECT_NE(id_of([&] { train(full); }), "none");
}

TEST_F(Quantize, MergeGoesOntoTheBaseItNames) {
  RunConfig c = config(golden("bert"), "run");
  c.quantization.type = StoredForm::kNf4;
  train(c);
  const auto side = [&](const std::string& folder) { return read_json(fs::path(path(folder)) / "attune.json")["merged_onto"]; };
  const MergeResult original = merge_onto("run", "original", MergeOnto::kDefault);
  EXPECT_TRUE(original.passed);
  EXPECT_EQ(original.merged_onto, "original");
  EXPECT_EQ(side("original"), "original");
  const MergeResult dequantized = merge_onto("run", "dequantized", MergeOnto::kDequantized);
  EXPECT_TRUE(dequantized.passed);
  EXPECT_EQ(side("dequantized"), "dequantized nf4");

  const Tensor on_f32 = logits(load_for_use(open_model(path("run"))));
  const Tensor on_nf4 = logits(load_for_use(open_model(path("run")), false, storage(StoredForm::kNf4)));
  EXPECT_GT(largest_difference(on_f32.span(), on_nf4.span()), 10 * kMerged);
  EXPECT_LE(largest_difference(logits(load_for_use(open_model(path("original")))).span(), on_f32.span()), kMerged);
  EXPECT_LE(largest_difference(logits(load_for_use(open_model(path("dequantized")))).span(), on_nf4.span()), kMerged);

  // Merged, then quantised again: the error is reported and the record is kept.
  const QuantizeResult again = make(path("dequantized"), "again", StoredForm::kInt8);
  ASSERT_TRUE(again.compared);
  EXPECT_GT(again.compared->max_difference, 0);
  EXPECT_EQ(side("again"), "dequantized nf4");
}

TEST_F(Quantize, AStoredBaseHasNoOriginal) {
  make(golden("bert"), "base", StoredForm::kInt8);
  train(config(path("base"), "run"));
  const MergeResult r = merge_onto("run", "merged", MergeOnto::kDefault);
  EXPECT_TRUE(r.passed);
  EXPECT_EQ(r.merged_onto, "dequantized int8");
  EXPECT_EQ(id_of([&] { merge_onto("run", "never", MergeOnto::kOriginal); }), "merge.no_original");
  const OpenedModel merged = open_model(path("merged"));
  EXPECT_FALSE(merged.stored.on());
  EXPECT_LE(largest_difference(logits(load_for_use(merged)).span(), logits(load_for_use(open_model(path("run")))).span()), kMerged);
  train(config(golden("bert"), "plain"));
  EXPECT_EQ(id_of([&] { merge_onto("plain", "never", MergeOnto::kDequantized); }), "merge.not_quantized");
}

TEST_F(Quantize, Refusals) {
  EXPECT_EQ(id_of([&] { make((golden_folder() / "adapters/bert_plain").string(), "q", StoredForm::kNf4); }), "quantize.adapter");
  EXPECT_EQ(id_of([&] { make((golden_folder() / "quantized_models/bert_nf4").string(), "q", StoredForm::kNf4); }), "quantize.quantized");
  make(golden("bert"), "q", StoredForm::kNf4);
  EXPECT_EQ(id_of([&] { make(golden("bert"), "q", StoredForm::kInt8); }), "folder.exists");
  Json config = read_json(fs::path(path("q")) / "config.json");
  const auto opened_with = [&](const char* key, const Json& value) {
    Json changed = config;
    changed["quantization_config"][key] = value;
    write_file_atomically(fs::path(path("q")) / "config.json", dump_json(changed));
    return id_of([&] { load_for_use(open_model(path("q"))); });
  };
  EXPECT_EQ(opened_with("quant_method", "gptq"), "config.quantization");
  EXPECT_EQ(opened_with("bnb_4bit_quant_type", "fp4"), "config.quantization");
  EXPECT_EQ(opened_with("load_in_8bit", true), "config.quantization");
  EXPECT_EQ(opened_with("load_in_4bit", "yes"), "json.type");
  config.erase("quantization_config");
  write_file_atomically(fs::path(path("q")) / "config.json", dump_json(config));
  EXPECT_EQ(id_of([&] { load_for_use(open_model(path("q"))); }), "config.quantization");
}

TEST_F(Quantize, EightBitAnswersDoNotDependOnTheBatch) {
  const Context ctx = make_context(1);
  for (const bool stored : {false, true}) {
    if (stored) make(golden("bert"), "q", StoredForm::kNf4);
    LoadedModel m = load_for_use(open_model(stored ? path("q") : golden("bert")));
    const Tensor f32 = logits(m);
    ASSERT_TRUE(infer_in(Compute::kInt8, m, ctx));
    const Tensor together = logits(m);
    EXPECT_GT(largest_difference(together.span(), f32.span()), 0);
    EXPECT_LT(largest_difference(together.span(), f32.span()), 0.2);  // logits of this model reach 5
    EvaluationOptions alone;
    alone.max_sequences = 1;
    const Tensor one_by_one = outputs_of(ctx, *m.model, encode_rows(m, rows_to_compare(RowKind::kText, "", {}, {}, 64).rows), alone)->logits;
    EXPECT_LT(largest_difference(together.span(), one_by_one.span()), 1e-5);  // the head's products are F32, and rounded by number of rows
  }
}

TEST_F(Quantize, AnAdapterAnswersInEightBits) {
  train(config(golden("bert"), "run"));
  LoadedModel m = load_for_use(open_model(path("run")));
  const Tensor f32 = logits(m);
  EXPECT_FALSE(infer_in(Compute::kAuto, m, make_context(1)));  // plain base
  ASSERT_TRUE(infer_in(Compute::kInt8, m, make_context(1)));
  EXPECT_LT(largest_difference(logits(m).span(), f32.span()), 0.2);
}

}  // namespace
}  // namespace attune
