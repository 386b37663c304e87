// Special and added tokens as the side files of a model folder declare them: tokenizer_config.json, special_tokens_map.json (older),
// added_tokens.json (oldest). The order of the lists decides ids, so it is that of transformers.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/added_vocabulary.h"

namespace attune {

struct SpecialTokens {
  std::map<int32_t, AddedToken> by_declared_id;           ///< added_tokens_decoder, or the older files
  std::vector<std::pair<std::string, AddedToken>> named;  ///< "cls_token" -> token, in transformers' order
  std::vector<AddedToken> extra;

  const AddedToken* find(const std::string& name) const;
  /// Everything, in the order transformers adds it to the tokenizer.
  std::vector<AddedToken> in_order() const;
};

struct SpecialTokenSources {
  const Json& config;  ///< tokenizer_config.json, {} when absent
  std::string config_where;
  std::optional<Json> map;  ///< special_tokens_map.json
  std::string map_where;
  std::optional<Json> added;  ///< added_tokens.json
  std::string added_where;
  const std::vector<std::pair<int32_t, AddedToken>>& in_document;  ///< added_tokens of tokenizer.json
  std::span<const std::pair<const char*, const char*>> defaults;  ///< name -> token where a name is absent
};

SpecialTokens read_special_tokens(const SpecialTokenSources& sources);

}  // namespace attune
