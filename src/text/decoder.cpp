// The two clean-ups differ: the decoder's also turns " do not" into " don't", and looks at one token with its leading space at a time.
#include "text/decoder.h"

#include <string_view>

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

std::string decode_tokens(const Decoder& decoder, const std::vector<std::string>& tokens) {
  std::string out;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!decoder.wordpiece) {
      if (i > 0) out += ' ';
      out += tokens[i];
      continue;
    }
    std::string piece = tokens[i];
    if (i > 0) {
      if (std::string_view(piece).starts_with(decoder.wordpiece->prefix)) {
        piece.erase(0, decoder.wordpiece->prefix.size());
      } else {
        piece.insert(0, 1, ' ');
      }
    }
    if (decoder.wordpiece->cleanup) clean_up(piece, true);
    out += piece;
  }
  if (decoder.clean_text) clean_up(out, false);
  return out;
}

}  // namespace attune
