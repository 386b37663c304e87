#include "app/gguf_llama.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <set>

#include "base/error.h"

namespace attune {
namespace {

constexpr int64_t kMostLayers = 4096, kMostWidth = int64_t{1} << 20;

[[noreturn]] void refuse_file(const GgufFile& file, const char* id, const std::string& key, std::string what, std::string expected = "", std::string got = "") {
  fail(ErrorCode::kInput, {.id = id, .where = fmt::format("{}: {}", file.path().string(), key), .what = std::move(what), .expected = std::move(expected), .got = std::move(got)});
}

int64_t needed(const GgufFile& file, const std::string& key, int64_t most) {
  const int64_t v = file.integer(key, -1, 1, most);
  if (v < 0) refuse_file(file, "convert.config", key, "is missing", "an integer of at least 1");
  return v;
}

/// The wavelengths' divisors that Llama 3's scaling gives: {factor s, 1, 4, 8192} as published with Llama 3.1 and 3.2.
std::vector<double> llama3_divisors(double theta, int64_t head_dim, double factor, double original) {
  constexpr double kLow = 1, kHigh = 4;
  std::vector<double> out;
  for (int64_t i = 0; i < head_dim / 2; ++i) {
    const double f = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim)), wave = 2 * std::numbers::pi / f;
    if (wave < original / kHigh) {
      out.push_back(1);
    } else if (wave > original / kLow) {
      out.push_back(factor);
    } else {
      const double t = (original / wave - kLow) / (kHigh - kLow);
      out.push_back(1 / ((1 - t) / factor + t));
    }
  }
  return out;
}

/// rope_freqs.weight: divisors of the frequencies. Only those of Llama 3's scaling have a name in config.json.
void add_divisors(const GgufFile& file, const GgufTensor& tensor, int64_t head_dim, double theta, Json& rope) {
  if (tensor.shape != Shape{head_dim / 2})
    refuse_file(file, "convert.tensors", tensor.name, "has the wrong shape", to_string(Shape{head_dim / 2}), to_string(tensor.shape));
  const Tensor divisors = file.read_f32(tensor);
  const float* d = divisors.f32();
  const int64_t n = divisors.size();
  if (std::all_of(d, d + n, [](float x) { return x == 1.0f; })) return;
  constexpr double kOriginal = 8192;
  const double factor = std::round(static_cast<double>(d[n - 1]) * 1024) / 1024;
  const std::vector<double> known = llama3_divisors(theta, head_dim, factor, kOriginal);
  for (int64_t i = 0; i < n; ++i) {
    if (std::abs(d[i] - known[static_cast<size_t>(i)]) <= 1e-4 * known[static_cast<size_t>(i)]) continue;
    refuse_file(file, "convert.unsupported", tensor.name, "scales the rotary frequencies in a way that config.json has no name for",
                fmt::format("Llama 3's scaling of factor {}: {:.6g} at {}", factor, known[static_cast<size_t>(i)], i), fmt::format("{:.6g}", d[i]));
  }
  rope["rope_type"] = "llama3";
  rope["factor"] = factor;
  rope["low_freq_factor"] = 1.0;
  rope["high_freq_factor"] = 4.0;
  rope["original_max_position_embeddings"] = static_cast<int64_t>(kOriginal);
}

Json rope_parameters(const GgufFile& file, int64_t head_dim) {
  const double theta = file.number("llama.rope.freq_base", 10000);
  if (!(theta > 0)) refuse_file(file, "convert.config", "llama.rope.freq_base", "is no base of frequencies", "above 0", fmt::format("{}", theta));
  Json rope = {{"rope_theta", theta}, {"rope_type", "default"}};
  const std::string type = file.text("llama.rope.scaling.type", "none");
  const double linear = file.number("llama.rope.scale_linear", 1), factor = file.number("llama.rope.scaling.factor", linear);
  const int64_t original = file.integer("llama.rope.scaling.original_context_length", 0);
  if (type == "yarn") {
    rope["rope_type"] = "yarn";
    rope["factor"] = factor;
    if (original > 0) rope["original_max_position_embeddings"] = original;
  } else if (type == "linear" || (type == "none" && linear != 1)) {
    if (factor != 1) {
      rope["rope_type"] = "linear";
      rope["factor"] = factor;
    }
  } else if (type != "none") {
    refuse_file(file, "convert.unsupported", "llama.rope.scaling.type", "is no rotary scaling this program knows", "none, linear or yarn", type);
  }
  if (const GgufTensor* t = file.find("rope_freqs.weight")) {
    if (rope["rope_type"] != "default") refuse_file(file, "convert.unsupported", t->name, "comes together with another rotary scaling");
    add_divisors(file, *t, head_dim, theta, rope);
  }
  return rope;
}

/// The tensors a model of this config has, by their names in the file.
std::vector<std::pair<std::string, LlamaTensor>> expected_tensors(const GgufFile& file, const Json& c) {
  const auto n = [&](const char* key) { return c[key].get<int64_t>(); };
  const int64_t hidden = n("hidden_size"), inner = n("intermediate_size"), heads = n("num_attention_heads"), kv = n("num_key_value_heads"), d = n("head_dim");
  std::vector<std::pair<std::string, LlamaTensor>> out;
  const auto add = [&](const std::string& from, const std::string& to, Shape shape, int64_t permuted = 0) {
    out.push_back({from, {to, std::move(shape), file.find(from), permuted}});
  };
  add("token_embd.weight", "model.embed_tokens.weight", {n("vocab_size"), hidden});
  add("output_norm.weight", "model.norm.weight", {hidden});
  if (!c["tie_word_embeddings"].get<bool>()) add("output.weight", "lm_head.weight", {n("vocab_size"), hidden});
  const bool attention_bias = c["attention_bias"].get<bool>(), mlp_bias = c["mlp_bias"].get<bool>();
  for (int64_t i = 0; i < n("num_hidden_layers"); ++i) {
    const std::string from = fmt::format("blk.{}.", i), to = fmt::format("model.layers.{}.", i);
    const auto linear = [&](const char* a, const char* b, int64_t rows, int64_t columns, int64_t permuted, bool bias) {
      add(from + a + ".weight", to + b + ".weight", {rows, columns}, permuted);
      // Hugging Face has biases on all four attention layers (all three of the feed-forward) or on none.
      if (bias) add(from + a + ".bias", to + b + ".bias", {rows}, permuted);
    };
    add(from + "attn_norm.weight", to + "input_layernorm.weight", {hidden});
    add(from + "ffn_norm.weight", to + "post_attention_layernorm.weight", {hidden});
    linear("attn_q", "self_attn.q_proj", heads * d, hidden, heads, attention_bias);
    linear("attn_k", "self_attn.k_proj", kv * d, hidden, kv, attention_bias);
    linear("attn_v", "self_attn.v_proj", kv * d, hidden, 0, attention_bias);
    linear("attn_output", "self_attn.o_proj", hidden, heads * d, 0, attention_bias);
    linear("ffn_gate", "mlp.gate_proj", inner, hidden, 0, mlp_bias);
    linear("ffn_up", "mlp.up_proj", inner, hidden, 0, mlp_bias);
    linear("ffn_down", "mlp.down_proj", hidden, inner, 0, mlp_bias);
  }
  return out;
}

void check_tensors(const GgufFile& file, const std::vector<std::pair<std::string, LlamaTensor>>& expected) {
  Problems problems;
  std::set<std::string> known{"rope_freqs.weight"};
  for (const auto& [name, e] : expected) {
    known.insert(name);
    if (!e.from) {
      if (!name.ends_with(".bias")) problems.add(fmt::format("{} is missing", name));
    } else if (e.from->shape != e.shape) {
      problems.add(fmt::format("{}: expected {}, got {}", name, to_string(e.shape), to_string(e.from->shape)));
    } else if (!e.from->type->readable) {
      problems.add(fmt::format("{} is stored as {}, which this program does not read ({} it does)", name, e.from->type->name, readable_gguf_types()));
    }
  }
  for (const GgufTensor& t : file.tensors())
    if (!known.contains(t.name)) problems.add(fmt::format("{} {} is no tensor of a llama model", dump_json(Json(t.name)), to_string(t.shape)));
  if (problems.empty()) return;
  fail(ErrorCode::kInput, {.id = "convert.tensors",
                           .where = file.path().string(),
                           .what = fmt::format("the tensors are not those of the model its metadata describes ({} problem{}):{}", problems.count(), problems.count() == 1 ? "" : "s", problems.list())});
}

/// True when some layer has a bias on one of its attention (or feed-forward) layers.
bool any_bias(const GgufFile& file, std::string_view part) {
  return std::any_of(file.tensors().begin(), file.tensors().end(),
                     [&](const GgufTensor& t) { return t.name.starts_with("blk.") && t.name.ends_with(".bias") && t.name.find(part) != std::string::npos; });
}

}  // namespace

Json llama_config(const GgufFile& file, const std::string& dtype) {
  if (file.integer("llama.expert_count", 0) > 0)
    refuse_file(file, "convert.unsupported", "llama.expert_count", "is a mixture of experts, which this program does not have");
  const int64_t hidden = needed(file, "llama.embedding_length", kMostWidth), heads = needed(file, "llama.attention.head_count", kMostWidth);
  const int64_t kv = file.integer("llama.attention.head_count_kv", heads, 1, heads);
  const int64_t head_dim = file.integer("llama.rope.dimension_count", hidden / heads, 2, kMostWidth);
  if (heads % kv != 0)
    refuse_file(file, "convert.config", "llama.attention.head_count_kv", "does not divide the heads", fmt::format("a divisor of {}", heads), std::to_string(kv));
  if (head_dim % 2 != 0) refuse_file(file, "convert.config", "llama.rope.dimension_count", "cannot be rotated", "an even number", std::to_string(head_dim));
  for (const char* key : {"llama.attention.key_length", "llama.attention.value_length"})
    if (file.integer(key, head_dim) != head_dim)
      refuse_file(file, "convert.unsupported", key, "is not the number of rotary dimensions", std::to_string(head_dim), std::to_string(file.integer(key, head_dim)));
  const GgufTensor* embeddings = file.find("token_embd.weight");
  const int64_t rows = embeddings && embeddings->shape.size() == 2 ? embeddings->shape[0] : 0;
  const int64_t vocabulary = file.integer("llama.vocab_size", rows, 1, kMostWidth * 16);
  if (vocabulary != rows) refuse_file(file, "convert.config", "llama.vocab_size", "is not the number of embeddings", std::to_string(rows), std::to_string(vocabulary));

  Json c = {{"architectures", Json::array({"LlamaForCausalLM"})},
            {"attention_bias", any_bias(file, "attn_")},
            {"attention_dropout", 0.0},
            {"dtype", dtype},
            {"head_dim", head_dim},
            {"hidden_act", "silu"},
            {"hidden_size", hidden},
            {"initializer_range", 0.02},
            {"intermediate_size", needed(file, "llama.feed_forward_length", kMostWidth * 4)},
            {"max_position_embeddings", needed(file, "llama.context_length", INT32_MAX)},
            {"mlp_bias", any_bias(file, "ffn_")},
            {"model_type", "llama"},
            {"num_attention_heads", heads},
            {"num_hidden_layers", needed(file, "llama.block_count", kMostLayers)},
            {"num_key_value_heads", kv},
            {"rms_norm_eps", file.number("llama.attention.layer_norm_rms_epsilon", 1e-6)},
            {"rope_parameters", rope_parameters(file, head_dim)},
            {"tie_word_embeddings", file.find("output.weight") == nullptr},
            {"use_cache", true},
            {"vocab_size", vocabulary}};
  c["rope_theta"] = c["rope_parameters"]["rope_theta"];  // where transformers 4 looks for it
  constexpr std::pair<const char*, const char*> kIds[] = {{"bos", "bos_token_id"}, {"eos", "eos_token_id"}, {"padding", "pad_token_id"}};
  for (const auto& [key, name] : kIds) {
    const int64_t id = file.integer(fmt::format("tokenizer.ggml.{}_token_id", key), -1, 0, vocabulary - 1);
    c[name] = id < 0 ? Json() : Json(id);
  }
  return c;
}

Tensor unpermuted(const Tensor& rows, int64_t heads) {
  const int64_t n = rows.dim(0), d = n / heads, width = rows.size() / n;
  require(n % heads == 0 && d % 2 == 0, "rows of whole heads");
  Tensor out(rows.shape(), DType::kF32, MemoryClass::kWeights);
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < d / 2; ++i)
      for (int64_t s = 0; s < 2; ++s)
        std::memcpy(out.f32() + (h * d + s * (d / 2) + i) * width, rows.f32() + (h * d + 2 * i + s) * width, static_cast<size_t>(width) * sizeof(float));
  return out;
}

std::vector<LlamaTensor> llama_tensors(const GgufFile& file, const Json& config) {
  auto expected = expected_tensors(file, config);
  check_tensors(file, expected);
  std::vector<LlamaTensor> out;
  for (auto& [name, e] : expected) out.push_back(std::move(e));
  std::sort(out.begin(), out.end(), [](const LlamaTensor& a, const LlamaTensor& b) { return a.name < b.name; });
  return out;
}

Tensor read_llama_tensor(const GgufFile& file, const LlamaTensor& tensor) {
  if (!tensor.from) return Tensor::zeros(tensor.shape, MemoryClass::kWeights);
  const Tensor t = file.read_f32(*tensor.from);
  return tensor.heads > 0 ? unpermuted(t, tensor.heads) : t;
}

}  // namespace attune
