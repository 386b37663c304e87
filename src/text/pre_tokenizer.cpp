// All of these look at one character at a time: its class says whether it is dropped, stands alone or joins its neighbours.
#include "text/pre_tokenizer.h"

#include "text/unicode.h"

namespace attune {
namespace {

constexpr size_t kKept = size_t{1} << 16;  // spans a thread keeps between texts

enum class Class { kRemove, kAlone, kJoin, kJoinOther };

/// Runs of one joining class are words, kAlone characters are words of their own, kRemove ends a word and is in none.
template <class Classify>
void split_by_class(const AlignedText& text, std::vector<Span>& words, Classify classify) {
  thread_local std::vector<Span> out;
  out.clear();
  for (const Span& word : words) {
    size_t begin = word.begin;
    Class open = Class::kRemove;  // class of the run that begins at `begin`
    for (size_t i = word.begin; i < word.end; ++i) {
      const Class c = classify(text.chars[i]);
      if (c == open && c != Class::kAlone) continue;
      if (open != Class::kRemove) out.push_back({begin, i});
      begin = i;
      open = c;
    }
    if (open != Class::kRemove) out.push_back({begin, word.end});
  }
  words.assign(out.begin(), out.end());
  if (out.capacity() > kKept) std::vector<Span>().swap(out);
}

class BertPreTokenizer : public PreTokenizer {
 public:
  void split(AlignedText& text, std::vector<Span>& words) const override {
    const uint16_t* flags = unicode::flags();
    split_by_class(text, words, [flags](char32_t c) {
      const uint16_t f = flags[c];
      return f & unicode::kSpace ? Class::kRemove : f & unicode::kPunct ? Class::kAlone : Class::kJoin;
    });
  }
};

class WhitespaceSplit : public PreTokenizer {
 public:
  void split(AlignedText& text, std::vector<Span>& words) const override {
    const uint16_t* flags = unicode::flags();
    split_by_class(text, words, [flags](char32_t c) { return flags[c] & unicode::kSpace ? Class::kRemove : Class::kJoin; });
  }
};

class Whitespace : public PreTokenizer {
 public:
  void split(AlignedText& text, std::vector<Span>& words) const override {
    const uint16_t* flags = unicode::flags();
    split_by_class(text, words, [flags](char32_t c) {
      const uint16_t f = flags[c];
      return f & unicode::kWordChar ? Class::kJoin : f & unicode::kRegexWhite ? Class::kRemove : Class::kJoinOther;
    });
  }
};

class PreTokenizerSequence : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> parts) : parts_(std::move(parts)) {}
  void split(AlignedText& text, std::vector<Span>& words) const override {
    for (const auto& part : parts_) part->split(text, words);
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> parts_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer() { return std::make_unique<BertPreTokenizer>(); }
std::unique_ptr<PreTokenizer> make_whitespace_split() { return std::make_unique<WhitespaceSplit>(); }
std::unique_ptr<PreTokenizer> make_whitespace() { return std::make_unique<Whitespace>(); }
std::unique_ptr<PreTokenizer> make_pre_tokenizer_sequence(std::vector<std::unique_ptr<PreTokenizer>> parts) {
  return std::make_unique<PreTokenizerSequence>(std::move(parts));
}

}  // namespace attune
