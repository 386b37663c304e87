#include "models/encoder_parts.h"

#include <cmath>

#include "base/error.h"

namespace attune {

BertConfig::BertConfig(const ModelConfig& c, const BertDefaults& d)
    : hidden(c.size("hidden_size", d.hidden, kMaxWidth)),
      layers(c.size("num_hidden_layers", 12, kMaxLayers)),
      heads(c.size("num_attention_heads", d.heads, kMaxWidth)),
      intermediate(c.size("intermediate_size", d.intermediate, kMaxWidth * 4)),
      vocab(c.size("vocab_size", d.vocab, kMaxVocabulary)),
      positions(c.size("max_position_embeddings", 512, kMaxPositions)),
      types(c.size("type_vocab_size", 2, kMaxWidth)),
      pad(c.token("pad_token_id", d.pad)),
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
    fail(ErrorCode::kInput, {.id = "config.is_decoder", .where = c.where, .what = c.model_type() + " as a decoder is not supported"});
}

BackboneInfo BertConfig::info(const std::string& model_type, int64_t usable_positions, int64_t token_types) const {
  BackboneInfo i{model_type, hidden, layers, heads, intermediate, vocab, usable_positions, token_types, pad, initializer_range};
  i.dropouts = {{"hidden_dropout_prob", hidden_dropout, true}, {"attention_probs_dropout_prob", attention_dropout, false}};
  return i;
}

BertEmbeddings::BertEmbeddings(const BertConfig& c, int64_t width)
    : word(c.vocab, width, c.pad), position(c.positions, width), type(c.types, width), norm(width, c.eps), p(c.hidden_dropout) {
  add("word_embeddings", word);
  add("position_embeddings", position);
  add("token_type_embeddings", type);
  add("LayerNorm", norm);
}

Var BertEmbeddings::forward(const Context& ctx, const Input& in) const {
  const EmbeddingTerm terms[] = {word.rows(in.batch->ids), type.rows(in.batch->type_ids), position.rows(in.batch->positions)};
  const Var sum = embedding_sum(ctx, terms, in.dropout_keys);
  return dropout(ctx, add_norm(ctx, sum, nullptr, {}, norm), {p, key});
}

std::string encoder_class_name(const std::string& family, HeadKind kind) {
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

std::map<std::string, std::string> encoder_target_aliases() {
  return {{"q_lin", "query"}, {"k_lin", "key"}, {"v_lin", "value"}, {"q_proj", "query"}, {"k_proj", "key"}, {"v_proj", "value"}};
}

BertSelfAttention::BertSelfAttention(const BertConfig& c) : query(c.hidden, c.hidden), key(c.hidden, c.hidden), value(c.hidden, c.hidden) {
  add("query", query);
  add("key", key);
  add("value", value);
  spec.heads = c.heads;
  spec.scale = 1.0f / std::sqrt(static_cast<float>(c.hidden / c.heads));
  spec.dropout.p = c.attention_dropout;
}

BertOutput::BertOutput(int64_t out, int64_t in, const BertConfig& c) : dense(out, in), norm(out, c.eps), p(c.hidden_dropout) {
  add("dense", dense);
  add("LayerNorm", norm);
}

BertAttention::BertAttention(const BertConfig& c) : self(c), output(c.hidden, c.hidden, c) {
  add("self", self);
  add("output", output);
}

BertLayer::BertLayer(const BertConfig& c) : attention(c), intermediate(c), output(c.hidden, c.intermediate, c) {
  add("attention", attention);
  add("intermediate", intermediate);
  add("output", output);
}

Var BertLayer::forward(const Context& ctx, const Var& x, const Starts& starts, const std::shared_ptr<const std::vector<int64_t>>& rows, const Starts& row_starts) const {
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

BertEncoder::BertEncoder(const BertConfig& c) {
  for (int64_t i = 0; i < c.layers; ++i) {
    layers.push_back(std::make_unique<BertLayer>(c));
    add("layer." + std::to_string(i), *layers.back());
  }
}

void BertEncoder::add_layers(const Input& in, ForwardPass& p) const {
  const auto starts = std::make_shared<const std::vector<int64_t>>(in.batch->starts);
  p.rows = rows_read(*in.batch, in.read);
  const Starts row_starts = p.rows ? one_row_each(in.batch->sequences()) : nullptr;
  for (const auto& layer : layers) {
    const auto read = layer == layers.back() ? p.rows : nullptr;
    p.layers.push_back([&layer = *layer, starts, read, row_starts](const Context& c, const Var& v) { return layer.forward(c, v, starts, read, row_starts); });
  }
}

BertDenseClassifier::Classifier::Classifier(const BertConfig& c, int64_t labels) : dense(c.hidden, c.hidden), out_proj(labels, c.hidden), p(c.classifier_dropout) {
  add("dense", dense);
  add("out_proj", out_proj);
}

BertDenseClassifier::BertDenseClassifier(const BertConfig& c, int64_t labels, Activation activation) : classifier_(c, labels), activation_(activation) {
  add("classifier", classifier_);
}

Var BertDenseClassifier::forward(const Context& ctx, const Var& hidden) {
  const Var h = linear(ctx, dropout(ctx, hidden, {classifier_.p, classifier_.before}), classifier_.dense, {activation_});
  return linear(ctx, dropout(ctx, h, {classifier_.p, classifier_.after}), classifier_.out_proj);
}

}  // namespace attune
