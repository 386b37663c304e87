// Tokens back to text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune {

/// Pieces with the prefix join the one before them, others get a space; `cleanup` takes spaces before punctuation away.
struct WordPieceDecoder {
  std::string prefix = "##";
  bool cleanup = true;
};

struct Decoder {
  std::optional<WordPieceDecoder> wordpiece{};
  bool byte_level = false;  ///< tokens in the byte alphabet; with neither: tokens joined by spaces
  bool clean_text = false;  ///< clean_up_tokenization_spaces: the same replacements on the whole text
};

/// Appends what one token adds to the text, in bytes. `first`: no token before it.
void append_token(const Decoder& decoder, std::string_view token, bool first, std::string& bytes);
std::string decode_tokens(const Decoder& decoder, const std::vector<std::string>& tokens);

}  // namespace attune
