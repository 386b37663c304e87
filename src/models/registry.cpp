#include "models/registry.h"

#include "base/error.h"
#include "base/suggest.h"

namespace attune {

extern const Architecture kBert, kDistilBert;

const std::vector<const Architecture*>& architectures() {
  static const std::vector<const Architecture*> all{&kBert, &kDistilBert};
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

std::unique_ptr<Model> make_model(const ModelConfig& config, HeadKind head, int64_t labels) {
  return find_architecture(config.model_type(), config.where).make(config, head, labels);
}

}  // namespace attune
