// RoBERTa (Liu et al., arXiv 1907.11692) and XLM-RoBERTa (Conneau et al., arXiv 1911.02116) as Hugging Face computes them: BERT's encoder
// with positions counted from the padding id + 1, one token type, and heads of their own without a pooler.
#include <cmath>

#include "base/error.h"
#include "models/registry.h"
#include "nn/language_head.h"
#include "nn/token_heads.h"

namespace attune {
namespace {

struct RobertaConfig {
  explicit RobertaConfig(const ModelConfig& c)
      : model_type(c.model_type()),
        hidden(c.size("hidden_size", 768, kMaxWidth)),
        layers(c.size("num_hidden_layers", 12, kMaxLayers)),
        heads(c.size("num_attention_heads", 12, kMaxWidth)),
        intermediate(c.size("intermediate_size", 3072, kMaxWidth * 4)),
        vocab(c.size("vocab_size", c.model_type() == "roberta" ? 50265 : 30522, kMaxVocabulary)),
        positions(c.size("max_position_embeddings", 512, kMaxPositions)),
        types(c.size("type_vocab_size", 2, kMaxWidth)),
        pad(c.token("pad_token_id", 1)),
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
    if (pad < 0 || positions <= pad + 1)
      fail(ErrorCode::kInput, {.id = "config.positions", .where = c.where, .what = "positions start at pad_token_id + 1, which max_position_embeddings does not reach"});
    if (get_bool(c.json, "is_decoder", false, c.where) || get_bool(c.json, "add_cross_attention", false, c.where))
      fail(ErrorCode::kInput, {.id = "config.is_decoder", .where = c.where, .what = "RoBERTa as a decoder is not supported"});
  }
  std::string model_type;
  int64_t hidden, layers, heads, intermediate, vocab, positions, types;
  int32_t pad;
  float eps, hidden_dropout, attention_dropout, classifier_dropout;
  double initializer_range;
  Activation activation;
};

struct RobertaEmbeddings : Module {
  explicit RobertaEmbeddings(const RobertaConfig& c)
      : word(c.vocab, c.hidden, c.pad), position(c.positions, c.hidden, c.pad), type(c.types, c.hidden), norm(c.hidden, c.eps), pad(c.pad), p(c.hidden_dropout) {
    add("word_embeddings", word);
    add("position_embeddings", position);
    add("token_type_embeddings", type);
    add("LayerNorm", norm);
  }
  Var forward(const Context& ctx, const Input& in) const {
    const std::vector<int32_t> positions = positions_of(*in.batch), types(positions.size(), 0);
    const EmbeddingTerm terms[] = {word.rows(in.batch->ids), type.rows(types), position.rows(positions)};
    const Var sum = embedding_sum(ctx, terms, in.dropout_keys);
    return dropout(ctx, add_norm(ctx, sum, nullptr, {}, norm), {p, key});
  }
  /// The n-th token of a sequence that is not the padding id stands at pad + n; padding ids stand at pad.
  std::vector<int32_t> positions_of(const Batch& batch) const {
    std::vector<int32_t> positions(batch.ids.size(), pad);
    for (int64_t b = 0; b < batch.sequences(); ++b) {
      int32_t n = pad;
      for (int64_t t = batch.starts[static_cast<size_t>(b)]; t < batch.starts[static_cast<size_t>(b) + 1]; ++t)
        if (batch.ids[static_cast<size_t>(t)] != pad) positions[static_cast<size_t>(t)] = ++n;
    }
    return positions;
  }
  void named() override { key = dropout_key(*this, "dropout"); }
  Embedding word, position, type;
  LayerNorm norm;
  int32_t pad;
  float p;
  uint64_t key = 0;
};

struct RobertaSelfAttention : Module {
  explicit RobertaSelfAttention(const RobertaConfig& c) : query(c.hidden, c.hidden), key(c.hidden, c.hidden), value(c.hidden, c.hidden) {
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
struct RobertaOutput : Module {
  RobertaOutput(int64_t out, int64_t in, const RobertaConfig& c) : dense(out, in), norm(out, c.eps), p(c.hidden_dropout) {
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

struct RobertaAttention : Module {
  explicit RobertaAttention(const RobertaConfig& c) : self(c), output(c.hidden, c.hidden, c) {
    add("self", self);
    add("output", output);
  }
  RobertaSelfAttention self;
  RobertaOutput output;
};

struct RobertaIntermediate : Module {
  explicit RobertaIntermediate(const RobertaConfig& c) : dense(c.intermediate, c.hidden), activation(c.activation) { add("dense", dense); }
  Linear dense;
  Activation activation;
};

/// `rows`: the query rows the caller reads (null: all); keys and values always come from all tokens.
struct RobertaLayer : Module {
  explicit RobertaLayer(const RobertaConfig& c) : attention(c), intermediate(c), output(c.hidden, c.intermediate, c) {
    add("attention", attention);
    add("intermediate", intermediate);
    add("output", output);
  }
  Var forward(const Context& ctx, const Var& x, const Starts& starts, const std::shared_ptr<const std::vector<int64_t>>& rows, const Starts& row_starts) const {
    const RobertaSelfAttention& self = attention.self;
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
  RobertaAttention attention;
  RobertaIntermediate intermediate;
  RobertaOutput output;
};

struct RobertaEncoder : Module {
  explicit RobertaEncoder(const RobertaConfig& c) {
    for (int64_t i = 0; i < c.layers; ++i) {
      layers.push_back(std::make_unique<RobertaLayer>(c));
      add("layer." + std::to_string(i), *layers.back());
    }
  }
  std::vector<std::unique_ptr<RobertaLayer>> layers;
};

/// Of bare checkpoints; no head here reads it.
struct RobertaPooler : Module {
  explicit RobertaPooler(const RobertaConfig& c) : dense(c.hidden, c.hidden) { add("dense", dense); }
  Linear dense;
};

class RobertaModel : public Backbone {
 public:
  RobertaModel(const RobertaConfig& c, bool with_pooler) : embeddings_(c), encoder_(c) {
    add("embeddings", embeddings_);
    add("encoder", encoder_);
    if (with_pooler) {
      pooler_ = std::make_unique<RobertaPooler>(c);
      add("pooler", *pooler_);
    }
    info_ = {c.model_type, c.hidden, c.layers, c.heads, c.intermediate, c.vocab, c.positions - c.pad - 1, 0, c.pad, c.initializer_range};
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
  Embedding& word_embeddings() { return embeddings_.word; }

 private:
  RobertaEmbeddings embeddings_;
  RobertaEncoder encoder_;
  std::unique_ptr<RobertaPooler> pooler_;
  BackboneInfo info_;
};

/// RobertaForSequenceClassification: first token -> dropout -> dense -> tanh -> dropout -> out_proj, all of it called `classifier`.
class RobertaClassifier : public Head {
 public:
  RobertaClassifier(const RobertaConfig& c, int64_t labels) : classifier_(c, labels) { add("classifier", classifier_); }
  ReadRows reads() const override { return ReadRows::kFirst; }
  Var forward(const Context& ctx, const Var& hidden) override {
    const Var h = linear(ctx, dropout(ctx, hidden, {classifier_.p, classifier_.before}), classifier_.dense, {Activation::kTanh});
    return linear(ctx, dropout(ctx, h, {classifier_.p, classifier_.after}), classifier_.out_proj);
  }

 private:
  struct Classifier : Module {
    Classifier(const RobertaConfig& c, int64_t labels) : dense(c.hidden, c.hidden), out_proj(labels, c.hidden), p(c.classifier_dropout) {
      add("dense", dense);
      add("out_proj", out_proj);
    }
    void named() override {
      before = dropout_key(*this, "dropout");
      after = dropout_key(*this, "dropout.1");
    }
    Linear dense, out_proj;
    float p;
    uint64_t before = 0, after = 0;
  };
  Classifier classifier_;
};

/// RobertaForMaskedLM: dense -> gelu (whatever hidden_act says) -> layer_norm -> word embeddings' + bias.
class RobertaMaskedLm : public LanguageHead {
 public:
  RobertaMaskedLm(const RobertaConfig& c, Embedding& words) : head_(c) {
    add("lm_head", head_);
    tie(words, &head_.bias, "lm_head.decoder.weight", "lm_head.decoder.bias");
  }

 private:
  struct LmHead : Module {
    explicit LmHead(const RobertaConfig& c) : dense(c.hidden, c.hidden), layer_norm(c.hidden, c.eps), bias(Shape{c.vocab}) {
      add("bias", bias);
      add("dense", dense);
      add("layer_norm", layer_norm);
    }
    Linear dense;
    LayerNorm layer_norm;
    Parameter bias;
  };
  Var transform(const Context& ctx, const Var& hidden) const override {
    return add_norm(ctx, linear(ctx, hidden, head_.dense, {Activation::kGelu}), nullptr, {}, head_.layer_norm);
  }
  LmHead head_;
};

std::unique_ptr<Model> make_roberta(const ModelConfig& config, HeadKind kind, int64_t labels) {
  const RobertaConfig c(config);
  auto backbone = std::make_unique<RobertaModel>(c, kind == HeadKind::kNone);
  std::unique_ptr<Head> head;
  switch (kind) {
    case HeadKind::kNone:
      break;
    case HeadKind::kSequenceClassification:
      head = std::make_unique<RobertaClassifier>(c, labels);
      break;
    case HeadKind::kTokenClassification:
      head = std::make_unique<TokenHead>("classifier", labels, c.hidden, c.classifier_dropout);
      break;
    case HeadKind::kQuestionAnswering:
      head = std::make_unique<TokenHead>("qa_outputs", labels = 2, c.hidden, 0.0f);
      break;
    case HeadKind::kMaskedLm:
      require_tied(config, true);
      head = std::make_unique<RobertaMaskedLm>(c, backbone->word_embeddings());
      labels = c.vocab;
      break;
    case HeadKind::kCausalLm:
      no_such_head(config, kind);
  }
  return std::make_unique<Model>("roberta", std::move(backbone), std::move(head), labels);
}

std::string class_name_of(const std::string& family, HeadKind kind) {
  switch (kind) {
    case HeadKind::kNone: return family + "Model";
    case HeadKind::kSequenceClassification: return family + "ForSequenceClassification";
    case HeadKind::kTokenClassification: return family + "ForTokenClassification";
    case HeadKind::kQuestionAnswering: return family + "ForQuestionAnswering";
    case HeadKind::kMaskedLm: return family + "ForMaskedLM";
    case HeadKind::kCausalLm: break;
  }
  return "";
}
std::string roberta_class_name(HeadKind kind) { return class_name_of("Roberta", kind); }
std::string xlm_roberta_class_name(HeadKind kind) { return class_name_of("XLMRoberta", kind); }

const std::map<std::string, std::string> kAliases{{"q_lin", "query"}, {"k_lin", "key"}, {"v_lin", "value"}, {"q_proj", "query"}, {"k_proj", "key"}, {"v_proj", "value"}};

}  // namespace

extern const Architecture kRoberta, kXlmRoberta;
const Architecture kRoberta{"roberta", "roberta", {"query", "value"}, kAliases, roberta_class_name, make_roberta, false};
const Architecture kXlmRoberta{"xlm-roberta", "roberta", {"query", "value"}, kAliases, xlm_roberta_class_name, make_roberta, false};

}  // namespace attune
