// Reading config.json of a Hugging Face folder: one function a kind of value, each with limits that keep hostile numbers from
// turning into allocations. Errors name the file and the key.
#pragma once

#include <string>

#include "base/json.h"
#include "kernels/kernels.h"

namespace attune {

struct ModelConfig {
  Json json;          ///< the whole document, unknown keys kept
  std::string where;  ///< the file's path, for messages

  /// A size in [1, most]; Error(kInput) "json.range".
  int64_t size(const std::string& key, int64_t absent, int64_t most) const { return get_int(json, key, absent, where, 1, most); }
  /// A token id, or `absent` when null.
  int32_t token(const std::string& key, int32_t absent) const;
  double number(const std::string& key, double absent) const { return get_number(json, key, absent, where); }
  /// In [0, 1); Error(kInput) "config.probability".
  float probability(const std::string& key, double absent) const;
  /// Error(kInput) "config.activation" lists the known ones.
  Activation activation(const std::string& key, const std::string& absent) const;
  std::string model_type() const;
};

constexpr int64_t kMaxWidth = 65536, kMaxLayers = 1024, kMaxVocabulary = 16'000'000, kMaxPositions = 4'000'000;

}  // namespace attune
