// Generation: greedy texts equal transformers', the cache changes nothing, samples do not depend on each other.
#include "app/generate_ids.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "nn/kv_cache.h"
#include "support/golden_model.h"

namespace attune {
namespace {

using namespace testing;

const Context kContext{&cpu_kernels(), 2, nullptr, false};

std::vector<std::string> language_models() {
  std::vector<std::string> names;
  for (const auto& file : list_folder(golden_folder() / "generation")) names.push_back(fs::path(file).stem().string());
  return names;
}

class Generation : public ::testing::TestWithParam<std::string> {
 protected:
  Json golden_ = read_json(golden_folder() / "generation" / (GetParam() + ".json"));
  std::vector<int32_t> prompt_ = golden_["prompt"].get<std::vector<int32_t>>();
  std::unique_ptr<Model> model_ = load_golden(golden_folder() / "models" / GetParam(), HeadKind::kCausalLm, 0);
  GenerationSettings settings(int64_t tokens) const {
    GenerationSettings s;
    s.max_new_tokens = tokens;
    return s;
  }
  std::vector<int32_t> ids(const GenerationSettings& s, const Context& ctx = kContext) const { return generate_ids(ctx, *model_, prompt_, s)[0].ids; }
};

TEST_P(Generation, GreedyEqualsTransformers) {
  for (const auto& [name, c] : golden_["cases"].items()) {
    const auto want = c["ids"].get<std::vector<int32_t>>();
    GenerationSettings s = settings(static_cast<int64_t>(want.size()));
    s.sampling.repetition_penalty = get_number(c["settings"], "repetition_penalty", 1.0, name);
    s.sampling.no_repeat_ngram_size = get_int(c["settings"], "no_repeat_ngram_size", 0, name);
    const auto got = ids(s);
    ASSERT_EQ(got.size(), want.size());
    const auto certain = static_cast<std::ptrdiff_t>(c["certain"].get<int64_t>());
    EXPECT_TRUE(std::equal(want.begin(), want.begin() + certain, got.begin())) << name;
  }
}

/// The scores of every step by a full pass over the text so far.
TEST_P(Generation, CachedScoresEqualAFullPass) {
  KvCache cache(model_->info().layers, model_->info().cache_width);
  KvCache* caches[] = {&cache};
  std::vector<int32_t> text = prompt_;
  size_t done = 0;
  for (int step = 0; step < 20 && static_cast<int64_t>(text.size()) <= model_->info().max_positions; ++step) {
    const auto batch_of = [&](size_t from) {
      Batch b;
      for (size_t i = from; i < text.size(); ++i) {
        b.ids.push_back(text[i]);
        b.positions.push_back(static_cast<int32_t>(i));
      }
      b.type_ids.resize(b.ids.size());
      b.starts = {0, b.tokens()};
      b.rows = {0};
      b.labels.resize(1);
      return b;
    };
    const Batch whole = batch_of(0), rest = batch_of(done);
    const Var all = model_->backbone().forward(kContext, {&whole, ReadRows::kAll, nullptr});
    const Var some = model_->backbone().forward(kContext, {&rest, ReadRows::kAll, nullptr, caches});
    const auto n = static_cast<int64_t>(text.size() - done);
    EXPECT_LE(largest_difference(some.data.span(), all.data.row_range(static_cast<int64_t>(done), n).span()), 2e-5) << step;
    EXPECT_EQ(cache.length(), static_cast<int64_t>(text.size()));
    done = text.size();
    for (int i = 0; i <= step % 3; ++i) text.push_back((step * 7 + i * 3) % 100 + 5);
  }
}

TEST_P(Generation, SamplesDependOnTheirNumberAlone) {
  GenerationSettings s = settings(20);
  s.sampling.do_sample = true;
  s.sampling.temperature = 0.9;
  s.num_samples = 5;
  const auto five = generate_ids(kContext, *model_, prompt_, s);
  s.num_samples = 2;
  const auto two = generate_ids(kContext, *model_, prompt_, s);
  EXPECT_EQ(two[0].ids, five[0].ids);
  EXPECT_EQ(two[1].ids, five[1].ids);
  EXPECT_NE(five[0].ids, five[1].ids);
  s.seed = 43;
  EXPECT_NE(generate_ids(kContext, *model_, prompt_, s)[0].ids, two[0].ids);
}

TEST_P(Generation, StopsAtEndTokensAndWhenToldTo) {
  const auto plain = ids(settings(12));
  GenerationSettings s = settings(12);
  s.ends = {plain[4]};
  const auto ended = generate_ids(kContext, *model_, prompt_, s)[0];
  const auto first = std::find(plain.begin(), plain.end(), plain[4]) - plain.begin();
  EXPECT_EQ(ended.ids, std::vector<int32_t>(plain.begin(), plain.begin() + first + 1));
  EXPECT_TRUE(ended.ended);
  s.sampling.min_new_tokens = 12;
  EXPECT_EQ(std::count(plain.begin(), plain.end(), plain[4]) > 0, true);
  const auto later = generate_ids(kContext, *model_, prompt_, s)[0];
  EXPECT_EQ(later.ids.size(), 12u);
  EXPECT_EQ(std::count(later.ids.begin(), later.ids.end(), plain[4]), 0);
  int seen = 0;
  EXPECT_EQ(generate_ids(kContext, *model_, prompt_, settings(12), [&](int64_t, int32_t) { return ++seen < 3; })[0].ids.size(), 3u);
}

TEST_P(Generation, RefusesPromptsWithoutRoom) {
  const std::vector<int32_t> longest(static_cast<size_t>(model_->info().max_positions), 5);
  try {
    generate_ids(kContext, *model_, longest, settings(1));
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "generate.prompt_too_long");
  }
  std::vector<int32_t> fits(longest.begin(), longest.end() - 2);
  EXPECT_EQ(generate_ids(kContext, *model_, fits, settings(9))[0].ids.size(), 2u) << "it stops where the positions end";
}

INSTANTIATE_TEST_SUITE_P(All, Generation, ::testing::ValuesIn(language_models()), [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace attune
