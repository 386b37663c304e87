// Ids to text as they are generated: only whole characters come out. Of byte-level tokenizers a token may hold part of a character, which
// waits for the rest.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "text/tokenizer.h"

namespace attune {

/// All that push and finish returned, joined, is Tokenizer::decode of the same ids, except that clean_up_tokenization_spaces (which no
/// generating model's tokenizer obeys) is not applied.
class StreamDecoder {
 public:
  StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special_tokens)
      : tokenizer_(std::move(tokenizer)), skip_special_tokens_(skip_special_tokens) {}

  /// The text that `id` completes; bytes that can begin no character become U+FFFD.
  std::string push(int32_t id);
  /// What is left of an unfinished character, as U+FFFD; the next push begins a new text.
  std::string finish();

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  bool skip_special_tokens_, first_ = true;
  std::string held_;  ///< the beginning of a character
};

}  // namespace attune
