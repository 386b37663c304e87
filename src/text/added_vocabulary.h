// Tokens on top of the model's vocabulary, found in the text before (normalized = false) or after (true) normalisation:
// leftmost, longest, never overlapping.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/aligned_text.h"
#include "text/normalizer.h"
#include "text/vocabulary.h"

namespace attune {

struct AddedToken {
  std::string content{};
  bool single_word = false;  ///< no word character may touch it
  bool lstrip = false;       ///< takes the white space on its left
  bool rstrip = false;
  bool normalized = false;
  bool special = false;
  bool operator==(const AddedToken&) const = default;
};

class AddedVocabulary {
 public:
  /// A stretch of text: an added token with its id, or ordinary text.
  struct Part {
    std::optional<int32_t> id;
    Span span;
  };

  /// As the Rust package's add_tokens: a token the model knows keeps the model's id, others get the next free one.
  void add(const std::vector<AddedToken>& tokens, const Vocabulary& model);
  /// Builds the two matchers. `normalizer` may be null. `where` is for Error(kInput) "tokenizer.added_token": two tokens that look
  /// the same after normalisation, or one of which nothing is left.
  void finish(const Normalizer* normalizer, const std::string& where);

  bool has_raw() const { return !raw_.empty(); }
  bool has_normalized() const { return !normalized_.empty(); }
  /// Parts of `chars` that cover it from left to right; parts are never empty.
  std::vector<Part> find_raw(std::span<const char32_t> chars) const { return find(raw_, chars); }
  std::vector<Part> find_normalized(std::span<const char32_t> chars) const { return find(normalized_, chars); }

  std::optional<int32_t> id(std::string_view token) const;
  const AddedToken* token(int32_t id) const;
  /// What decoding writes for the token: its normal form where it is matched in normalised text.
  std::optional<std::string> decoded(int32_t id) const;
  bool is_special(std::string_view token) const;
  const std::map<int32_t, AddedToken>& by_id() const { return by_id_; }
  size_t outside(const Vocabulary& model) const;  ///< how many the model does not know
  void set_split_special(bool on) { split_special_ = on; }

 private:
  struct Pattern {
    std::u32string text;
    int32_t id;
  };
  std::vector<Part> find(const std::vector<Pattern>& patterns, std::span<const char32_t> chars) const;

  std::map<std::string, int32_t, std::less<>> ids_;
  std::map<int32_t, AddedToken> by_id_;
  std::map<int32_t, std::string> normal_form_;  ///< where it differs from the content
  std::map<std::string, bool, std::less<>> special_;
  std::vector<Pattern> raw_, normalized_;  ///< sorted by text
  bool split_special_ = false;             ///< special tokens in the text are ordinary text
};

}  // namespace attune
