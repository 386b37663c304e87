// For each start the hashes of all prefixes are made in one pass, then tried from the longest to the shortest; no prefix longer than
// the longest token is looked at, so a word costs at most its length times that.
#include "text/wordpiece.h"

#include <algorithm>

#include "base/error.h"

namespace attune {
namespace {

class WordPiece : public TokenModel {
 public:
  WordPiece(Vocabulary vocabulary, const WordPieceOptions& o)
      : vocabulary_(std::move(vocabulary)), prefix_(o.continuing_prefix), max_characters_(o.max_characters) {
    const auto unk = vocabulary_.id(o.unk_token);
    require(unk.has_value(), "the caller checks that the unknown token is in the vocabulary");
    unk_ = *unk;
    continued_.add(prefix_);
    longest_first_ = vocabulary_.longest();
    longest_next_ = longest_first_ > prefix_.size() ? longest_first_ - prefix_.size() : 0;
  }

  const Vocabulary& vocabulary() const override { return vocabulary_; }

  void tokenize(const AlignedText& text, Span word, std::string& scratch, std::vector<Piece>& out) const override {
    if (word.size() > max_characters_) {
      out.push_back({unk_, word});
      return;
    }
    scratch.resize(word.size());
    size_t ascii = 0;
    for (; ascii < word.size() && text.chars[word.begin + ascii] < 0x80; ++ascii)
      scratch[ascii] = static_cast<char>(text.chars[word.begin + ascii]);
    if (ascii < word.size()) {
      scratch.resize(ascii);
      for (size_t i = word.begin + ascii; i < word.end; ++i) append_character(scratch, text.chars[i]);
    }
    const std::string_view bytes = scratch;
    const size_t before = out.size();
    size_t begin = 0, first = word.begin;  // byte and character where the next piece starts
    while (begin < bytes.size()) {
      const bool next = begin > 0;
      const size_t limit = next ? longest_next_ : longest_first_;
      const size_t most = std::min(bytes.size() - begin, limit);
      Match match;
      if (most <= kStackBytes) {
        Vocabulary::Hash hashes[kStackBytes + 1];
        match = longest(bytes.substr(begin, most), next, hashes);
      } else {
        std::vector<Vocabulary::Hash> hashes(most + 1);
        match = longest(bytes.substr(begin, most), next, hashes.data());
      }
      if (match.bytes == 0) {
        out.resize(before);
        out.push_back({unk_, word});
        return;
      }
      size_t last = first;
      for (size_t b = 0; b < match.bytes; ++b) last += starts_character(bytes[begin + b]);
      out.push_back({match.id, {first, last}});
      begin += match.bytes;
      first = last;
    }
  }

 private:
  static constexpr size_t kStackBytes = 256;
  struct Match {
    size_t bytes = 0;
    int32_t id = 0;
  };
  static bool starts_character(char b) { return (static_cast<unsigned char>(b) & 0xc0) != 0x80; }

  /// `hashes` has room for one more than rest.size().
  Match longest(std::string_view rest, bool next, Vocabulary::Hash* hashes) const {
    hashes[0] = next ? continued_ : Vocabulary::Hash{};
    for (size_t i = 0; i < rest.size(); ++i) {
      hashes[i + 1] = hashes[i];
      hashes[i + 1].add(rest[i]);
    }
    const std::string_view prefix = next ? std::string_view(prefix_) : std::string_view();
    for (size_t n = rest.size(); n > 0; --n) {
      if (const auto id = vocabulary_.id(hashes[n], prefix, rest.substr(0, n))) return {n, *id};
    }
    return {};
  }

  Vocabulary vocabulary_;
  std::string prefix_;
  uint64_t max_characters_;
  int32_t unk_ = 0;
  Vocabulary::Hash continued_;
  size_t longest_first_ = 0, longest_next_ = 0;
};

}  // namespace

std::unique_ptr<TokenModel> make_wordpiece(Vocabulary vocabulary, const WordPieceOptions& options) {
  return std::make_unique<WordPiece>(std::move(vocabulary), options);
}

}  // namespace attune
