#include "app/generate_ids.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/signals.h"
#include "nn/kv_cache.h"

namespace attune {
namespace {

/// One row of scores a sequence, of its last token.
Tensor scores_of(const Context& ctx, Model& model, const Batch& batch, std::span<KvCache* const> caches) {
  const auto all = std::make_shared<std::vector<int64_t>>();
  for (int64_t b = 0; b < batch.sequences(); ++b) all->push_back(batch.starts[static_cast<size_t>(b) + 1] - 1);
  const Var hidden = model.backbone().forward(ctx, {&batch, ReadRows::kAll, nullptr, caches});
  const Var rows = batch.tokens() == batch.sequences() ? hidden : gather_rows(ctx, hidden, all);
  return model.head()->forward(ctx, rows).data;
}

Batch one_text(const std::vector<int32_t>& ids) {
  Batch batch;
  batch.ids = ids;
  batch.type_ids.resize(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) batch.positions.push_back(static_cast<int32_t>(i));
  batch.starts = {0, static_cast<int64_t>(ids.size())};
  batch.rows = {0};
  batch.labels.resize(1);
  return batch;
}

struct Sample {
  int64_t number;
  KvCache cache;
  std::vector<int32_t> text;  ///< with the prompt
};

}  // namespace

std::vector<GeneratedIds> generate_ids(const Context& ctx, Model& model, const std::vector<int32_t>& prompt, const GenerationSettings& settings, const OnToken& on_token) {
  const BackboneInfo& info = model.info();
  require(info.causal && model.head() != nullptr, "generation needs a causal language model");
  require(!prompt.empty() && settings.num_samples >= 1, "generation needs a prompt");
  const auto length = static_cast<int64_t>(prompt.size());
  if (length >= info.max_positions)
    fail(ErrorCode::kInput, {.id = "generate.prompt_too_long",
                             .where = "prompt",
                             .what = "leaves no room for new tokens in the positions the model has",
                             .expected = fmt::format("fewer than {} tokens", info.max_positions),
                             .got = fmt::format("{}", length)});
  const int64_t most = std::min(settings.max_new_tokens, info.max_positions - length);
  for (const int32_t id : prompt) require(id >= 0 && id < info.vocab_size, "generation: a prompt id outside the vocabulary");

  std::vector<GeneratedIds> results(static_cast<size_t>(settings.num_samples));
  std::vector<int32_t> ends;
  for (const int32_t id : settings.ends)
    if (id >= 0 && id < info.vocab_size) ends.push_back(id);
  std::vector<Sample> samples;
  samples.push_back({0, KvCache(info.layers, info.cache_width), prompt});
  KvCache* first = &samples[0].cache;
  Tensor scores = scores_of(ctx, model, one_text(prompt), {&first, 1});
  for (int64_t i = 1; i < settings.num_samples; ++i) samples.push_back({i, samples[0].cache.fork(), prompt});

  for (int64_t step = 0; step < most && !samples.empty(); ++step) {
    throw_if_interrupted();
    Batch next;
    next.starts = {0};
    std::vector<Sample> alive;
    for (size_t row = 0; row < samples.size(); ++row) {
      Sample& s = samples[row];
      GeneratedIds& result = results[static_cast<size_t>(s.number)];
      const Tensor given = scores.row_range(step == 0 ? 0 : static_cast<int64_t>(row), 1);
      if (!ctx.kernels->all_finite(ctx, given.cols(), given.f32()))
        fail(ErrorCode::kNumerical, {.id = "generate.not_finite", .where = fmt::format("token {}", step + 1), .what = "the model's scores are not finite", .hint = "the model's weights are damaged or diverged in training"});
      std::vector<float> own(given.f32(), given.f32() + given.cols());
      process_scores(settings.sampling, s.text, step, ends, own);
      Random random(mix_key(settings.seed, static_cast<uint64_t>(s.number), static_cast<uint64_t>(step)));
      const int32_t id = choose_token(settings.sampling, own, random);
      result.ids.push_back(id);
      s.text.push_back(id);
      const bool wanted = !on_token || on_token(s.number, id);
      result.ended = !wanted || std::find(ends.begin(), ends.end(), id) != ends.end();
      if (result.ended || step + 1 == most) continue;
      next.ids.push_back(id);
      next.positions.push_back(static_cast<int32_t>(s.text.size() - 1));
      next.starts.push_back(static_cast<int64_t>(next.ids.size()));
      next.rows.push_back(static_cast<uint64_t>(s.number));
      alive.push_back(std::move(s));
    }
    samples = std::move(alive);
    if (samples.empty()) break;
    next.type_ids.resize(next.ids.size());
    next.labels.resize(next.ids.size());
    std::vector<KvCache*> caches;
    for (Sample& s : samples) caches.push_back(&s.cache);
    scores = scores_of(ctx, model, next, caches);
  }
  return results;
}

}  // namespace attune
