// The two clean-ups differ: the decoder's also turns " do not" into " don't", and looks at one token with its leading space at a time.
#include "text/decoder.h"

#include <string_view>

#include "text/aligned_text.h"
#include "text/byte_level.h"

namespace attune {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  size_t at = text.find(from);
  if (at == std::string::npos) return;
  std::string out;
  size_t done = 0;
  for (; at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  text = out.append(text, done);
}

void clean_up(std::string& text, bool negation) {
  replace_all(text, " .", ".");
  replace_all(text, " ?", "?");
  replace_all(text, " !", "!");
  replace_all(text, " ,", ",");
  replace_all(text, " ' ", "'");
  replace_all(text, " n't", "n't");
  replace_all(text, " 'm", "'m");
  if (negation) replace_all(text, " do not", " don't");
  replace_all(text, " 's", "'s");
  replace_all(text, " 've", "'ve");
  replace_all(text, " 're", "'re");
}

}  // namespace

void append_token(const Decoder& decoder, std::string_view token, bool first, std::string& bytes) {
  if (decoder.byte_level) return append_token_bytes(bytes, token);
  if (!decoder.wordpiece) {
    if (!first) bytes += ' ';
    bytes += token;
    return;
  }
  std::string piece(token);
  if (!first) {
    if (token.starts_with(decoder.wordpiece->prefix)) {
      piece.erase(0, decoder.wordpiece->prefix.size());
    } else {
      piece.insert(0, 1, ' ');
    }
  }
  if (decoder.wordpiece->cleanup) clean_up(piece, true);
  bytes += piece;
}

std::string decode_tokens(const Decoder& decoder, const std::vector<std::string>& tokens) {
  std::string out;
  for (size_t i = 0; i < tokens.size(); ++i) append_token(decoder, tokens[i], i == 0, out);
  if (decoder.byte_level) out = to_utf8(to_code_points(out));
  if (decoder.clean_text) clean_up(out, false);
  return out;
}

}  // namespace attune
