#include "nn/quantization.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/suggest.h"

namespace attune {

void QuantizationConfig::fields(FieldList& f) {
  f.add_enum("type", type, {{"none", StoredForm::kPlain}, {"int8", StoredForm::kInt8}, {"nf4", StoredForm::kNf4}},
             {.help = "how the frozen base is stored: int8 (LLM.int8's weights) or nf4 (QLoRA)", .aliases = {"quantization"}});
  f.add("double_quant", double_quant,
        {.help = "nf4: quantise the block scales too", .aliases = {"bnb_4bit_use_double_quant", "double_quantization"}});
  f.add_enum("resident", resident, {{"int8", Resident::kInt8}, {"4bit", Resident::k4Bit}},
             {.help = "nf4 with 8-bit products: expanded once to int8 (fast) or for each product (small)"});
  f.add("quantize_embeddings", quantize_embeddings, {.help = "embedding tables at 8 bits too"});
  f.add("skip_modules", skip_modules,
        {.help = "modules that stay as they are, beside heads and poolers", .aliases = {"llm_int8_skip_modules"}, .value = "a,b"});
  f.add("load_in_8bit", load_in_8bit, {.help = "as type: int8", .hidden = true});
  f.add("load_in_4bit", load_in_4bit, {.help = "as type: nf4", .hidden = true});
  f.add("bnb_4bit_quant_type", bnb_4bit_quant_type, {.help = "nf4", .choices = {"", "nf4"}, .hidden = true});
  f.add("quantization_bit", quantization_bit, {.help = "8 or 4, as type: int8 or nf4", .hidden = true});
}

std::vector<std::string> QuantizationConfig::settle() {
  std::vector<std::string> problems;
  const auto mean = [&](const char* spelling, StoredForm form) {
    if (type != StoredForm::kPlain && type != form)
      problems.push_back(std::string("quantization: ") + spelling + " contradicts type: " + name_of(type));
    type = form;
  };
  if (load_in_8bit) mean("load_in_8bit", StoredForm::kInt8);
  if (load_in_4bit) mean("load_in_4bit", StoredForm::kNf4);
  if (quantization_bit) {
    if (*quantization_bit == 8 || *quantization_bit == 4)
      mean("quantization_bit", *quantization_bit == 8 ? StoredForm::kInt8 : StoredForm::kNf4);
    else
      problems.push_back("quantization.quantization_bit: expected 8 or 4, got " + std::to_string(*quantization_bit));
  }
  if (!bnb_4bit_quant_type.empty() && type != StoredForm::kNf4) problems.push_back("quantization.bnb_4bit_quant_type needs load_in_4bit");
  load_in_8bit = load_in_4bit = false;
  bnb_4bit_quant_type.clear();
  quantization_bit.reset();
  if (quantize_embeddings && type == StoredForm::kPlain) problems.push_back("quantization.quantize_embeddings needs a type");
  if (double_quant && type != StoredForm::kNf4) problems.push_back("quantization.double_quant needs type: nf4");
  if (resident == Resident::k4Bit && type != StoredForm::kNf4) problems.push_back("quantization.resident: 4bit needs type: nf4");
  return problems;
}

QuantizationConfig QuantizationConfig::asked(HoldBase form) {
  QuantizationConfig q;
  q.given = form != HoldBase::kAuto;
  if (form == HoldBase::kInt8) q.type = StoredForm::kInt8;
  if (form == HoldBase::kNf4) q.type = StoredForm::kNf4;
  return q;
}

const char* name_of(StoredForm form) {
  switch (form) {
    case StoredForm::kPlain:
      return "none";
    case StoredForm::kInt8:
      return "int8";
    case StoredForm::kNf4:
      return "nf4";
  }
  return "";
}

std::string describe(StoredForm form, bool double_quant) {
  switch (form) {
    case StoredForm::kPlain: return "f32";
    case StoredForm::kInt8: return "int8 (LLM.int8 weights)";
    case StoredForm::kNf4: return double_quant ? "nf4 (QLoRA), double quantisation" : "nf4 (QLoRA)";
  }
  return "";
}

namespace {

/// The path is `name`, ends in it, or lies inside it.
bool named(const std::string& path, const std::string& name) { return ("." + path + ".").find("." + name + ".") != std::string::npos; }
bool is_skipped(const Module& m, const std::vector<std::string>& skip) {
  return std::any_of(skip.begin(), skip.end(), [&](const std::string& name) { return named(m.path(), name); });
}

}  // namespace

std::vector<Linear*> frozen_linears(Model& model, const std::vector<std::string>& skip) {
  std::vector<Linear*> found;
  for_each_module(model.backbone(), [&](Module& m) {
    if (m.kind() != ModuleKind::kLinear || named(m.path(), "pooler") || is_skipped(m, skip)) return;
    auto& layer = static_cast<Linear&>(m);
    if (!layer.weight.f32.trainable) found.push_back(&layer);
  });
  return found;
}

std::vector<Embedding*> frozen_embeddings(Model& model, const std::vector<std::string>& skip) {
  std::vector<Embedding*> found;
  for_each_module(model.backbone(), [&](Module& m) {
    if (m.kind() != ModuleKind::kEmbedding || is_skipped(m, skip)) return;
    auto& table = static_cast<Embedding&>(m);
    if (!table.weight.trainable) found.push_back(&table);
  });
  return found;
}

void check_skip_modules(Model& model, const std::vector<std::string>& skip) {
  std::vector<std::string> paths, known;
  for_each_module(model, [&](Module& m) {
    if (m.kind() != ModuleKind::kLinear) return;
    paths.push_back(m.path());
    std::string last = m.path().substr(m.path().find_last_of('.') + 1);
    if (std::find(known.begin(), known.end(), last) == known.end()) known.push_back(std::move(last));
  });
  Problems unknown;
  for (const auto& name : skip)
    if (std::none_of(paths.begin(), paths.end(), [&](const auto& path) { return named(path, name); }))
      unknown.add("'" + name + "': " + suggestion(name, known));
  if (!unknown.empty())
    fail(ErrorCode::kUsage, {.id = "quantization.skip_modules",
                             .where = "quantization.skip_modules",
                             .what = std::to_string(unknown.count()) + " name(s) match no linear layer of this model" + unknown.list(),
                             .hint = "a name is the end of a module's path, or a part of it such as layer.0"});
}

namespace {

/// max|W_k| of every input channel.
Tensor channel_magnitudes(const Weight& w, int threads) {
  const Tensor values = w.values(threads);
  Tensor most = Tensor::zeros({w.in});
  for (int64_t n = 0; n < w.out; ++n) {
    const float* row = values.f32() + n * w.in;
    float* to = most.f32();
    for (int64_t k = 0; k < w.in; ++k) to[k] = std::max(to[k], std::fabs(row[k]));
  }
  return most;
}

bool same_input(const Tensor& a, const Tensor& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), static_cast<size_t>(a.bytes())) == 0;
}

Smoothing smoothing_of(const Tensor& x, const Tensor& w) {
  Smoothing s{Tensor(x.shape(), DType::kF32, MemoryClass::kQuantized), Tensor(x.shape(), DType::kF32, MemoryClass::kQuantized)};
  for (int64_t k = 0; k < x.size(); ++k) {
    const float ratio = w.f32()[k] > 0 && x.f32()[k] > 0 ? std::sqrt(x.f32()[k] / w.f32()[k]) : 1.0f;
    const float scale = std::isfinite(ratio) ? std::clamp(ratio, 1e-4f, 1e4f) : 1.0f;
    s.scale.f32()[k] = scale;
    s.inverse.f32()[k] = 1.0f / scale;
  }
  return s;
}

}  // namespace

std::vector<Smoothing> calibrate(const std::vector<Linear*>& layers, int threads, const std::function<void()>& forward) {
  std::vector<Tensor> inputs, weights;
  for (Linear* l : layers) inputs.push_back(Tensor::zeros({l->in()}));
  for (size_t i = 0; i < layers.size(); ++i) layers[i]->weight.observed = &inputs[i];
  forward();
  for (Linear* l : layers) l->weight.observed = nullptr;

  for (const Linear* l : layers) weights.push_back(channel_magnitudes(l->weight, threads));
  std::vector<Smoothing> result(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!result[i].scale.empty()) continue;
    std::vector<size_t> sharing;
    for (size_t j = i; j < layers.size(); ++j)
      if (same_input(inputs[i], inputs[j])) sharing.push_back(j);
    Tensor most = weights[i].clone();
    for (const size_t j : sharing)
      for (int64_t k = 0; k < most.size(); ++k) most.f32()[k] = std::max(most.f32()[k], weights[j].f32()[k]);
    const Smoothing s = smoothing_of(inputs[i], most);
    for (const size_t j : sharing) result[j] = s;
  }
  return result;
}

void infer_in_int8(const std::vector<Linear*>& layers, const Context& ctx) {
  for (Linear* l : layers) {
    Weight& w = l->weight;
    const auto rows = [&w](int64_t begin, int64_t end, float* to) { w.rows(begin, end, to); };
    w.int8 = Int8Pair{pack_int8_forward(w.out, w.in, rows, {}, ctx.kernels->int8_limit, ctx.threads), {}};
    w.int8_limit = ctx.kernels->int8_limit;
    w.f32.var.data = Tensor();
    w.codes = std::monostate();
  }
}

void compute_in_int8(const std::vector<Linear*>& layers, const std::vector<Smoothing>& smoothing, Resident resident, const Context& ctx) {
  for (size_t i = 0; i < layers.size(); ++i) {
    Weight& w = layers[i]->weight;
    // Codes at 8 bits are taken over as they are; smoothed they would be rounded a second time.
    const bool as_they_are = smoothing.empty() || std::holds_alternative<Int8Matrix>(w.codes);
    use_int8(w, as_they_are ? Smoothing{} : smoothing[i], ctx.kernels->int8_limit, resident == Resident::kInt8, ctx.threads);
  }
}

}  // namespace attune
