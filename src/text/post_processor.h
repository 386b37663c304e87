// The template that puts special tokens around the texts: [CLS] A [SEP] B [SEP].
#pragma once

#include <cstdint>
#include <vector>

#include "text/aligned_text.h"
#include "text/tokenizer.h"

namespace attune {

struct TemplatePiece {
  enum Kind { kFirst, kSecond, kSpecial } kind;
  int32_t type_id;
  std::vector<int32_t> ids{};  ///< of kSpecial
};

struct PostProcessor {
  std::vector<TemplatePiece> single{{TemplatePiece::kFirst, 0}};
  std::vector<TemplatePiece> pair{{TemplatePiece::kFirst, 0}, {TemplatePiece::kSecond, 1}};

  /// Passes that take white space off the offsets (ByteLevel, RobertaProcessing), each with its add_prefix_space: the one space in front of
  /// a text's first token then stays.
  std::vector<bool> trims{};
  /// TemplateProcessing of the package gives its type ids to the kept windows alone; further ones keep 0 and 1.
  bool types_kept_windows_only = false;

  const std::vector<TemplatePiece>& pieces(bool is_pair) const { return is_pair ? pair : single; }
  int64_t special_count(bool is_pair) const;
};

/// White-space characters at both ends of a token.
struct Margin {
  int32_t leading = 0, trailing = 0;
};

/// The tokens of one text before truncation.
struct TextTokens {
  std::vector<int32_t> ids, words;
  std::vector<std::pair<int32_t, int32_t>> offsets;
  std::vector<Margin> margins;  ///< only where offsets are trimmed
};

/// Fills the template from windows of the texts. `windows[i]` lists those of text i, the kept one first; with more than one, every
/// combination becomes an overflow encoding in the Rust package's order.
Encoding post_process(const PostProcessor& processor, const std::vector<TextTokens>& texts, const std::vector<std::vector<Span>>& windows,
                      bool special_tokens);

}  // namespace attune
