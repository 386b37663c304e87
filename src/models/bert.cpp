// BERT (Devlin et al., arXiv 1810.04805) as Hugging Face's BertModel computes it: post-norm encoder, learned positions, token types,
// a pooler over the first token. Also MiniLM and every other model_type "bert".
#include <cmath>

#include "base/error.h"
#include "models/registry.h"
#include "nn/language_head.h"
#include "nn/token_heads.h"

namespace attune {
namespace {

struct BertConfig {
  explicit BertConfig(const ModelConfig& c)
      : hidden(c.size("hidden_size", 768, kMaxWidth)),
        layers(c.size("num_hidden_layers", 12, kMaxLayers)),
        heads(c.size("num_attention_heads", 12, kMaxWidth)),
        intermediate(c.size("intermediate_size", 3072, kMaxWidth * 4)),
        vocab(c.size("vocab_size", 30522, kMaxVocabulary)),
        positions(c.size("max_position_embeddings", 512, kMaxPositions)),
        types(c.size("type_vocab_size", 2, kMaxWidth)),
        pad(c.token("pad_token_id", 0)),
        eps(static_cast<float>(c.number("layer_norm_eps", 1e-12))),
        hidden_dropout(c.probability("hidden_dropout_prob", 0.1)),
        attention_dropout(c.probability("attention_probs_dropout_prob", 0.1)),
        classifier_dropout(c.probability("classifier_dropout", static_cast<double>(hidden_dropout))),
        initializer_range(c.number("initializer_range", 0.02)),
        activation(c.activation("hidden_act", "gelu")) {
    if (hidden % heads != 0)
      fail(ErrorCode::kInput, {.id = "config.heads", .where = c.where, .what = "hidden_size is no multiple of num_attention_heads"});
    if (const auto kind = get_string(c.json, "position_embedding_type", "absolute", c.where); kind != "absolute")
      fail(ErrorCode::kInput, {.id = "config.position_embedding_type", .where = c.where, .what = "position_embedding_type \"" + kind + "\" is not supported", .expected = "\"absolute\""});
    if (get_bool(c.json, "is_decoder", false, c.where) || get_bool(c.json, "add_cross_attention", false, c.where))
      fail(ErrorCode::kInput, {.id = "config.is_decoder", .where = c.where, .what = "BERT as a decoder is not supported"});
  }
  int64_t hidden, layers, heads, intermediate, vocab, positions, types;
  int32_t pad;
  float eps, hidden_dropout, attention_dropout, classifier_dropout;
  double initializer_range;
  Activation activation;
};

struct BertEmbeddings : Module {
  explicit BertEmbeddings(const BertConfig& c)
      : word(c.vocab, c.hidden, c.pad), position(c.positions, c.hidden), type(c.types, c.hidden), norm(c.hidden, c.eps), p(c.hidden_dropout) {
    add("word_embeddings", word);
    add("position_embeddings", position);
    add("token_type_embeddings", type);
    add("LayerNorm", norm);
  }
  Var forward(const Context& ctx, const Input& in) const {
    const EmbeddingTerm terms[] = {word.rows(in.batch->ids), type.rows(in.batch->type_ids), position.rows(in.batch->positions)};
    const Var sum = embedding_sum(ctx, terms, in.dropout_keys);
    return dropout(ctx, add_norm(ctx, sum, nullptr, {}, norm), {p, key});
  }
  void named() override { key = dropout_key(*this, "dropout"); }
  Embedding word, position, type;
  LayerNorm norm;
  float p;
  uint64_t key = 0;
};

struct BertSelfAttention : Module {
  explicit BertSelfAttention(const BertConfig& c) : query(c.hidden, c.hidden), key(c.hidden, c.hidden), value(c.hidden, c.hidden) {
    add("query", query);
    add("key", key);
    add("value", value);
    spec.heads = c.heads;
    spec.scale = 1.0f / std::sqrt(static_cast<float>(c.hidden / c.heads));
    spec.dropout.p = c.attention_dropout;
  }
  void named() override { spec.dropout.module_key = dropout_key(*this, "dropout"); }
  Linear query, key, value;
  AttentionSpec spec;
};

/// dense -> dropout -> + residual -> LayerNorm: the shape of attention.output and of output.
struct BertOutput : Module {
  BertOutput(int64_t out, int64_t in, const BertConfig& c) : dense(out, in), norm(out, c.eps), p(c.hidden_dropout) {
    add("dense", dense);
    add("LayerNorm", norm);
  }
  Var add_to(const Context& ctx, const Var& product, const Var& residual) const { return add_norm(ctx, product, &residual, {p, key}, norm); }
  void named() override { key = dropout_key(*this, "dropout"); }
  Linear dense;
  LayerNorm norm;
  float p;
  uint64_t key = 0;
};

struct BertAttention : Module {
  explicit BertAttention(const BertConfig& c) : self(c), output(c.hidden, c.hidden, c) {
    add("self", self);
    add("output", output);
  }
  BertSelfAttention self;
  BertOutput output;
};

struct BertIntermediate : Module {
  explicit BertIntermediate(const BertConfig& c) : dense(c.intermediate, c.hidden), activation(c.activation) { add("dense", dense); }
  Linear dense;
  Activation activation;
};

/// `rows`: the query rows the caller reads (null: all); keys and values always come from all tokens.
struct BertLayer : Module {
  explicit BertLayer(const BertConfig& c) : attention(c), intermediate(c), output(c.hidden, c.intermediate, c) {
    add("attention", attention);
    add("intermediate", intermediate);
    add("output", output);
  }
  Var forward(const Context& ctx, const Var& x, const Starts& starts, const std::shared_ptr<const std::vector<int64_t>>& rows, const Starts& row_starts) const {
    const BertSelfAttention& self = attention.self;
    Var residual = x, mixed;
    if (rows) {
      residual = gather_rows(ctx, x, rows);
      const Var q = linear(ctx, residual, self.query);
      const auto kv = linear_group(ctx, x, {&self.key, &self.value});
      mixed = attune::attention(ctx, self.spec, q, kv[0], kv[1], row_starts, starts);
    } else {
      const auto qkv = linear_group(ctx, x, {&self.query, &self.key, &self.value});
      mixed = attune::attention(ctx, self.spec, qkv[0], qkv[1], qkv[2], starts, starts);
    }
    const Var a = attention.output.add_to(ctx, linear(ctx, mixed, attention.output.dense), residual);
    return output.add_to(ctx, feed_forward(ctx, a, intermediate.dense, intermediate.activation, output.dense), a);
  }
  BertAttention attention;
  BertIntermediate intermediate;
  BertOutput output;
};

struct BertEncoder : Module {
  explicit BertEncoder(const BertConfig& c) {
    for (int64_t i = 0; i < c.layers; ++i) {
      layers.push_back(std::make_unique<BertLayer>(c));
      add("layer." + std::to_string(i), *layers.back());
    }
  }
  std::vector<std::unique_ptr<BertLayer>> layers;
};

struct BertPooler : Module {
  explicit BertPooler(const BertConfig& c) : dense(c.hidden, c.hidden) { add("dense", dense); }
  Var forward(const Context& ctx, const Var& first) const { return linear(ctx, first, dense, {Activation::kTanh}); }
  Linear dense;
};

class BertModel : public Backbone {
 public:
  BertModel(const BertConfig& c, bool with_pooler) : embeddings_(c), encoder_(c) {
    add("embeddings", embeddings_);
    add("encoder", encoder_);
    if (with_pooler) {
      pooler_ = std::make_unique<BertPooler>(c);
      add("pooler", *pooler_);
    }
    info_ = {"bert", c.hidden, c.layers, c.heads, c.intermediate, c.vocab, c.positions, c.types, c.pad, c.initializer_range};
    info_.dropouts = {{"hidden_dropout_prob", c.hidden_dropout, true}, {"attention_probs_dropout_prob", c.attention_dropout, false}};
  }
  const BackboneInfo& info() const override { return info_; }
  ForwardPass pass(const Input& in) override {
    const auto starts = std::make_shared<const std::vector<int64_t>>(in.batch->starts);
    const auto rows = rows_read(*in.batch, in.read);
    const Starts row_starts = rows ? one_row_each(in.batch->sequences()) : nullptr;
    ForwardPass p;
    p.embeddings = [this, in](const Context& c) { return embeddings_.forward(c, in); };
    for (size_t i = 0; i < encoder_.layers.size(); ++i) {
      const auto read = i + 1 == encoder_.layers.size() ? rows : nullptr;
      p.layers.push_back([&layer = *encoder_.layers[i], starts, read, row_starts](const Context& c, const Var& v) {
        return layer.forward(c, v, starts, read, row_starts);
      });
    }
    p.rows = rows;
    return p;
  }
  const BertPooler& pooler() const { return *pooler_; }
  Embedding& word_embeddings() { return embeddings_.word; }

 private:
  BertEmbeddings embeddings_;
  BertEncoder encoder_;
  std::unique_ptr<BertPooler> pooler_;
  BackboneInfo info_;
};

/// BertForSequenceClassification: pooler output (part of the backbone) -> dropout -> classifier.
class BertClassifier : public Head {
 public:
  BertClassifier(const BertConfig& c, const BertPooler& pooler, int64_t labels) : pooler_(pooler), classifier_(labels, c.hidden), p_(c.classifier_dropout) {
    add("classifier", classifier_);
  }
  ReadRows reads() const override { return ReadRows::kFirst; }
  Var forward(const Context& ctx, const Var& hidden) override {
    return linear(ctx, dropout(ctx, pooler_.forward(ctx, hidden), {p_, key_}), classifier_);
  }
  void named() override { key_ = dropout_key(*this, "dropout"); }

 private:
  const BertPooler& pooler_;
  Linear classifier_;
  float p_;
  uint64_t key_ = 0;
};

/// cls.predictions of BertForMaskedLM: dense -> activation -> LayerNorm -> word embeddings' + bias.
class BertMaskedLm : public LanguageHead {
 public:
  BertMaskedLm(const BertConfig& c, Embedding& words) : predictions_(c), activation_(c.activation) {
    add("cls.predictions", predictions_);
    tie(words, &predictions_.bias, "cls.predictions.decoder.weight", "cls.predictions.decoder.bias");
  }

 private:
  struct Predictions : Module {
    explicit Predictions(const BertConfig& c) : dense(c.hidden, c.hidden), norm(c.hidden, c.eps), bias(Shape{c.vocab}) {
      add("bias", bias);
      add("transform.dense", dense);
      add("transform.LayerNorm", norm);
    }
    Linear dense;
    LayerNorm norm;
    Parameter bias;
  };
  Var transform(const Context& ctx, const Var& hidden) const override {
    return add_norm(ctx, linear(ctx, hidden, predictions_.dense, {activation_}), nullptr, {}, predictions_.norm);
  }
  Predictions predictions_;
  Activation activation_;
};

std::unique_ptr<Model> make_bert(const ModelConfig& config, HeadKind kind, int64_t labels) {
  const BertConfig c(config);
  auto backbone = std::make_unique<BertModel>(c, kind == HeadKind::kNone || kind == HeadKind::kSequenceClassification);
  std::unique_ptr<Head> head;
  switch (kind) {
    case HeadKind::kNone:
      break;
    case HeadKind::kSequenceClassification:
      head = std::make_unique<BertClassifier>(c, backbone->pooler(), labels);
      break;
    case HeadKind::kTokenClassification:
      head = std::make_unique<TokenHead>("classifier", labels, c.hidden, c.classifier_dropout);
      break;
    case HeadKind::kQuestionAnswering:
      head = std::make_unique<TokenHead>("qa_outputs", labels = 2, c.hidden, 0.0f);
      break;
    case HeadKind::kMaskedLm:
      require_tied(config, true);
      head = std::make_unique<BertMaskedLm>(c, backbone->word_embeddings());
      labels = c.vocab;
      break;
    case HeadKind::kCausalLm:
      no_such_head(config, kind);
  }
  return std::make_unique<Model>("bert", std::move(backbone), std::move(head), labels);
}

std::string bert_class_name(HeadKind kind) {
  switch (kind) {
    case HeadKind::kNone: return "BertModel";
    case HeadKind::kSequenceClassification: return "BertForSequenceClassification";
    case HeadKind::kTokenClassification: return "BertForTokenClassification";
    case HeadKind::kQuestionAnswering: return "BertForQuestionAnswering";
    case HeadKind::kMaskedLm: return "BertForMaskedLM";
    case HeadKind::kCausalLm: break;
  }
  return "";
}

}  // namespace

extern const Architecture kBert;
const Architecture kBert{"bert", "bert", {"query", "value"}, {{"q_lin", "query"}, {"k_lin", "key"}, {"v_lin", "value"}, {"q_proj", "query"}, {"k_proj", "key"}, {"v_proj", "value"}}, bert_class_name, make_bert, true};

}  // namespace attune
