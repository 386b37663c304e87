// Text of any bytes and any length: no failure, and time in proportion to the length.
#include <atomic>
#include <ctime>
#include <functional>
#include <random>
#include <thread>

#include "base/error.h"
#include "text/golden_text.h"
#include "text/truncation.h"

namespace attune::testing {
namespace {

/// Processor time, so that other work on the machine does not count.
double seconds(const std::function<void()>& work) {
  double best = 1e9;
  for (int i = 0; i < 2; ++i) {
    const std::clock_t begin = std::clock();
    work();
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return best;
}

std::string repeat(const std::string& unit, size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += unit;
  return out;
}

#ifdef __SANITIZE_ADDRESS__
constexpr size_t kSmall = 20'000;  // all is slower, in proportion too
#else
constexpr size_t kSmall = 100'000;
#endif

TEST(TextOfAnyKind, TakesTimeInProportion) {
  const std::pair<const char*, std::string> kinds[] = {{"no space", "a"},
                                                       {"no space, not ASCII", "é"},
                                                       {"marks", "\u0301\u0327"},
                                                       {"ideographs", "中"},
                                                       {"punctuation", "."},
                                                       {"words", "the quick affable "},
                                                       {"unknown words", "qxqxqxqxqxqxqxqxqxqxqxqxqxqxqxqx "},
                                                       {"invalid", "\xff\xe2\x82"},
                                                       {"zero", std::string(1, '\0')},
                                                       {"special", "[MASK"},
                                                       {"white", " "},
                                                       {"lines", "\n \t"},
                                                       {"digits", "7"},
                                                       {"letters and digits", "a1"}};
  for (const char* variant : {"uncased", "gpt2", "roberta", "llama3", "smollm", "qwen2"}) {
    const auto t = load_variant(variant);
    for (const auto& [name, unit] : kinds) {
      const std::string small = repeat(unit, kSmall), large = repeat(unit, 10 * kSmall);
      const double one = seconds([&] { t->encode(small); }), ten = seconds([&] { t->encode(large); });
      EXPECT_LT(ten, 20 * one + 0.1) << variant << ", " << name;
      EXPECT_LT(ten, 2.0) << variant << ", " << name;  // per MB
    }
  }
}

TEST(TextOfAnyKind, TenMegabytesWithoutASpaceIsOneUnknownWord) {
  const auto t = load_variant("uncased");
  const Encoding e = t->encode(std::string(10'000'000, 'a'));
  ASSERT_EQ(e.ids.size(), 3u);
  EXPECT_EQ(e.ids[1], 1);
  EXPECT_EQ(e.offsets[1], (std::pair<int32_t, int32_t>{0, 10'000'000}));
}

TEST(TextOfAnyKind, RandomBytesNeverFailAndOffsetsStayInside) {
  std::mt19937 rng(7);
  for (const std::string& variant : text_variant_names()) {
    const auto t = load_variant(variant);
    for (int i = 0; i < 200; ++i) {
      std::string text(rng() % 60, '\0');
      for (char& c : text) c = static_cast<char>(rng() % 3 == 0 ? rng() % 256 : " aA.\xcc\x81[\xe4\xb8\xad"[rng() % 10]);
      const Encoding e = t->encode(text, std::string_view(text).substr(text.size() / 2), {.max_length = 20, .return_overflow = true});
      ASSERT_LE(e.ids.size(), 20u);
      for (size_t k = 0; k < e.ids.size(); ++k) {
        ASSERT_LE(0, e.offsets[k].first);
        ASSERT_LE(e.offsets[k].first, e.offsets[k].second);
        ASSERT_LE(e.offsets[k].second, static_cast<int32_t>(text.size()));
        ASSERT_LT(e.ids[k], t->vocab_size());
      }
    }
  }
}

TEST(Tokenizer, IsSharedBetweenThreads) {
  const auto t = load_variant("uncased");
  const std::vector<Json> cases = golden_cases("uncased");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int k = 0; k < 4; ++k) {
    threads.emplace_back([&] {
      for (const Json& c : cases) wrong += to_json(encode_case(*t, c))["ids"] != c["ids"];
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

std::string error_id(const std::function<void()>& work, ErrorCode code) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.info().id;
  }
  return "none";
}

TEST(Encode, RefusesOptionsThatCannotBe) {
  const auto t = load_variant("uncased");
  auto id = [&](EncodeOptions o, bool pair = false) {
    return error_id([&] { t->encode("a b c", pair ? std::optional<std::string_view>("d e") : std::nullopt, o); }, ErrorCode::kUsage);
  };
  EXPECT_EQ(id({.max_length = 1}), "tokenizer.max_length");
  EXPECT_EQ(id({.max_length = 0}), "tokenizer.max_length");
  EXPECT_EQ(id({.max_length = 2}, true), "tokenizer.max_length");
  EXPECT_EQ(id({.max_length = 2}), "none");
  EXPECT_EQ(id({.max_length = 0, .special_tokens = false}), "none");
  EXPECT_EQ(id({.max_length = 4, .stride = 2, .return_overflow = true}), "tokenizer.stride");
  EXPECT_EQ(id({.max_length = 4, .stride = 1, .return_overflow = true}), "none");
  EXPECT_EQ(id({.max_length = 4, .stride = -1}), "tokenizer.stride");
  EXPECT_EQ(id({.max_length = 7, .stride = 3, .return_overflow = true}, true), "tokenizer.stride");  // the parts get 2 tokens each
  EXPECT_EQ(id({.max_length = 4, .strategy = TruncationStrategy::kOnlySecond}), "tokenizer.truncation");
  EXPECT_EQ(id({.max_length = 5, .strategy = TruncationStrategy::kOnlyFirst}, true), "tokenizer.truncation");
  EXPECT_EQ(id({.max_length = 6, .strategy = TruncationStrategy::kOnlyFirst}, true), "none");
}

TEST(Windows, CoverEverythingFromEitherSide) {
  for (size_t total : {0u, 1u, 5u, 10u, 37u}) {
    for (size_t length : {1u, 2u, 4u, 9u, 40u}) {
      for (size_t stride = 0; stride < length; ++stride) {
        for (Side side : {Side::kLeft, Side::kRight}) {
          const auto w = windows(total, length, stride, side, true);
          std::vector<int> seen(total);
          for (const Span& s : w) {
            ASSERT_LE(s.size(), length);
            for (size_t i = s.begin; i < s.end; ++i) seen[i] = 1;
          }
          EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<ptrdiff_t>(total));
          EXPECT_EQ(w[0], windows(total, length, stride, side, false)[0]);
          for (size_t i = 1; i < w.size(); ++i) {
            const size_t overlap = side == Side::kRight ? w[i - 1].end - w[i].begin : w[i].end - w[i - 1].begin;
            EXPECT_EQ(overlap, stride);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace attune::testing
