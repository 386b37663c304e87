// Tokens back to text.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace attune {

/// Pieces with the prefix join the one before them, others get a space; `cleanup` takes spaces before punctuation away.
struct WordPieceDecoder {
  std::string prefix = "##";
  bool cleanup = true;
};

struct Decoder {
  std::optional<WordPieceDecoder> wordpiece{};  ///< unset: tokens joined by spaces
  bool clean_text = false;                      ///< clean_up_tokenization_spaces: the same replacements on the whole text
};

std::string decode_tokens(const Decoder& decoder, const std::vector<std::string>& tokens);

}  // namespace attune
