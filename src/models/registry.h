// The architectures: one file and one line each.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/backbone.h"
#include "nn/model_config.h"

namespace attune {

struct Architecture {
  std::string model_type;  ///< config.json
  std::string prefix;      ///< of backbone keys in a checkpoint with a head
  std::vector<std::string> default_lora_targets;
  /// What people call a module in another architecture's words: query -> q_lin.
  std::map<std::string, std::string> target_aliases;
  /// `architectures` entry of config.json for a head; "": the architecture has no such head.
  std::string (*class_name)(HeadKind);
  /// Error(kUsage) "model.no_such_head".
  std::unique_ptr<Model> (*make)(const ModelConfig&, HeadKind, int64_t labels);
  bool takes_token_types;
};

/// Error(kInput) "model.unsupported" names the type and the supported ones.
const Architecture& find_architecture(const std::string& model_type, const std::string& where);
const std::vector<const Architecture*>& architectures();
/// The head of an `architectures` entry of config.json; kNone for a bare backbone and for classes that are not known.
HeadKind head_of_class(const Architecture&, const std::string& class_name);
/// "a causal language model": for messages.
const char* describe(HeadKind);
/// Error(kUsage) "model.no_such_head" names what the architecture has.
[[noreturn]] void no_such_head(const ModelConfig&, HeadKind);
/// For heads whose matrix can only be the word embedding: Error(kInput) "config.tie_word_embeddings".
void require_tied(const ModelConfig&, bool absent);

/// By config.json's model_type.
std::unique_ptr<Model> make_model(const ModelConfig&, HeadKind, int64_t labels);

}  // namespace attune
