// Tokenizers: text to ids with character offsets, equal to Hugging Face's fast tokenizers (docs/design.md, section 1, promise 1).
// A pipeline as tokenizer.json has it: added tokens, normaliser, pre-tokeniser, model, truncation, post-processor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_files.h"

namespace attune {

enum class Side { kLeft, kRight };
enum class TruncationStrategy { kLongestFirst, kOnlyFirst, kOnlySecond, kNone };

struct EncodeOptions {
  int64_t max_length = -1;  ///< with special tokens; -1: no limit
  Side truncation_side = Side::kRight;
  TruncationStrategy strategy = TruncationStrategy::kLongestFirst;
  int64_t stride = 0;  ///< overlap of overflow windows
  bool special_tokens = true;
  bool return_overflow = false;
};

/// One encoded text or pair. Offsets are [begin, end) in Unicode code points of the text the token came from.
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;
  std::vector<std::pair<int32_t, int32_t>> offsets;  ///< (0, 0) for special tokens
  std::vector<int8_t> special;                       ///< 1: added by the post-processor
  std::vector<int8_t> sequence;                      ///< 0 first text, 1 second, -1 special
  std::vector<int32_t> word_ids;                     ///< pre-token index within its sequence, -1 special
  bool truncated = false;
  std::vector<Encoding> overflow;  ///< further windows, with return_overflow
};

/// Thread-safe after construction.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Text may hold any bytes; invalid UTF-8 sequences count as U+FFFD each (as Python's errors="replace" would give).
  virtual Encoding encode(std::string_view text, std::optional<std::string_view> pair = std::nullopt,
                          const EncodeOptions& options = {}) const = 0;
  /// The token's text as in the vocabulary; "" when the id is not known.
  virtual std::string token(int32_t id) const = 0;
  virtual std::optional<int32_t> id(std::string_view token) const = 0;
  virtual std::string decode(const std::vector<int32_t>& ids, bool skip_special_tokens) const = 0;
  /// Appends the bytes that `id` adds to a decoded text (nothing for an id that is not known, or a special token that is left out); they need
  /// not be whole characters. `first`: nothing was added before. See text/stream_decoder.h. False: nothing to add.
  virtual bool append_bytes(int32_t id, bool first, bool skip_special_tokens, std::string& bytes) const = 0;
  virtual int64_t vocab_size() const = 0;  ///< with added tokens
  virtual std::optional<int32_t> pad_id() const = 0;
  virtual std::optional<int32_t> mask_id() const = 0;
  virtual std::optional<int32_t> bos_id() const = 0;  ///< bos_token, begin of a text, of tokenizer_config.json
  virtual std::optional<int32_t> eos_id() const = 0;  ///< eos_token, its end; a model may end at others too (generation_config.json)
  virtual int64_t model_max_length() const = 0;  ///< tokenizer_config.json; -1: no limit
  virtual Side truncation_side() const = 0;      ///< tokenizer_config.json; right by default
  /// Special tokens the post-processor adds.
  virtual int64_t special_count(bool pair) const = 0;
  /// Files to put into a saved model folder so that it stands alone and transformers reads the same tokenizer from it:
  /// name and content (tokenizer.json, tokenizer_config.json, vocab.txt, chat_template.jinja). `truncation_side` and `model_max_length` as they should be saved.
  virtual std::vector<std::pair<std::string, std::string>> files(int64_t model_max_length, Side truncation_side) const = 0;
};

/// True when a folder has files that load_tokenizer begins with.
bool has_tokenizer(const TextFiles& files);

/// From a model folder: tokenizer.json, else vocab.txt or vocab.json and merges.txt with tokenizer_config.json (formats: sections 8.1-8.6).
/// Unknown components are Error(kInput) "tokenizer.unsupported" naming the thing and what is supported.
std::shared_ptr<const Tokenizer> load_tokenizer(const TextFiles& files);

}  // namespace attune
