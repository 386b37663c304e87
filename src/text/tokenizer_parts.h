// Everything a tokenizer is made of, as the loader hands it to the pipeline.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "text/added_vocabulary.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/token_model.h"

namespace attune {

struct TokenizerParts {
  std::unique_ptr<Normalizer> normalizer;       ///< may be null
  std::unique_ptr<PreTokenizer> pre_tokenizer;  ///< may be null
  std::unique_ptr<TokenModel> model;
  AddedVocabulary added;
  PostProcessor post_processor;
  Decoder decoder;
  std::optional<int32_t> pad_id, mask_id, bos_id, eos_id;
  std::optional<std::string> chat_template_file;  ///< content of chat_template.jinja
  int64_t model_max_length = -1;
  Side truncation_side = Side::kRight;
  /// The parts' JSON as it takes effect (not always as the files had it), for saving: tokenizer.json without added_tokens and without
  /// the model's vocabulary, and tokenizer_config.json.
  Json document = Json::object(), config = Json::object();
};

std::shared_ptr<const Tokenizer> make_tokenizer(TokenizerParts parts);

/// The files of Tokenizer::files.
std::vector<std::pair<std::string, std::string>> tokenizer_files(const TokenizerParts& parts, int64_t model_max_length,
                                                                 Side truncation_side);

}  // namespace attune
