// The ByteLevel pre-tokeniser splits by GPT-2's expression, written by hand here:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
#include "text/byte_level.h"

#include <array>
#include <span>

#include "text/aligned_text.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"

namespace attune {
namespace {

struct Alphabet {
  std::array<char32_t, 256> of_byte{};
  std::array<int16_t, 0x180> of_character{};  ///< -1: not of the alphabet
};

constexpr Alphabet make_alphabet() {
  Alphabet a;
  for (auto& b : a.of_character) b = -1;
  char32_t next = 0x100;
  for (int b = 0; b < 256; ++b) {
    const bool itself = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    const char32_t c = itself ? static_cast<char32_t>(b) : next++;
    a.of_byte[static_cast<size_t>(b)] = c;
    a.of_character[c] = static_cast<int16_t>(b);
  }
  return a;
}

constexpr Alphabet kAlphabet = make_alphabet();
static_assert(kAlphabet.of_byte[' '] == kByteSpace && kAlphabet.of_byte[255] == 255 && kAlphabet.of_byte[173] == 0x143);

/// Characters of a contraction that begins with the apostrophe at text[at], 0 when there is none.
size_t contraction(std::span<const char32_t> text, size_t at) {
  const char32_t a = at + 1 < text.size() ? text[at + 1] : 0, b = at + 2 < text.size() ? text[at + 2] : 0;
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

/// The pieces of a text that is not empty, to `emit(begin, end)`.
template <class Emit>
void split_as_gpt2(std::span<const char32_t> text, Emit emit) {
  const uint16_t* flags = unicode::flags();
  constexpr uint16_t kClasses = unicode::kRegexWhite | unicode::kLetter | unicode::kNumber;
  const auto class_of = [&](size_t i) { return flags[text[i]] & kClasses; };
  const size_t n = text.size();
  size_t at = 0;
  while (at < n) {
    size_t end = at;
    if (text[at] == '\'') end += contraction(text, at);
    if (end == at) {
      const size_t first = text[at] == ' ' && at + 1 < n && class_of(at + 1) != unicode::kRegexWhite ? at + 1 : at;
      const int kind = class_of(first);
      end = first + 1;
      while (end < n && class_of(end) == kind) ++end;
      // A run of spaces leaves its last one to what follows it.
      if (kind == unicode::kRegexWhite && end < n && end - at > 1) --end;
    }
    emit(at, end);
    at = end;
  }
}

class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex) : add_prefix_space_(add_prefix_space), use_regex_(use_regex) {}

  void split(AlignedText& text, std::vector<Span>& words) const override {
    AlignedText out;
    std::vector<Span> pieces;
    out.chars.reserve(text.size() + text.size() / 8);
    out.origin.reserve(text.size() + text.size() / 8);
    pieces.reserve(words.size() + text.size() / 4);
    AlignedText spaced;
    for (const Span& word : words) {
      AlignedView view = text.view(word.begin, word.size());
      if (add_prefix_space_ && view.chars[0] != ' ') {
        spaced.chars.assign(1, U' ');
        spaced.origin.assign(1, view.origin[0]);
        spaced.chars.insert(spaced.chars.end(), view.chars.begin(), view.chars.end());
        spaced.origin.insert(spaced.origin.end(), view.origin.begin(), view.origin.end());
        view = spaced.view();
      }
      const auto emit = [&](size_t begin, size_t end) {
        const size_t start = out.size();
        for (size_t i = begin; i < end; ++i) append_bytes(view.chars[i], view.origin[i], out);
        pieces.push_back({start, out.size()});
      };
      if (use_regex_) {
        split_as_gpt2(view.chars, emit);
      } else {
        emit(0, view.size());
      }
    }
    text = std::move(out);
    words = std::move(pieces);
  }

 private:
  static void append_bytes(char32_t c, int32_t origin, AlignedText& out) {
    if (c < 0x80) return out.push(kAlphabet.of_byte[c], origin);
    const auto lead = [&](char32_t b) { out.push(kAlphabet.of_byte[b & 0xff], origin); };
    const auto rest = [&](int shift) { lead(0x80 | (c >> shift & 0x3f)); };
    if (c < 0x800) {
      lead(0xc0 | c >> 6);
    } else if (c < 0x10000) {
      lead(0xe0 | c >> 12);
      rest(6);
    } else {
      lead(0xf0 | c >> 18);
      rest(12);
      rest(6);
    }
    rest(0);
  }

  bool add_prefix_space_, use_regex_;
};

}  // namespace

char32_t byte_character(unsigned char byte) { return kAlphabet.of_byte[byte]; }

std::optional<unsigned char> character_byte(char32_t c) {
  if (c >= kAlphabet.of_character.size() || kAlphabet.of_character[c] < 0) return std::nullopt;
  return static_cast<unsigned char>(kAlphabet.of_character[c]);
}

void append_token_bytes(std::string& out, std::string_view token) {
  const size_t before = out.size();
  for (char32_t c : to_code_points(token)) {
    const auto byte = character_byte(c);
    if (!byte) {
      out.resize(before);
      out.append(token);
      return;
    }
    out.push_back(static_cast<char>(*byte));
  }
}

std::unique_ptr<PreTokenizer> make_byte_level(bool add_prefix_space, bool use_regex) {
  return std::make_unique<ByteLevel>(add_prefix_space, use_regex);
}

}  // namespace attune
