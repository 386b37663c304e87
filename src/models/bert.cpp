// BERT (Devlin et al., arXiv 1810.04805) as Hugging Face's BertModel computes it: post-norm encoder, learned positions, token types,
// a pooler over the first token. Also MiniLM and every other model_type "bert".
#include "models/encoder_parts.h"
#include "models/registry.h"
#include "nn/language_head.h"
#include "nn/token_heads.h"

namespace attune {
namespace {

struct BertPooler : Module {
  explicit BertPooler(const BertConfig& c) : dense(c.hidden, c.hidden) { add("dense", dense); }
  Var forward(const Context& ctx, const Var& first) const { return linear(ctx, first, dense, {Activation::kTanh}); }
  Linear dense;
};

class BertModel : public Backbone {
 public:
  BertModel(const BertConfig& c, bool with_pooler) : embeddings_(c, c.hidden), encoder_(c) {
    add("embeddings", embeddings_);
    add("encoder", encoder_);
    if (with_pooler) {
      pooler_ = std::make_unique<BertPooler>(c);
      add("pooler", *pooler_);
    }
    info_ = c.info("bert", c.positions, c.types);
  }
  const BackboneInfo& info() const override { return info_; }
  ForwardPass pass(const Input& in) override {
    ForwardPass p;
    p.embeddings = [this, in](const Context& c) { return embeddings_.forward(c, in); };
    encoder_.add_layers(in, p);
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

std::string bert_class_name(HeadKind kind) { return encoder_class_name("Bert", kind); }

}  // namespace

extern const Architecture kBert;
const Architecture kBert{"bert", "bert", {"query", "value"}, encoder_target_aliases(), bert_class_name, make_bert, true};

}  // namespace attune
