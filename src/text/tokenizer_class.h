// The tokenizer classes of transformers that take only the vocabulary (and GPT-2's its post-processor) from tokenizer.json and build the rest
// from the keyword arguments in tokenizer_config.json; an argument that is missing has the class default.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>

#include "base/json.h"

namespace attune {

enum class TokenizerClass {
  kDocument,  ///< any other class: tokenizer.json as it is
  kBert,
  kGpt2,
  kRoberta,
};

/// What transformers would load for a folder: by tokenizer_class, else by config.json's model_type. `bare_lines`: there is a vocab.txt and
/// no tokenizer.json, which without any name is BERT's.
TokenizerClass tokenizer_class_of(const std::string& tokenizer_class, const std::string& model_type, bool bare_lines);

/// The class's own name; "" for kDocument.
std::string class_name(TokenizerClass c);

/// "unk_token" -> "[UNK]" ..., where tokenizer_config.json does not name them.
std::span<const std::pair<const char*, const char*>> default_special_tokens(TokenizerClass c);

/// The parts of tokenizer.json that the class builds: normalizer, pre_tokenizer, decoder, model (without vocabulary and merges).
/// `name` gives the special token of a name; `where` is tokenizer_config.json.
Json class_parts(TokenizerClass c, const Json& config, const std::function<std::string(const char*)>& name, const std::string& where);

/// The post-processor of a BERT tokenizer, of RoBERTa's, or of GPT-2's without tokenizer.json. `id` gives the id of a special token.
Json class_post_processor(TokenizerClass c, const Json& config, const std::function<std::string(const char*)>& name,
                          const std::function<int32_t(const std::string&)>& id, const std::string& where);

/// Takes what the class would leave to its defaults from the parts that take effect into tokenizer_config.json.
void write_class_arguments(TokenizerClass c, const Json& document, Json& config);

}  // namespace attune
