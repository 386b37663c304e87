// DistilBERT (Sanh et al., arXiv 1910.01108) as Hugging Face's DistilBertModel computes it: post-norm encoder without token types or
// pooler, no dropout after the attention's output projection.
#include <cmath>

#include "base/error.h"
#include "models/registry.h"
#include "nn/language_head.h"
#include "nn/token_heads.h"

namespace attune {
namespace {

constexpr float kEps = 1e-12f;  // fixed in the architecture

struct DistilBertConfig {
  explicit DistilBertConfig(const ModelConfig& c)
      : dim(c.size("dim", 768, kMaxWidth)),
        layers(c.size("n_layers", 6, kMaxLayers)),
        heads(c.size("n_heads", 12, kMaxWidth)),
        hidden_dim(c.size("hidden_dim", 3072, kMaxWidth * 4)),
        vocab(c.size("vocab_size", 30522, kMaxVocabulary)),
        positions(c.size("max_position_embeddings", 512, kMaxPositions)),
        pad(c.token("pad_token_id", 0)),
        dropout(c.probability("dropout", 0.1)),
        attention_dropout(c.probability("attention_dropout", 0.1)),
        seq_classif_dropout(c.probability("seq_classif_dropout", 0.2)),
        qa_dropout(c.probability("qa_dropout", 0.1)),
        initializer_range(c.number("initializer_range", 0.02)),
        activation(c.activation("activation", "gelu")) {
    if (dim % heads != 0) fail(ErrorCode::kInput, {.id = "config.heads", .where = c.where, .what = "dim is no multiple of n_heads"});
  }
  int64_t dim, layers, heads, hidden_dim, vocab, positions;
  int32_t pad;
  float dropout, attention_dropout, seq_classif_dropout, qa_dropout;
  double initializer_range;
  Activation activation;
};

struct Embeddings : Module {
  explicit Embeddings(const DistilBertConfig& c)
      : word(c.vocab, c.dim, c.pad), position(c.positions, c.dim), norm(c.dim, kEps), p(c.dropout) {
    add("word_embeddings", word);
    add("position_embeddings", position);
    add("LayerNorm", norm);
  }
  Var forward(const Context& ctx, const Input& in) const {
    const EmbeddingTerm terms[] = {word.rows(in.batch->ids), position.rows(in.batch->positions)};
    const Var sum = embedding_sum(ctx, terms, in.dropout_keys);
    return dropout(ctx, add_norm(ctx, sum, nullptr, {}, norm), {p, key});
  }
  void named() override { key = dropout_key(*this, "dropout"); }
  Embedding word, position;
  LayerNorm norm;
  float p;
  uint64_t key = 0;
};

struct SelfAttention : Module {
  explicit SelfAttention(const DistilBertConfig& c) : q_lin(c.dim, c.dim), k_lin(c.dim, c.dim), v_lin(c.dim, c.dim), out_lin(c.dim, c.dim) {
    add("q_lin", q_lin);
    add("k_lin", k_lin);
    add("v_lin", v_lin);
    add("out_lin", out_lin);
    spec.heads = c.heads;
    spec.scale = 1.0f / std::sqrt(static_cast<float>(c.dim / c.heads));
    spec.dropout.p = c.attention_dropout;
  }
  void named() override { spec.dropout.module_key = dropout_key(*this, "dropout"); }
  Linear q_lin, k_lin, v_lin, out_lin;
  AttentionSpec spec;
};

struct FeedForward : Module {
  explicit FeedForward(const DistilBertConfig& c) : lin1(c.hidden_dim, c.dim), lin2(c.dim, c.hidden_dim), activation(c.activation), p(c.dropout) {
    add("lin1", lin1);
    add("lin2", lin2);
  }
  void named() override { key = dropout_key(*this, "dropout"); }
  Linear lin1, lin2;
  Activation activation;
  float p;
  uint64_t key = 0;
};

/// `rows`: the query rows the caller reads (null: all); keys and values always come from all tokens.
struct Layer : Module {
  explicit Layer(const DistilBertConfig& c) : attention(c), sa_layer_norm(c.dim, kEps), ffn(c), output_layer_norm(c.dim, kEps) {
    add("attention", attention);
    add("sa_layer_norm", sa_layer_norm);
    add("ffn", ffn);
    add("output_layer_norm", output_layer_norm);
  }
  Var forward(const Context& ctx, const Var& x, const Starts& starts, const std::shared_ptr<const std::vector<int64_t>>& rows, const Starts& row_starts) const {
    Var residual = x, mixed;
    if (rows) {
      residual = gather_rows(ctx, x, rows);
      const Var q = linear(ctx, residual, attention.q_lin);
      const auto kv = linear_group(ctx, x, {&attention.k_lin, &attention.v_lin});
      mixed = attune::attention(ctx, attention.spec, q, kv[0], kv[1], row_starts, starts);
    } else {
      const auto qkv = linear_group(ctx, x, {&attention.q_lin, &attention.k_lin, &attention.v_lin});
      mixed = attune::attention(ctx, attention.spec, qkv[0], qkv[1], qkv[2], starts, starts);
    }
    const Var a = add_norm(ctx, linear(ctx, mixed, attention.out_lin), &residual, {}, sa_layer_norm);
    const Var f = feed_forward(ctx, a, ffn.lin1, ffn.activation, ffn.lin2);
    return add_norm(ctx, f, &a, {ffn.p, ffn.key}, output_layer_norm);
  }
  SelfAttention attention;
  LayerNorm sa_layer_norm;
  FeedForward ffn;
  LayerNorm output_layer_norm;
};

struct Transformer : Module {
  explicit Transformer(const DistilBertConfig& c) {
    for (int64_t i = 0; i < c.layers; ++i) {
      layers.push_back(std::make_unique<Layer>(c));
      add("layer." + std::to_string(i), *layers.back());
    }
  }
  std::vector<std::unique_ptr<Layer>> layers;
};

class DistilBertModel : public Backbone {
 public:
  explicit DistilBertModel(const DistilBertConfig& c) : embeddings_(c), transformer_(c) {
    add("embeddings", embeddings_);
    add("transformer", transformer_);
    info_ = {"distilbert", c.dim, c.layers, c.heads, c.hidden_dim, c.vocab, c.positions, 0, c.pad, c.initializer_range};
    info_.dropouts = {{"dropout", c.dropout, true}, {"attention_dropout", c.attention_dropout, false}};
  }
  const BackboneInfo& info() const override { return info_; }
  ForwardPass pass(const Input& in) override {
    const auto starts = std::make_shared<const std::vector<int64_t>>(in.batch->starts);
    const auto rows = rows_read(*in.batch, in.read);
    const Starts row_starts = rows ? one_row_each(in.batch->sequences()) : nullptr;
    ForwardPass p;
    p.embeddings = [this, in](const Context& c) { return embeddings_.forward(c, in); };
    for (size_t i = 0; i < transformer_.layers.size(); ++i) {
      const auto read = i + 1 == transformer_.layers.size() ? rows : nullptr;
      p.layers.push_back([&layer = *transformer_.layers[i], starts, read, row_starts](const Context& c, const Var& v) {
        return layer.forward(c, v, starts, read, row_starts);
      });
    }
    p.rows = rows;
    return p;
  }
  Embedding& word_embeddings() { return embeddings_.word; }

 private:
  Embeddings embeddings_;
  Transformer transformer_;
  BackboneInfo info_;
};

/// DistilBertForSequenceClassification: first token -> pre_classifier -> ReLU -> dropout -> classifier.
class DistilBertClassifier : public Head {
 public:
  DistilBertClassifier(const DistilBertConfig& c, int64_t labels) : pre_classifier_(c.dim, c.dim), classifier_(labels, c.dim), p_(c.seq_classif_dropout) {
    add("pre_classifier", pre_classifier_);
    add("classifier", classifier_);
  }
  ReadRows reads() const override { return ReadRows::kFirst; }
  Var forward(const Context& ctx, const Var& hidden) override {
    const Var h = linear(ctx, hidden, pre_classifier_, {Activation::kRelu});
    return linear(ctx, dropout(ctx, h, {p_, key_}), classifier_);
  }
  void named() override { key_ = dropout_key(*this, "dropout"); }

 private:
  Linear pre_classifier_, classifier_;
  float p_;
  uint64_t key_ = 0;
};

/// DistilBertForMaskedLM: vocab_transform -> activation -> vocab_layer_norm -> word embeddings' + vocab_projector.bias.
class DistilBertMaskedLm : public LanguageHead {
 public:
  DistilBertMaskedLm(const DistilBertConfig& c, Embedding& words)
      : vocab_transform_(c.dim, c.dim), vocab_layer_norm_(c.dim, kEps), bias_(Shape{c.vocab}), activation_(c.activation) {
    add("vocab_transform", vocab_transform_);
    add("vocab_layer_norm", vocab_layer_norm_);
    add("vocab_projector.bias", bias_);
    tie(words, &bias_, "vocab_projector.weight");
  }

 private:
  Var transform(const Context& ctx, const Var& hidden) const override {
    return add_norm(ctx, linear(ctx, hidden, vocab_transform_, {activation_}), nullptr, {}, vocab_layer_norm_);
  }
  Linear vocab_transform_;
  LayerNorm vocab_layer_norm_;
  Parameter bias_;
  Activation activation_;
};

std::unique_ptr<Model> make_distilbert(const ModelConfig& config, HeadKind kind, int64_t labels) {
  const DistilBertConfig c(config);
  auto backbone = std::make_unique<DistilBertModel>(c);
  std::unique_ptr<Head> head;
  switch (kind) {
    case HeadKind::kNone:
      break;
    case HeadKind::kSequenceClassification:
      head = std::make_unique<DistilBertClassifier>(c, labels);
      break;
    case HeadKind::kTokenClassification:
      head = std::make_unique<TokenHead>("classifier", labels, c.dim, c.dropout);
      break;
    case HeadKind::kQuestionAnswering:
      head = std::make_unique<TokenHead>("qa_outputs", labels = 2, c.dim, c.qa_dropout);
      break;
    case HeadKind::kMaskedLm:
      require_tied(config, get_bool(config.json, "tie_weights_", true, config.where));
      head = std::make_unique<DistilBertMaskedLm>(c, backbone->word_embeddings());
      labels = c.vocab;
      break;
    case HeadKind::kCausalLm:
      no_such_head(config, kind);
  }
  return std::make_unique<Model>("distilbert", std::move(backbone), std::move(head), labels);
}

std::string distilbert_class_name(HeadKind kind) {
  switch (kind) {
    case HeadKind::kNone: return "DistilBertModel";
    case HeadKind::kSequenceClassification: return "DistilBertForSequenceClassification";
    case HeadKind::kTokenClassification: return "DistilBertForTokenClassification";
    case HeadKind::kQuestionAnswering: return "DistilBertForQuestionAnswering";
    case HeadKind::kMaskedLm: return "DistilBertForMaskedLM";
    case HeadKind::kCausalLm: break;
  }
  return "";
}

}  // namespace

extern const Architecture kDistilBert;
const Architecture kDistilBert{"distilbert", "distilbert", {"q_lin", "v_lin"}, {{"query", "q_lin"}, {"key", "k_lin"}, {"value", "v_lin"}, {"q_proj", "q_lin"}, {"k_proj", "k_lin"}, {"v_proj", "v_lin"}}, distilbert_class_name, make_distilbert, false};

}  // namespace attune
