#include "models/registry.h"

#include "base/error.h"
#include "base/suggest.h"

namespace attune {

extern const Architecture kBert, kDistilBert, kRoberta, kXlmRoberta, kElectra, kGpt2, kLlama;

const std::vector<const Architecture*>& architectures() {
  static const std::vector<const Architecture*> all{&kBert, &kDistilBert, &kRoberta, &kXlmRoberta, &kElectra, &kGpt2, &kLlama};
  return all;
}

const Architecture& find_architecture(const std::string& model_type, const std::string& where) {
  std::vector<std::string> names;
  for (const Architecture* a : architectures()) {
    if (a->model_type == model_type) return *a;
    names.push_back(a->model_type);
  }
  fail(ErrorCode::kInput, {.id = "model.unsupported", .where = where, .what = "model_type \"" + model_type + "\" is not supported", .hint = suggestion(model_type, names)});
}

HeadKind head_of_class(const Architecture& a, const std::string& class_name) {
  for (const HeadKind kind : kHeadKinds)
    if (!class_name.empty() && a.class_name(kind) == class_name) return kind;
  return HeadKind::kNone;
}

const char* describe(HeadKind kind) {
  switch (kind) {
    case HeadKind::kNone: return "a bare backbone";
    case HeadKind::kSequenceClassification: return "sequence classification";
    case HeadKind::kTokenClassification: return "token classification";
    case HeadKind::kQuestionAnswering: return "question answering";
    case HeadKind::kCausalLm: return "a causal language model";
    case HeadKind::kMaskedLm: return "a masked language model";
  }
  return "";
}

void no_such_head(const ModelConfig& config, HeadKind kind) {
  const Architecture& a = find_architecture(config.model_type(), config.where);
  std::string known;
  for (const HeadKind k : kHeadKinds)
    if (k != HeadKind::kNone && !a.class_name(k).empty()) known += (known.empty() ? "" : ", ") + std::string(describe(k));
  fail(ErrorCode::kUsage, {.id = "model.no_such_head",
                           .where = config.where,
                           .what = a.model_type + " models have no head for " + describe(kind),
                           .expected = known,
                           .hint = "choose another model or another task"});
}

void require_tied(const ModelConfig& config, bool absent) {
  if (!get_bool(config.json, "tie_word_embeddings", absent, config.where))
    fail(ErrorCode::kInput, {.id = "config.tie_word_embeddings",
                             .where = config.where + " (tie_word_embeddings)",
                             .what = "output weights apart from the word embeddings are not supported for " + config.model_type(),
                             .expected = "true"});
}

std::unique_ptr<Model> make_model(const ModelConfig& config, HeadKind head, int64_t labels) {
  return find_architecture(config.model_type(), config.where).make(config, head, labels);
}

}  // namespace attune
