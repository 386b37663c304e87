// Frequencies of each rope type against numbers of transformers (docs/formats.md, section 6.10): head size 8, theta 10000, 64 positions.
#include "nn/rotary_positions.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace attune {
namespace {

RotaryPositions positions(Json config, int64_t head = 8) { return {ModelConfig{std::move(config), "config.json"}, head, 64}; }

void expect_frequencies(const RotaryPositions& p, int64_t length, const std::vector<double>& want) {
  const auto got = p.frequencies(length);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(static_cast<double>(got[i]), want[i], 2e-6 * want[i]) << i;
}

Json scaled(Json rope) { return {{"rope_theta", 10000.0}, {"rope_scaling", std::move(rope)}}; }

TEST(RotaryPositions, EveryType) {
  expect_frequencies(positions(Json::object()), 10, {1, 0.1, 0.01, 0.001});
  expect_frequencies(positions({{"rope_theta", 500.0}, {"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}}}), 10, {0.5, 0.105737, 0.0223607, 0.00472871});
  expect_frequencies(positions(scaled({{"rope_type", "linear"}, {"factor", 4.0}})), 10, {0.25, 0.025, 0.0025, 0.00025});
  const auto dynamic = positions(scaled({{"rope_type", "dynamic"}, {"factor", 4.0}}));
  expect_frequencies(dynamic, 64, {1, 0.1, 0.01, 0.001});
  expect_frequencies(dynamic, 65, {1, 0.097999461, 0.0096038943, 0.00094117649});
  expect_frequencies(dynamic, 128, {1, 0.058480352, 0.003419952, 0.0002});
  const auto llama3 = [](double original) {
    return positions(scaled({{"rope_type", "llama3"}, {"factor", 8.0}, {"low_freq_factor", 1.0}, {"high_freq_factor", 4.0}, {"original_max_position_embeddings", original}}));
  };
  expect_frequencies(llama3(32), 10, {1, 0.0125, 0.00125, 0.000125});
  expect_frequencies(llama3(64), 10, {1, 0.013042256, 0.00125, 0.000125});
  const auto yarn = [](double original) { return positions(scaled({{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", original}})); };
  expect_frequencies(yarn(16), 10, {1, 0.025, 0.0025, 0.00025});
  expect_frequencies(yarn(64), 10, {1, 0.0625, 0.0025, 0.00025});
  expect_frequencies(yarn(2048), 10, {1, 0.1, 0.00625, 0.00025});
  EXPECT_NEAR(yarn(64).attention_factor(), 1.138629436, 1e-6);
}

/// Both spellings; rope_theta inside the object wins.
TEST(RotaryPositions, OldAndNewConfigurations) {
  expect_frequencies(positions({{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 10000.0}}}, {"rope_theta", 5.0}}), 1, {1, 0.1, 0.01, 0.001});
  expect_frequencies(positions({{"rope_scaling", nullptr}, {"rope_theta", 10000.0}, {"partial_rotary_factor", 0.5}}), 1, {1, 0.1, 0.01, 0.001});
}

TEST(RotaryPositions, RefusesWhatItDoesNotKnow) {
  const auto id_of = [](Json config, int64_t head = 8) -> std::string {
    try {
      positions(std::move(config), head);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInput);
      return e.info().id + " " + e.info().what;
    }
    return "accepted";
  };
  EXPECT_EQ(id_of(scaled({{"rope_type", "longrope"}, {"factor", 2.0}})), "config.rope_type rope type \"longrope\" is not supported");
  EXPECT_EQ(id_of(scaled({{"rope_type", "linear"}})), "config.rope factor is missing");
  EXPECT_EQ(id_of(scaled({{"rope_type", "linear"}, {"factor", -1.0}})), "config.rope factor must be above 0");
  EXPECT_TRUE(id_of(Json::object(), 7).starts_with("config.head_dim"));
  EXPECT_TRUE(id_of({{"rope_scaling", 3}}).starts_with("config.rope"));
}

/// A text's angles do not depend on what it is batched with.
TEST(RotaryPositions, TextsOfABatchAreIndependent) {
  const auto p = positions(scaled({{"rope_type", "dynamic"}, {"factor", 4.0}}));
  const auto batch_of = [](std::vector<int64_t> lengths) {
    Batch b;
    b.starts = {0};
    for (const int64_t n : lengths) {
      for (int64_t i = 0; i < n; ++i) b.positions.push_back(static_cast<int32_t>(i)), b.ids.push_back(0);
      b.starts.push_back(b.tokens());
      b.rows.push_back(b.rows.size());
    }
    return b;
  };
  const Tensor alone = p.table(batch_of({20})), together = p.table(batch_of({100, 20}));
  for (int64_t i = 0; i < alone.size(); ++i) EXPECT_EQ(alone.f32()[i], together.f32()[100 * 8 + i]);
}

}  // namespace
}  // namespace attune
