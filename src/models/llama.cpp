// Llama (Touvron et al., arXiv 2302.13971; grouped heads of arXiv 2307.09288) as Hugging Face's LlamaModel computes it: pre-norm decoder
// with RMS norms, rotary positions, key/value heads shared by groups of query heads, and a gated feed-forward. Also SmolLM2 and every
// other model_type "llama".
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "models/registry.h"
#include "nn/decoder.h"
#include "nn/language_head.h"
#include "nn/rotary_positions.h"
#include "nn/token_heads.h"

namespace attune {
namespace {

struct LlamaConfig {
  explicit LlamaConfig(const ModelConfig& c)
      : hidden(c.size("hidden_size", 4096, kMaxWidth)),
        layers(c.size("num_hidden_layers", 32, kMaxLayers)),
        heads(c.size("num_attention_heads", 32, kMaxWidth)),
        kv_heads(c.size("num_key_value_heads", heads, kMaxWidth)),
        head_dim(c.size("head_dim", std::max<int64_t>(1, hidden / heads), kMaxWidth)),
        intermediate(c.size("intermediate_size", 11008, kMaxWidth * 4)),
        vocab(c.size("vocab_size", 32000, kMaxVocabulary)),
        positions(c.size("max_position_embeddings", 2048, kMaxPositions)),
        pad(c.token("pad_token_id", -1)),
        eps(static_cast<float>(c.number("rms_norm_eps", 1e-6))),
        attention_dropout(c.probability("attention_dropout", 0.0)),
        token_dropout(c.probability("classifier_dropout", static_cast<double>(c.probability("hidden_dropout", 0.1)))),
        initializer_range(c.number("initializer_range", 0.02)),
        activation(c.activation("hidden_act", "silu")),
        attention_bias(get_bool(c.json, "attention_bias", false, c.where)),
        mlp_bias(get_bool(c.json, "mlp_bias", false, c.where)),
        token_bias(get_bool(c.json, "token_classification_bias", true, c.where)),
        tied(get_bool(c.json, "tie_word_embeddings", false, c.where)) {
    if (heads % kv_heads != 0)
      fail(ErrorCode::kInput, {.id = "config.heads", .where = c.where, .what = "num_attention_heads is no multiple of num_key_value_heads"});
    if (hidden % heads != 0 && !c.json.contains("head_dim"))
      fail(ErrorCode::kInput, {.id = "config.heads", .where = c.where, .what = "hidden_size is no multiple of num_attention_heads"});
  }
  int64_t hidden, layers, heads, kv_heads, head_dim, intermediate, vocab, positions;
  int32_t pad;
  float eps, attention_dropout, token_dropout;
  double initializer_range;
  Activation activation;
  bool attention_bias, mlp_bias, token_bias, tied;
};

struct LlamaAttention : Module {
  explicit LlamaAttention(const LlamaConfig& c)
      : q_proj(c.heads * c.head_dim, c.hidden, c.attention_bias),
        k_proj(c.kv_heads * c.head_dim, c.hidden, c.attention_bias),
        v_proj(c.kv_heads * c.head_dim, c.hidden, c.attention_bias),
        o_proj(c.hidden, c.heads * c.head_dim, c.attention_bias) {
    add("q_proj", q_proj);
    add("k_proj", k_proj);
    add("v_proj", v_proj);
    add("o_proj", o_proj);
    spec.heads = c.heads;
    spec.kv_heads = c.kv_heads;
    spec.causal = true;
    spec.scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim));
    spec.dropout.p = c.attention_dropout;
  }
  void named() override { spec.dropout.module_key = dropout_key(*this, "dropout"); }
  Linear q_proj, k_proj, v_proj, o_proj;
  AttentionSpec spec;
};

struct LlamaMlp : Module {
  explicit LlamaMlp(const LlamaConfig& c)
      : gate_proj(c.intermediate, c.hidden, c.mlp_bias), up_proj(c.intermediate, c.hidden, c.mlp_bias), down_proj(c.hidden, c.intermediate, c.mlp_bias), activation(c.activation) {
    add("gate_proj", gate_proj);
    add("up_proj", up_proj);
    add("down_proj", down_proj);
  }
  Var forward(const Context& ctx, const Var& x) const {
    const auto halves = linear_group(ctx, x, {&gate_proj, &up_proj});
    return linear(ctx, gated(ctx, halves[0], halves[1], activation), down_proj);
  }
  Linear gate_proj, up_proj, down_proj;
  Activation activation;
};

/// Angles of all tokens, and of the rows the last layer computes alone.
struct LlamaAngles {
  Tensor all, narrow;
};

struct LlamaLayer : Module {
  LlamaLayer(const LlamaConfig& c, int64_t layer) : self_attn(c), mlp(c), input_layernorm(c.hidden, c.eps), post_attention_layernorm(c.hidden, c.eps), index(static_cast<size_t>(layer)) {
    add("self_attn", self_attn);
    add("mlp", mlp);
    add("input_layernorm", input_layernorm);
    add("post_attention_layernorm", post_attention_layernorm);
  }
  /// `rows`: the rows the caller reads (null: all); keys and values always come from all tokens.
  Var forward(const Context& ctx, const DecoderPass& pass, const LlamaAngles& angles, const Var& x, const std::shared_ptr<const std::vector<int64_t>>& rows) const {
    const LlamaAttention& a = self_attn;
    const Var h = input_layernorm.forward(ctx, x);
    const Var residual = rows ? gather_rows(ctx, x, rows) : x;
    Var q, k, v;
    if (rows) {
      q = linear(ctx, gather_rows(ctx, h, rows), a.q_proj);
      const auto kv = linear_group(ctx, h, {&a.k_proj, &a.v_proj});
      k = kv[0], v = kv[1];
    } else {
      const auto qkv = linear_group(ctx, h, {&a.q_proj, &a.k_proj, &a.v_proj});
      q = qkv[0], k = qkv[1], v = qkv[2];
    }
    q = rotary(ctx, q, a.spec.heads, rows ? angles.narrow : angles.all);
    k = rotary(ctx, k, a.spec.kv_heads, angles.all);
    const Var mixed = pass.attend(ctx, a.spec, q, k, v, index, rows != nullptr);
    const Var y = dropout_add(ctx, linear(ctx, mixed, a.o_proj), residual, {});
    return dropout_add(ctx, mlp.forward(ctx, post_attention_layernorm.forward(ctx, y)), y, {});
  }
  LlamaAttention self_attn;
  LlamaMlp mlp;
  RmsNorm input_layernorm, post_attention_layernorm;
  size_t index;
};

Tensor rows_of(const Tensor& table, const std::vector<int64_t>& rows) {
  Tensor out({static_cast<int64_t>(rows.size()), table.cols()});
  for (size_t i = 0; i < rows.size(); ++i)
    std::memcpy(out.f32() + static_cast<int64_t>(i) * table.cols(), table.f32() + rows[i] * table.pitch(), static_cast<size_t>(table.cols()) * sizeof(float));
  return out;
}

class LlamaModel : public Backbone {
 public:
  LlamaModel(const LlamaConfig& c, const ModelConfig& config) : embed_tokens_(c.vocab, c.hidden, c.pad), norm_(c.hidden, c.eps), rotary_(config, c.head_dim, c.positions) {
    add("embed_tokens", embed_tokens_);
    for (int64_t i = 0; i < c.layers; ++i) {
      layers_.push_back(std::make_unique<LlamaLayer>(c, i));
      add("layers." + std::to_string(i), *layers_.back());
    }
    add("norm", norm_);
    info_ = {"llama", c.hidden, c.layers, c.heads, c.intermediate, c.vocab, c.positions, 0, c.pad, c.initializer_range, true, c.kv_heads * c.head_dim};
    info_.dropouts = {{"attention_dropout", c.attention_dropout, false}};
  }
  const BackboneInfo& info() const override { return info_; }
  ForwardPass pass(const Input& in) override {
    const auto pass = std::make_shared<const DecoderPass>(in, info_.pad_token_id);
    const auto angles = std::make_shared<LlamaAngles>();
    angles->all = rotary_.table(*in.batch);
    if (pass->last_layer_rows()) angles->narrow = rows_of(angles->all, *pass->last_layer_rows());
    ForwardPass p;
    p.embeddings = [this, in](const Context& c) {
      const EmbeddingTerm terms[] = {embed_tokens_.rows(in.batch->ids)};
      return embedding_sum(c, terms, in.dropout_keys);
    };
    for (size_t i = 0; i < layers_.size(); ++i) {
      const auto rows = i + 1 == layers_.size() ? pass->last_layer_rows() : nullptr;
      p.layers.push_back([&layer = *layers_[i], pass, angles, rows](const Context& c, const Var& v) { return layer.forward(c, *pass, *angles, v, rows); });
    }
    p.finish = [this, pass](const Context& c, const Var& v) { return norm_.forward(c, pass->finish(c, v)); };
    p.rows = pass->rows();
    return p;
  }
  Embedding& words() { return embed_tokens_; }

 private:
  Embedding embed_tokens_;
  std::vector<std::unique_ptr<LlamaLayer>> layers_;
  RmsNorm norm_;
  RotaryPositions rotary_;
  BackboneInfo info_;
};

class LlamaLmHead : public LanguageHead {
 public:
  LlamaLmHead(const LlamaConfig& c, Embedding& words) {
    if (c.tied)
      tie(words, nullptr, "lm_head.weight");
    else
      own("lm_head", c.vocab, c.hidden, false);
  }
};

std::unique_ptr<Model> make_llama(const ModelConfig& config, HeadKind kind, int64_t labels) {
  const LlamaConfig c(config);
  auto backbone = std::make_unique<LlamaModel>(c, config);
  std::unique_ptr<Head> head;
  switch (kind) {
    case HeadKind::kNone:
      break;
    case HeadKind::kSequenceClassification:
      head = std::make_unique<LastTokenHead>("score", labels, c.hidden);
      break;
    case HeadKind::kTokenClassification:
      head = std::make_unique<TokenHead>("score", labels, c.hidden, c.token_dropout, c.token_bias);
      break;
    case HeadKind::kQuestionAnswering:  // the one head under which Hugging Face calls the backbone `transformer`
      head = std::make_unique<TokenHead>("qa_outputs", labels = 2, c.hidden, 0.0f);
      return std::make_unique<Model>("transformer", std::move(backbone), std::move(head), labels, "model");
    case HeadKind::kCausalLm:
      head = std::make_unique<LlamaLmHead>(c, backbone->words());
      labels = c.vocab;
      break;
    case HeadKind::kMaskedLm:
      no_such_head(config, kind);
  }
  return std::make_unique<Model>("model", std::move(backbone), std::move(head), labels, "transformer");
}

std::string llama_class_name(HeadKind kind) {
  switch (kind) {
    case HeadKind::kNone: return "LlamaModel";
    case HeadKind::kSequenceClassification: return "LlamaForSequenceClassification";
    case HeadKind::kTokenClassification: return "LlamaForTokenClassification";
    case HeadKind::kQuestionAnswering: return "LlamaForQuestionAnswering";
    case HeadKind::kCausalLm: return "LlamaForCausalLM";
    case HeadKind::kMaskedLm: break;
  }
  return "";
}

}  // namespace

extern const Architecture kLlama;
const Architecture kLlama{"llama", "model", {"q_proj", "v_proj"}, {{"query", "q_proj"}, {"key", "k_proj"}, {"value", "v_proj"}, {"q_lin", "q_proj"}, {"k_lin", "k_proj"}, {"v_lin", "v_proj"}, {"out_lin", "o_proj"}}, llama_class_name, make_llama, false};

}  // namespace attune
