// The encode pipeline: added tokens, normaliser, added tokens in normal form, pre-tokeniser, model, truncation, template.
// Buffers belong to the thread, so a Tokenizer is shared between threads without locks.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "text/byte_level.h"
#include "text/tokenizer_parts.h"
#include "text/truncation.h"
#include "text/unicode.h"

namespace attune {
namespace {

class Pipeline : public Tokenizer {
 public:
  explicit Pipeline(TokenizerParts parts) : p_(std::move(parts)) {
    if (!p_.post_processor.trims.empty()) find_margins();
  }

  Encoding encode(std::string_view text, std::optional<std::string_view> pair, const EncodeOptions& options) const override;
  std::string token(int32_t id) const override {
    if (const AddedToken* t = p_.added.token(id)) return t->content;
    return std::string(p_.model->vocabulary().token(id).value_or(""));
  }
  std::optional<int32_t> id(std::string_view token) const override {
    if (const auto known = p_.added.id(token)) return known;
    return p_.model->vocabulary().id(token);
  }
  std::string decode(const std::vector<int32_t>& ids, bool skip_special_tokens) const override;
  bool append_bytes(int32_t id, bool first, bool skip_special_tokens, std::string& bytes) const override;
  int64_t vocab_size() const override {
    const int64_t count = static_cast<int64_t>(p_.model->vocabulary().size() + p_.added.outside(p_.model->vocabulary()));
    int64_t most = p_.model->vocabulary().max_id();
    if (!p_.added.by_id().empty()) most = std::max<int64_t>(most, p_.added.by_id().rbegin()->first);
    return std::max(count, most + 1);
  }
  std::optional<int32_t> pad_id() const override { return p_.pad_id; }
  std::optional<int32_t> mask_id() const override { return p_.mask_id; }
  std::optional<int32_t> bos_id() const override { return p_.bos_id; }
  std::optional<int32_t> eos_id() const override { return p_.eos_id; }
  int64_t model_max_length() const override { return p_.model_max_length; }
  Side truncation_side() const override { return p_.truncation_side; }
  int64_t special_count(bool pair) const override { return p_.post_processor.special_count(pair); }
  std::vector<std::pair<std::string, std::string>> files(int64_t model_max_length, Side truncation_side) const override {
    return tokenizer_files(p_, model_max_length, truncation_side);
  }

 private:
  struct Buffers {
    AlignedText raw, normal;
    std::vector<Span> words;
    std::vector<Piece> pieces;
    std::string scratch;
  };
  /// Kept between calls: most texts are short, and asking for memory would cost as much as the work. Let go after a large text.
  static Buffers& buffers(size_t bytes) {
    thread_local Buffers mine;
    constexpr size_t kKept = size_t{1} << 20;
    if (mine.raw.chars.capacity() > kKept && bytes < kKept / 8) mine = Buffers();
    return mine;
  }
  TextTokens tokenize(std::string_view text, Buffers& b) const;
  void tokenize_stretch(AlignedView stretch, Buffers& b, TextTokens& out, int32_t& word) const;
  void tokenize_words(AlignedText& text, Buffers& b, TextTokens& out, int32_t& word) const;
  static void add_token(int32_t id, AlignedView covered, int32_t word, TextTokens& out) {
    out.ids.push_back(id);
    out.words.push_back(word);
    out.offsets.emplace_back(covered.origin.front(), covered.origin.back() + 1);
  }
  /// White space at both ends of what the Rust package holds as a token's text: that of the vocabulary, or the stretch that an added
  /// token took.
  template <class Chars>
  static Margin margin_of(const Chars& chars) {
    const uint16_t* flags = unicode::flags();
    const auto blank = [flags](char32_t c) { return c == kByteSpace || (flags[c] & unicode::kSpace) != 0; };
    Margin m;
    for (auto c = chars.begin(); c != chars.end() && blank(*c); ++c) ++m.leading;
    for (auto c = chars.rbegin(); c != chars.rend() && blank(*c); ++c) ++m.trailing;
    return m;
  }
  void find_margins() {
    const Vocabulary& v = p_.model->vocabulary();
    for (size_t rank = 0; rank < v.size(); ++rank) {
      const size_t entry = v.order(rank);
      const Margin m = margin_of(to_code_points(v.text(entry)));
      if (m.leading > 0 || m.trailing > 0) margins_[v.id_of(entry)] = m;
    }
  }
  std::optional<std::string> decoded_token(int32_t id, bool skip_special_tokens) const;

  TokenizerParts p_;
  std::unordered_map<int32_t, Margin> margins_;  ///< of the model's tokens, where there is one and offsets are trimmed
};

TextTokens Pipeline::tokenize(std::string_view text, Buffers& b) const {
  TextTokens out;
  const size_t guess = text.size() / 4 + 8;
  out.ids.reserve(guess);
  out.words.reserve(guess);
  out.offsets.reserve(guess);
  decode_text(text, b.raw);
  int32_t word = 0;
  if (!p_.added.has_raw()) {
    if (b.raw.size() > 0) tokenize_stretch(b.raw.view(), b, out, word);
    return out;
  }
  for (const auto& part : p_.added.find_raw(b.raw.chars)) {
    const AlignedView stretch = b.raw.view(part.span.begin, part.span.size());
    if (part.id) {
      add_token(*part.id, stretch, word++, out);
      if (!p_.post_processor.trims.empty()) out.margins.push_back(margin_of(stretch.chars));
    } else {
      tokenize_stretch(stretch, b, out, word);
    }
  }
  return out;
}

void Pipeline::tokenize_stretch(AlignedView stretch, Buffers& b, TextTokens& out, int32_t& word) const {
  if (p_.normalizer) {
    p_.normalizer->apply(stretch, b.normal);
  } else {
    b.normal.chars.assign(stretch.chars.begin(), stretch.chars.end());
    b.normal.origin.assign(stretch.origin.begin(), stretch.origin.end());
  }
  if (b.normal.size() == 0) return;
  if (!p_.added.has_normalized()) return tokenize_words(b.normal, b, out, word);
  for (const auto& part : p_.added.find_normalized(b.normal.chars)) {
    const AlignedView piece = b.normal.view(part.span.begin, part.span.size());
    if (part.id) {
      add_token(*part.id, piece, word++, out);
      if (!p_.post_processor.trims.empty()) out.margins.push_back(margin_of(piece.chars));
      continue;
    }
    AlignedText copy;
    copy.chars.assign(piece.chars.begin(), piece.chars.end());
    copy.origin.assign(piece.origin.begin(), piece.origin.end());
    tokenize_words(copy, b, out, word);
  }
}

void Pipeline::tokenize_words(AlignedText& text, Buffers& b, TextTokens& out, int32_t& word) const {
  b.words.assign(1, {0, text.size()});
  if (p_.pre_tokenizer) p_.pre_tokenizer->split(text, b.words);
  for (const Span& w : b.words) {
    b.pieces.clear();
    p_.model->tokenize(text, w, b.scratch, b.pieces);
    for (const Piece& piece : b.pieces) add_token(piece.id, text.view(piece.span.begin, piece.span.size()), word, out);
    if (!p_.post_processor.trims.empty()) {
      for (const Piece& piece : b.pieces) {
        const auto margin = margins_.find(piece.id);
        out.margins.push_back(margin == margins_.end() ? Margin() : margin->second);
      }
    }
    ++word;
  }
}

Encoding Pipeline::encode(std::string_view text, std::optional<std::string_view> pair, const EncodeOptions& options) const {
  const bool limited = options.max_length >= 0 && options.strategy != TruncationStrategy::kNone;
  const int64_t specials = options.special_tokens ? special_count(pair.has_value()) : 0;
  const int64_t budget = limited ? options.max_length - specials : 0;
  if (budget < 0) {
    fail(ErrorCode::kUsage, {.id = "tokenizer.max_length",
                             .where = "max_length",
                             .what = "is too small for the special tokens alone",
                             .expected = fmt::format("at least {}", specials),
                             .got = fmt::format("{}", options.max_length)});
  }
  if (options.stride < 0 || (limited && options.return_overflow && options.stride > 0 && options.stride >= budget)) {
    fail(ErrorCode::kUsage,
         {.id = "tokenizer.stride",
          .where = "stride",
          .what = "windows of a text cannot overlap by their whole length",
          .expected = fmt::format("0 to {} (max_length less the special tokens, less 1)", std::max<int64_t>(budget - 1, 0)),
          .got = fmt::format("{}", options.stride),
          .hint = "lower stride or raise max_length"});
  }
  std::vector<TextTokens> texts;
  texts.push_back(tokenize(text, buffers(text.size())));
  if (pair) texts.push_back(tokenize(*pair, buffers(pair->size())));

  const size_t first = texts[0].ids.size();
  const std::optional<size_t> second = pair ? std::optional(texts[1].ids.size()) : std::nullopt;
  const auto [keep_first, keep_second] =
      limited ? truncated_lengths(first, second, static_cast<size_t>(budget), options.strategy) : std::pair{first, second.value_or(0)};
  const auto stride = static_cast<size_t>(options.stride);
  std::vector<std::vector<Span>> kept;
  kept.push_back(windows(first, keep_first, stride, options.truncation_side, options.return_overflow));
  if (pair) kept.push_back(windows(*second, keep_second, stride, options.truncation_side, options.return_overflow));

  Encoding out = post_process(p_.post_processor, texts, kept, options.special_tokens);
  out.truncated = keep_first < first || (second && keep_second < *second);
  return out;
}

std::optional<std::string> Pipeline::decoded_token(int32_t id, bool skip_special_tokens) const {
  std::optional<std::string> text = p_.added.decoded(id);
  if (!text) {
    const auto known = p_.model->vocabulary().token(id);
    if (!known) return std::nullopt;
    text = *known;
  }
  if (skip_special_tokens && p_.added.is_special(*text)) return std::nullopt;
  return text;
}

std::string Pipeline::decode(const std::vector<int32_t>& ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (int32_t id : ids) {
    if (auto text = decoded_token(id, skip_special_tokens)) tokens.push_back(std::move(*text));
  }
  return decode_tokens(p_.decoder, tokens);
}

bool Pipeline::append_bytes(int32_t id, bool first, bool skip_special_tokens, std::string& bytes) const {
  const auto text = decoded_token(id, skip_special_tokens);
  if (!text) return false;
  append_token(p_.decoder, *text, first, bytes);
  return true;
}

}  // namespace

std::shared_ptr<const Tokenizer> make_tokenizer(TokenizerParts parts) { return std::make_shared<Pipeline>(std::move(parts)); }

}  // namespace attune
