// GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019) as Hugging Face's GPT2Model computes it: pre-norm
// decoder, learned positions, queries, keys and values from one product. Its linear layers are Conv1D: checkpoints hold [in, out].
#include <cmath>

#include "base/error.h"
#include "models/registry.h"
#include "nn/decoder.h"
#include "nn/language_head.h"
#include "nn/token_heads.h"

namespace attune {
namespace {

struct Gpt2Config {
  explicit Gpt2Config(const ModelConfig& c)
      : width(c.size("n_embd", 768, kMaxWidth)),
        layers(c.size("n_layer", 12, kMaxLayers)),
        heads(c.size("n_head", 12, kMaxWidth)),
        inner(c.size("n_inner", 4 * width, kMaxWidth * 4)),
        vocab(c.size("vocab_size", 50257, kMaxVocabulary)),
        positions(c.size("n_positions", c.size("n_ctx", 1024, kMaxPositions), kMaxPositions)),
        pad(c.token("pad_token_id", -1)),
        eps(static_cast<float>(c.number("layer_norm_epsilon", 1e-5))),
        embedding_dropout(c.probability("embd_pdrop", 0.1)),
        attention_dropout(c.probability("attn_pdrop", 0.1)),
        residual_dropout(c.probability("resid_pdrop", 0.1)),
        token_dropout(c.probability("classifier_dropout", static_cast<double>(c.probability("hidden_dropout", 0.1)))),
        initializer_range(c.number("initializer_range", 0.02)),
        activation(c.activation("activation_function", "gelu_new")),
        scaled(get_bool(c.json, "scale_attn_weights", true, c.where)),
        scaled_by_layer(get_bool(c.json, "scale_attn_by_inverse_layer_idx", false, c.where)),
        tied(get_bool(c.json, "tie_word_embeddings", true, c.where)) {
    if (width % heads != 0) fail(ErrorCode::kInput, {.id = "config.heads", .where = c.where, .what = "n_embd is no multiple of n_head"});
    if (get_bool(c.json, "add_cross_attention", false, c.where))
      fail(ErrorCode::kInput, {.id = "config.cross_attention", .where = c.where, .what = "GPT-2 with cross-attention is not supported"});
  }
  int64_t width, layers, heads, inner, vocab, positions;
  int32_t pad;
  float eps, embedding_dropout, attention_dropout, residual_dropout, token_dropout;
  double initializer_range;
  Activation activation;
  bool scaled, scaled_by_layer, tied;
};

struct Conv1D : Linear {
  Conv1D(int64_t out, int64_t in) : Linear(out, in) { weight.f32.transposed = true; }
};

/// The projection back into the residual stream starts smaller the deeper the model is.
struct ResidualConv1D : Conv1D {
  ResidualConv1D(int64_t out, int64_t in, const Gpt2Config& c) : Conv1D(out, in), p(c.residual_dropout) {
    weight.f32.initial_scale = 1.0f / std::sqrt(2.0f * static_cast<float>(c.layers));
  }
  void named() override { key = dropout_key(*this, "dropout"); }
  Var add_to(const Context& ctx, const Var& product, const Var& residual) const { return dropout_add(ctx, product, residual, {p, key}); }
  float p;
  uint64_t key = 0;
};

struct Attention : Module {
  Attention(const Gpt2Config& c, int64_t layer) : c_attn(3 * c.width, c.width), c_proj(c.width, c.width, c) {
    add("c_attn", c_attn);
    add("c_proj", c_proj);
    spec.heads = c.heads;
    spec.causal = true;
    spec.scale = c.scaled ? 1.0f / std::sqrt(static_cast<float>(c.width / c.heads)) : 1.0f;
    if (c.scaled_by_layer) spec.scale /= static_cast<float>(layer + 1);
    spec.dropout.p = c.attention_dropout;
  }
  void named() override { spec.dropout.module_key = dropout_key(*this, "attn_dropout"); }
  Conv1D c_attn;
  ResidualConv1D c_proj;
  AttentionSpec spec;
};

struct Mlp : Module {
  explicit Mlp(const Gpt2Config& c) : c_fc(c.inner, c.width), c_proj(c.width, c.inner, c), activation(c.activation) {
    add("c_fc", c_fc);
    add("c_proj", c_proj);
  }
  Conv1D c_fc;
  ResidualConv1D c_proj;
  Activation activation;
};

struct Block : Module {
  Block(const Gpt2Config& c, int64_t layer) : ln_1(c.width, c.eps), attn(c, layer), ln_2(c.width, c.eps), mlp(c), index(static_cast<size_t>(layer)) {
    add("ln_1", ln_1);
    add("attn", attn);
    add("ln_2", ln_2);
    add("mlp", mlp);
  }
  /// `rows`: the rows the caller reads (null: all); keys and values always come from all tokens.
  Var forward(const Context& ctx, const DecoderPass& pass, const Var& x, const std::shared_ptr<const std::vector<int64_t>>& rows) const {
    const int64_t width = x.cols();
    const Var qkv = linear(ctx, add_norm(ctx, x, nullptr, {}, ln_1), attn.c_attn);
    const auto parts = split_columns(ctx, qkv, {width, width, width});
    const Var q = rows ? gather_rows(ctx, parts[0], rows) : parts[0];
    const Var residual = rows ? gather_rows(ctx, x, rows) : x;
    const Var mixed = pass.attend(ctx, attn.spec, q, parts[1], parts[2], index, rows != nullptr);
    const Var a = attn.c_proj.add_to(ctx, linear(ctx, mixed, attn.c_proj), residual);
    const Var f = feed_forward(ctx, add_norm(ctx, a, nullptr, {}, ln_2), mlp.c_fc, mlp.activation, mlp.c_proj);
    return mlp.c_proj.add_to(ctx, f, a);
  }
  LayerNorm ln_1;
  Attention attn;
  LayerNorm ln_2;
  Mlp mlp;
  size_t index;
};

class Gpt2Model : public Backbone {
 public:
  explicit Gpt2Model(const Gpt2Config& c) : wte_(c.vocab, c.width), wpe_(c.positions, c.width), ln_f_(c.width, c.eps), p_(c.embedding_dropout) {
    add("wte", wte_);
    add("wpe", wpe_);
    for (int64_t i = 0; i < c.layers; ++i) {
      blocks_.push_back(std::make_unique<Block>(c, i));
      add("h." + std::to_string(i), *blocks_.back());
    }
    add("ln_f", ln_f_);
    info_ = {"gpt2", c.width, c.layers, c.heads, c.inner, c.vocab, c.positions, 0, c.pad, c.initializer_range, true, c.width};
    info_.dropouts = {{"embd_pdrop", c.embedding_dropout, true}, {"attn_pdrop", c.attention_dropout, false}, {"resid_pdrop", c.residual_dropout, false}};
  }
  const BackboneInfo& info() const override { return info_; }
  ForwardPass pass(const Input& in) override {
    const auto pass = std::make_shared<const DecoderPass>(in, info_.pad_token_id);
    ForwardPass p;
    p.embeddings = [this, in](const Context& c) {
      const EmbeddingTerm terms[] = {wte_.rows(in.batch->ids), wpe_.rows(in.batch->positions)};
      return dropout(c, embedding_sum(c, terms, in.dropout_keys), {p_, key_});
    };
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const auto rows = i + 1 == blocks_.size() ? pass->last_layer_rows() : nullptr;
      p.layers.push_back([&block = *blocks_[i], pass, rows](const Context& c, const Var& v) { return block.forward(c, *pass, v, rows); });
    }
    p.finish = [this, pass](const Context& c, const Var& v) { return add_norm(c, pass->finish(c, v), nullptr, {}, ln_f_); };
    p.rows = pass->rows();
    return p;
  }
  void named() override { key_ = dropout_key(*this, "drop"); }
  Embedding& words() { return wte_; }

 private:
  Embedding wte_, wpe_;
  std::vector<std::unique_ptr<Block>> blocks_;
  LayerNorm ln_f_;
  float p_;
  uint64_t key_ = 0;
  BackboneInfo info_;
};

class Gpt2LmHead : public LanguageHead {
 public:
  Gpt2LmHead(const Gpt2Config& c, Embedding& words) {
    if (c.tied)
      tie(words, nullptr, "lm_head.weight");
    else
      own("lm_head", c.vocab, c.width, false);
  }
};

std::unique_ptr<Model> make_gpt2(const ModelConfig& config, HeadKind kind, int64_t labels) {
  const Gpt2Config c(config);
  auto backbone = std::make_unique<Gpt2Model>(c);
  std::unique_ptr<Head> head;
  switch (kind) {
    case HeadKind::kNone:
      break;
    case HeadKind::kSequenceClassification:
      head = std::make_unique<LastTokenHead>("score", labels, c.width);
      break;
    case HeadKind::kTokenClassification:
      head = std::make_unique<TokenHead>("classifier", labels, c.width, c.token_dropout);
      break;
    case HeadKind::kQuestionAnswering:
      head = std::make_unique<TokenHead>("qa_outputs", labels = 2, c.width, 0.0f);
      break;
    case HeadKind::kCausalLm:
      head = std::make_unique<Gpt2LmHead>(c, backbone->words());
      labels = c.vocab;
      break;
    case HeadKind::kMaskedLm:
      no_such_head(config, kind);
  }
  return std::make_unique<Model>("transformer", std::move(backbone), std::move(head), labels);
}

std::string gpt2_class_name(HeadKind kind) {
  switch (kind) {
    case HeadKind::kNone: return "GPT2Model";
    case HeadKind::kSequenceClassification: return "GPT2ForSequenceClassification";
    case HeadKind::kTokenClassification: return "GPT2ForTokenClassification";
    case HeadKind::kQuestionAnswering: return "GPT2ForQuestionAnswering";
    case HeadKind::kCausalLm: return "GPT2LMHeadModel";
    case HeadKind::kMaskedLm: break;
  }
  return "";
}

}  // namespace

extern const Architecture kGpt2;
const Architecture kGpt2{"gpt2", "transformer", {"c_attn"}, {{"query", "c_attn"}, {"key", "c_attn"}, {"value", "c_attn"}, {"q_proj", "c_attn"}, {"k_proj", "c_attn"}, {"v_proj", "c_attn"}, {"q_lin", "c_attn"}, {"k_lin", "c_attn"}, {"v_lin", "c_attn"}}, gpt2_class_name, make_gpt2, false};

}  // namespace attune
