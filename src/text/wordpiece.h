// WordPiece: greedy longest match from the left; a word with a position that matches nothing is one unknown token
// (Schuster and Nakajima 2012, as BERT uses it).
#pragma once

#include <memory>

#include "text/token_model.h"

namespace attune {

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_prefix = "##";
  uint64_t max_characters = 100;  ///< a longer word is unknown
};

/// `vocabulary` must hold the unknown token.
std::unique_ptr<TokenModel> make_wordpiece(Vocabulary vocabulary, const WordPieceOptions& options);

}  // namespace attune
