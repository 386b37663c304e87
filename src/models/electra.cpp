// ELECTRA (Clark et al., arXiv 2003.10555) as Hugging Face computes it: BERT's encoder over embeddings that may be narrower than the layers, and
// heads without a pooler. The masked language model is the paper's generator.
#include "models/encoder_parts.h"
#include "models/registry.h"
#include "nn/language_head.h"
#include "nn/token_heads.h"

namespace attune {
namespace {

class ElectraModel : public Backbone {
 public:
  ElectraModel(const BertConfig& c, int64_t width) : embeddings_(c, width), encoder_(c) {
    add("embeddings", embeddings_);
    if (width != c.hidden) {
      project_ = std::make_unique<Linear>(c.hidden, width);
      add("embeddings_project", *project_);
    }
    add("encoder", encoder_);
    info_ = c.info("electra", c.positions, c.types);
  }
  const BackboneInfo& info() const override { return info_; }
  ForwardPass pass(const Input& in) override {
    ForwardPass p;
    p.embeddings = [this, in](const Context& c) {
      const Var x = embeddings_.forward(c, in);
      return project_ ? linear(c, x, *project_) : x;
    };
    encoder_.add_layers(in, p);
    return p;
  }
  Embedding& word_embeddings() { return embeddings_.word; }

 private:
  BertEmbeddings embeddings_;
  std::unique_ptr<Linear> project_;
  BertEncoder encoder_;
  BackboneInfo info_;
};

/// ElectraForMaskedLM: dense -> gelu -> LayerNorm, as wide as the embeddings -> word embeddings' + bias.
class ElectraMaskedLm : public LanguageHead {
 public:
  ElectraMaskedLm(const BertConfig& c, int64_t width, Embedding& words) : dense_(width, c.hidden), norm_(width, c.eps), bias_(Shape{c.vocab}) {
    add("generator_predictions.dense", dense_);
    add("generator_predictions.LayerNorm", norm_);
    add("generator_lm_head.bias", bias_);
    tie(words, &bias_, "generator_lm_head.weight", "");
  }

 private:
  Var transform(const Context& ctx, const Var& hidden) const override {
    return add_norm(ctx, linear(ctx, hidden, dense_, {Activation::kGelu}), nullptr, {}, norm_);
  }
  Linear dense_;
  LayerNorm norm_;
  Parameter bias_;
};

std::unique_ptr<Model> make_electra(const ModelConfig& config, HeadKind kind, int64_t labels) {
  const BertConfig c(config, {.hidden = 256, .heads = 4, .intermediate = 1024});
  const int64_t width = config.size("embedding_size", 128, kMaxWidth);
  auto backbone = std::make_unique<ElectraModel>(c, width);
  std::unique_ptr<Head> head;
  switch (kind) {
    case HeadKind::kNone:
      break;
    case HeadKind::kSequenceClassification:
      head = std::make_unique<BertDenseClassifier>(c, labels, Activation::kGelu);
      break;
    case HeadKind::kTokenClassification:
      head = std::make_unique<TokenHead>("classifier", labels, c.hidden, c.classifier_dropout);
      break;
    case HeadKind::kQuestionAnswering:
      head = std::make_unique<TokenHead>("qa_outputs", labels = 2, c.hidden, 0.0f);
      break;
    case HeadKind::kMaskedLm:
      require_tied(config, true);
      head = std::make_unique<ElectraMaskedLm>(c, width, backbone->word_embeddings());
      labels = c.vocab;
      break;
    case HeadKind::kCausalLm:
      no_such_head(config, kind);
  }
  return std::make_unique<Model>("electra", std::move(backbone), std::move(head), labels);
}

std::string electra_class_name(HeadKind kind) { return encoder_class_name("Electra", kind); }

}  // namespace

extern const Architecture kElectra;
const Architecture kElectra{"electra", "electra", {"query", "value"}, encoder_target_aliases(), electra_class_name, make_electra, true};

}  // namespace attune
