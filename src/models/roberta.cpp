// RoBERTa (Liu et al., arXiv 1907.11692) and XLM-RoBERTa (Conneau et al., arXiv 1911.02116) as Hugging Face computes them: BERT's encoder
// with positions counted from the padding id + 1, one token type, and heads of their own without a pooler.
#include "base/error.h"
#include "models/encoder_parts.h"
#include "models/registry.h"
#include "nn/language_head.h"
#include "nn/token_heads.h"

namespace attune {
namespace {

BertConfig roberta_config(const ModelConfig& config) {
  const BertConfig c(config, {.vocab = config.model_type() == "roberta" ? 50265 : 30522, .pad = 1});
  if (c.pad < 0 || c.positions <= c.pad + 1)
    fail(ErrorCode::kInput, {.id = "config.positions", .where = config.where, .what = "positions start at pad_token_id + 1, which max_position_embeddings does not reach"});
  return c;
}

struct RobertaEmbeddings : Module {
  explicit RobertaEmbeddings(const BertConfig& c)
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

/// Of bare checkpoints; no head here reads it.
struct RobertaPooler : Module {
  explicit RobertaPooler(const BertConfig& c) : dense(c.hidden, c.hidden) { add("dense", dense); }
  Linear dense;
};

class RobertaModel : public Backbone {
 public:
  RobertaModel(const BertConfig& c, const std::string& model_type, bool with_pooler) : embeddings_(c), encoder_(c) {
    add("embeddings", embeddings_);
    add("encoder", encoder_);
    if (with_pooler) {
      pooler_ = std::make_unique<RobertaPooler>(c);
      add("pooler", *pooler_);
    }
    info_ = c.info(model_type, c.positions - c.pad - 1, 0);
  }
  const BackboneInfo& info() const override { return info_; }
  ForwardPass pass(const Input& in) override {
    ForwardPass p;
    p.embeddings = [this, in](const Context& c) { return embeddings_.forward(c, in); };
    encoder_.add_layers(in, p);
    return p;
  }
  Embedding& word_embeddings() { return embeddings_.word; }

 private:
  RobertaEmbeddings embeddings_;
  BertEncoder encoder_;
  std::unique_ptr<RobertaPooler> pooler_;
  BackboneInfo info_;
};

/// RobertaForMaskedLM: dense -> gelu (whatever hidden_act says) -> layer_norm -> word embeddings' + bias.
class RobertaMaskedLm : public LanguageHead {
 public:
  RobertaMaskedLm(const BertConfig& c, Embedding& words) : head_(c) {
    add("lm_head", head_);
    tie(words, &head_.bias, "lm_head.decoder.weight", "lm_head.decoder.bias");
  }

 private:
  struct LmHead : Module {
    explicit LmHead(const BertConfig& c) : dense(c.hidden, c.hidden), layer_norm(c.hidden, c.eps), bias(Shape{c.vocab}) {
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
  const BertConfig c = roberta_config(config);
  auto backbone = std::make_unique<RobertaModel>(c, config.model_type(), kind == HeadKind::kNone);
  std::unique_ptr<Head> head;
  switch (kind) {
    case HeadKind::kNone:
      break;
    case HeadKind::kSequenceClassification:
      head = std::make_unique<BertDenseClassifier>(c, labels, Activation::kTanh);
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

std::string roberta_class_name(HeadKind kind) { return encoder_class_name("Roberta", kind); }
std::string xlm_roberta_class_name(HeadKind kind) { return encoder_class_name("XLMRoberta", kind); }

}  // namespace

extern const Architecture kRoberta, kXlmRoberta;
const Architecture kRoberta{"roberta", "roberta", {"query", "value"}, encoder_target_aliases(), roberta_class_name, make_roberta, false};
const Architecture kXlmRoberta{"xlm-roberta", "roberta", {"query", "value"}, encoder_target_aliases(), xlm_roberta_class_name, make_roberta, false};

}  // namespace attune
