// Byte-pair encoding (Sennrich et al. 2016) as the `tokenizers` package does it: the word's characters, then the pair of lowest rank merged
// until none is left.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/token_model.h"

namespace attune {

struct BpeOptions {
  std::optional<std::string> unk_token{};  ///< unset: characters without a token vanish
  std::string continuing_prefix{};         ///< before every character but the first
  std::string word_suffix{};               ///< behind the last character
  bool fuse_unk = false;                   ///< neighbouring unknown characters make one token
  bool byte_fallback = false;              ///< an unknown character becomes tokens <0xNN>, where all of them exist
  bool ignore_merges = false;              ///< a word that is a token is that token
};

/// Two tokens' ids and the id of the token they make.
struct BpeMerge {
  int32_t left, right, result;
};

/// `merges` by rank; of a pair that is there twice the later rank counts. `vocabulary` must hold the unknown token. nullptr when the
/// pairs defeat the hash (only made on purpose).
std::unique_ptr<TokenModel> make_bpe(Vocabulary vocabulary, const std::vector<BpeMerge>& merges, const BpeOptions& options);

}  // namespace attune
