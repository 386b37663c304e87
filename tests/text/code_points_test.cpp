// Every code point through each normaliser, pre-tokeniser and added-token rule, as checksums of 4,096 at a time.
#include <fmt/format.h>
#include <zlib.h>

#include <functional>

#include "text/added_vocabulary.h"
#include "text/golden_text.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"

namespace attune::testing {
namespace {

using Produce = std::function<std::string(char32_t)>;

std::string normalized(const Normalizer& n, std::u32string_view text) {
  AlignedText in, out;
  for (char32_t c : text) in.push(c, static_cast<int32_t>(in.size()));
  n.apply(in.view(), out);
  EXPECT_EQ(out.chars.size(), out.origin.size());
  return to_utf8(out.chars);
}

void check(const char* name, const Produce& produce) {
  const Json golden = read_golden("code_points.json");
  const char32_t block = golden["block"].get<uint32_t>();
  const Json& sums = golden[name];
  ASSERT_EQ(sums.size(), 0x110000 / block);
  size_t wrong = 0;
  for (char32_t first = 0; first < 0x110000; first += block) {
    std::string all;
    bool any = false;
    for (char32_t c = first; c < first + block; ++c) {
      if (c >= 0xd800 && c <= 0xdfff) continue;
      if (any) all.push_back('\0');
      any = true;
      all += produce(c);
    }
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(all.data()), static_cast<uInt>(all.size()));
    if (sum == sums[first / block].get<uint64_t>()) continue;
    ++wrong;
    ADD_FAILURE() << name
                  << fmt::format(" differs in U+{:04X}..U+{:04X}", static_cast<uint32_t>(first), static_cast<uint32_t>(first + block - 1));
  }
  EXPECT_EQ(wrong, 0u);
}

void check_bert(const char* name, const BertNormalizerOptions& options) {
  const auto n = make_bert_normalizer(options);
  check(name, [&](char32_t c) { return normalized(*n, std::u32string{U'a', c, 0x327, c, U'B'}); });
}

TEST(EveryCodePoint, IsCleaned) { check_bert("clean", {true, false, false, false}); }
TEST(EveryCodePoint, IsSurroundedBySpaces) { check_bert("chinese", {false, true, false, false}); }
TEST(EveryCodePoint, LosesItsAccents) { check_bert("strip", {false, false, true, false}); }
TEST(EveryCodePoint, IsLowered) { check_bert("lower", {false, false, false, true}); }
TEST(EveryCodePoint, GoesThroughAllSteps) { check_bert("all", {true, true, true, true}); }

TEST(EveryCodePoint, IsDecomposedAndOrdered) {
  const auto n = make_nfd_normalizer();
  check("nfd", [&](char32_t c) { return normalized(*n, std::u32string{0x301, c, 0x327, c, 0x345}); });
}
TEST(EveryCodePoint, IsLoweredAlone) {
  const auto n = make_lowercase_normalizer();
  check("lowercase", [&](char32_t c) { return normalized(*n, std::u32string{c, U'A', c}); });
}
TEST(EveryCodePoint, IsStrippedWithoutDecomposition) {
  const auto n = make_strip_accents_normalizer();
  check("strip_accents", [&](char32_t c) { return normalized(*n, std::u32string{U'a', c}); });
}

std::string spans(const std::vector<Span>& words) {
  std::string out;
  for (const Span& w : words) out += fmt::format("{}{}-{}", out.empty() ? "" : " ", w.begin, w.end);
  return out;
}

void check_words(const char* name, const PreTokenizer& p) {
  check(name, [&](char32_t c) {
    AlignedText text;
    for (char32_t x : {U'a', c, c, U'b'}) text.push(x, static_cast<int32_t>(text.size()));
    std::vector<Span> words{{0, 4}};
    p.split(text, words);
    return spans(words);
  });
}

TEST(EveryCodePoint, IsSplitByBert) { check_words("bert_words", *make_bert_pre_tokenizer()); }
TEST(EveryCodePoint, IsSplitAtWhiteSpace) { check_words("whitespace_words", *make_whitespace()); }

void check_added(const char* name, AddedToken token) {
  token.content = "X";
  AddedVocabulary added;
  Vocabulary model;
  model.add("u", 0);
  added.add({token}, model);
  added.finish(nullptr, "test");
  check(name, [&](char32_t c) {
    std::vector<Span> out;
    for (const auto& part : added.find_raw(std::u32string{c, U'X', c})) out.push_back(part.span);
    return spans(out);
  });
}

TEST(EveryCodePoint, MayTouchASingleWord) { check_added("single_word", {.single_word = true}); }
TEST(EveryCodePoint, MayBeStrippedByAnAddedToken) { check_added("strips", {.lstrip = true, .rstrip = true}); }

const Json& bpe_sums() {
  static const Json sums = read_json(bpe_goldens() / "code_points.json");
  return sums;
}

/// The checksums of whole blocks: `form` of every code point of a block makes one text, which `produce` turns into what is summed.
void check_blocks(const char* name, const std::function<std::u32string(char32_t)>& form, const std::function<std::string(AlignedText&)>& produce) {
  const auto block = bpe_sums()["block"].get<uint32_t>();
  const Json& sums = bpe_sums()[name];
  ASSERT_EQ(sums.size(), 0x110000 / block);
  for (char32_t first = 0; first < 0x110000; first += block) {
    AlignedText text;
    for (char32_t c = first; c < first + block; ++c) {
      if (c >= 0xd800 && c <= 0xdfff) continue;
      for (char32_t x : form(c)) text.push(x, static_cast<int32_t>(text.size()));
    }
    const std::string all = text.size() > 0 ? produce(text) : "";
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(all.data()), static_cast<uInt>(all.size()));
    EXPECT_EQ(sum, sums[first / block].get<uint64_t>()) << name << fmt::format(", U+{:04X} and on", static_cast<uint32_t>(first));
  }
}

void check_pieces(const char* name, const PreTokenizer& p) {
  const auto form = [](char32_t c) { return std::u32string{U'a', c, U'1', c, U'.', c, U' ', c, c, U'\'', c, U'\n'}; };
  check_blocks(name, form, [&](AlignedText& text) {
    std::vector<Span> words{{0, text.size()}};
    p.split(text, words);
    std::vector<Span> original;
    for (const Span& w : words) original.push_back({static_cast<size_t>(text.origin[w.begin]), static_cast<size_t>(text.origin[w.end - 1]) + 1});
    return spans(original);
  });
}

void check_pattern(const char* name) {
  check_pieces(name, *make_split(SplitPattern::regex(bpe_sums()["patterns"][name], "test"), SplitBehavior::kIsolated, false));
}

TEST(EveryCodePoint, IsSplitAsGpt2Does) { check_pieces("gpt2", *make_byte_level(false, true)); }
TEST(EveryCodePoint, IsADigitOrNot) { check_pieces("digits", *make_digits(true)); }
TEST(EveryCodePoint, IsSplitByTheLlama3Pattern) { check_pattern("llama3"); }
TEST(EveryCodePoint, IsSplitByCase) { check_pattern("cased"); }
TEST(EveryCodePoint, IsSplitByCategory) { check_pattern("punctuation"); }
TEST(EveryCodePoint, IsComposed) {
  const auto n = make_nfc_normalizer();
  check_blocks("nfc", [](char32_t c) { return std::u32string{U'e', c, 0x301, c, 0x345, 0x1161}; },
               [&](AlignedText& text) {
                 AlignedText out;
                 n->apply(text.view(), out);
                 EXPECT_EQ(out.chars.size(), out.origin.size());
                 return to_utf8(out.chars);
               });
}

TEST(DecodeText, ReplacesAsPython) {
  const Json cases = read_golden("utf8.json");
  ASSERT_GT(cases.size(), 80u);
  for (const Json& c : cases) {
    const std::string hex = c["bytes"];
    std::string bytes;
    for (size_t i = 0; i < hex.size(); i += 2) bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    AlignedText text;
    decode_text(bytes, text);
    EXPECT_EQ(std::vector<uint32_t>(text.chars.begin(), text.chars.end()), c["chars"].get<std::vector<uint32_t>>()) << hex;
    EXPECT_EQ(text.chars.size(), text.origin.size());
  }
}

}  // namespace
}  // namespace attune::testing
