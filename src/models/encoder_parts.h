// What BERT (Devlin et al., arXiv 1810.04805) and its descendants share: embeddings, an encoder of post-norm layers of self-attention and a
// feed-forward, a classifier without a pooler, and what config.json says of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/backbone.h"
#include "nn/model_config.h"

namespace attune {

/// What a config.json that does not say means.
struct BertDefaults {
  int64_t vocab = 30522, hidden = 768, heads = 12, intermediate = 3072;
  int32_t pad = 0;
};

/// The keys of config.json that all of BERT's family have. Error(kInput) for what is not built: relative positions, decoders.
struct BertConfig {
  explicit BertConfig(const ModelConfig&, const BertDefaults& = {});
  int64_t hidden, layers, heads, intermediate, vocab, positions, types;
  int32_t pad;
  float eps, hidden_dropout, attention_dropout, classifier_dropout;
  double initializer_range;
  Activation activation;
  /// Of tokens that stand at positions [0, positions), with this many kinds of them.
  BackboneInfo info(const std::string& model_type, int64_t positions, int64_t types) const;
};

/// Words, positions and token types of `width`, their norm and dropout.
struct BertEmbeddings : Module {
  BertEmbeddings(const BertConfig&, int64_t width);
  Var forward(const Context&, const Input&) const;
  void named() override { key = dropout_key(*this, "dropout"); }
  Embedding word, position, type;
  LayerNorm norm;
  float p;
  uint64_t key = 0;
};

/// `family`ForTokenClassification and its like; "": no such head.
std::string encoder_class_name(const std::string& family, HeadKind);
/// Other architectures' words for query, key and value.
std::map<std::string, std::string> encoder_target_aliases();

struct BertSelfAttention : Module {
  explicit BertSelfAttention(const BertConfig&);
  void named() override { spec.dropout.module_key = dropout_key(*this, "dropout"); }
  Linear query, key, value;
  AttentionSpec spec;
};

/// dense -> dropout -> + residual -> LayerNorm: the shape of attention.output and of output.
struct BertOutput : Module {
  BertOutput(int64_t out, int64_t in, const BertConfig&);
  Var add_to(const Context& ctx, const Var& product, const Var& residual) const { return add_norm(ctx, product, &residual, {p, key}, norm); }
  void named() override { key = dropout_key(*this, "dropout"); }
  Linear dense;
  LayerNorm norm;
  float p;
  uint64_t key = 0;
};

struct BertAttention : Module {
  explicit BertAttention(const BertConfig&);
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
  explicit BertLayer(const BertConfig&);
  Var forward(const Context&, const Var& x, const Starts&, const std::shared_ptr<const std::vector<int64_t>>& rows, const Starts& row_starts) const;
  BertAttention attention;
  BertIntermediate intermediate;
  BertOutput output;
};

struct BertEncoder : Module {
  explicit BertEncoder(const BertConfig&);
  /// The layers' part of a pass; the last one computes only the rows that are read.
  void add_layers(const Input&, ForwardPass&) const;
  std::vector<std::unique_ptr<BertLayer>> layers;
};

/// The sequence classifier of those without a pooler: first token -> dropout -> dense -> activation -> dropout -> out_proj, all of it called
/// `classifier`.
class BertDenseClassifier : public Head {
 public:
  BertDenseClassifier(const BertConfig&, int64_t labels, Activation);
  ReadRows reads() const override { return ReadRows::kFirst; }
  Var forward(const Context&, const Var& hidden) override;

 private:
  struct Classifier : Module {
    Classifier(const BertConfig&, int64_t labels);
    void named() override {
      before = dropout_key(*this, "dropout");
      after = dropout_key(*this, "dropout.1");
    }
    Linear dense, out_proj;
    float p;
    uint64_t before = 0, after = 0;
  };
  Classifier classifier_;
  Activation activation_;
};

}  // namespace attune
