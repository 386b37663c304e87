// D6: a run that is stopped anywhere and resumed gives the bits of one that was not. D9: never with something else in silence.
#include "train/resume.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "train/quantized_rig.h"

namespace attune {
namespace {

using namespace testing;

struct Cell {
  std::string curve;
  Sampling sampling;
  Precision precision = {};
  std::string name() const {
    return curve + (sampling == Sampling::kRandom ? "_shuffled" : sampling == Sampling::kWeighted ? "_weighted" : "_grouped") +
           (precision.form == StoredForm::kPlain ? "" : "_on_" + precision.name());
  }
};

// 14 rows, micro-batches of 2, accumulation 3: steps of 3, 3 and 1 micro-batches, three an epoch, nine in all.
constexpr size_t kSteps = 9;

void prepare(Rig& rig, const Cell& cell, const fs::path& folder) {
  rig.job.config.train_sampling_strategy = cell.sampling;
  rig.job.config.logging_steps = 2;
  rig.job.config.eval_strategy = Interval::kSteps;
  rig.job.config.eval_steps = 2;
  rig.job.config.save_strategy = Interval::kEpoch;
  rig.job.config.save_total_limit = 2;
  rig.use_epochs(2, 3, 3);
  rig.job.validation = std::span(rig.examples).first(5);
  rig.job.folder = folder;
  rig.job.fingerprints = [] { return Json{{"data", "abc"}}; };
  hold(rig, cell.precision);  // with calibration and self-check, which a resumed run repeats
}

struct Outcome {
  std::vector<float> weights, moments;
  std::string log, state;
};

Outcome outcome_of(const Rig& rig, const FitResult& r, const fs::path& folder) {
  Outcome o{rig.weights(), {}, dump_json(without_times(r.state.log_history)), dump_json(r.state.random_json())};
  const auto last = find_checkpoints(folder).newest();
  for (const auto& [name, t] : read_checkpoint_tensors(last->folder, "optimizer.safetensors", MemoryClass::kOther))
    o.moments.insert(o.moments.end(), t.span().begin(), t.span().end());
  return o;
}

/// Runs until the `after`-th look at the signal flag, and says where that was.
int64_t run_until(const Cell& cell, const fs::path& folder, int64_t after) {
  Rig rig(cell.curve, true);
  prepare(rig, cell, folder);
  int64_t looks = 0;
  rig.job.pending_signal = [&] { return ++looks >= after ? 15 : 0; };
  try {
    fit(rig.job);
    return -1;
  } catch (const Interrupted& stop) {
    EXPECT_EQ(stop.signal(), 15);
    return find_checkpoints(folder).newest()->step;
  }
}

class Resume : public ::testing::TestWithParam<Cell> {};

TEST_P(Resume, GivesTheSameBitsFromAnywhere) {
  const Cell cell = GetParam();
  const fs::path whole = fresh_folder("whole_" + cell.name());
  Rig straight(cell.curve, true);
  prepare(straight, cell, whole);
  const Outcome want = outcome_of(straight, fit(straight.job), whole);

  std::set<int64_t> stopped_at;
  // Every place where the loop looks: inside groups, after steps, during evaluations. A stored base alone changes nothing there.
  const bool every = cell.precision.form == StoredForm::kPlain || cell.precision.eight_bit;
  for (int64_t after = 1;; after += every ? 1 : 3) {
    const fs::path folder = fresh_folder("cut_" + cell.name());
    const int64_t at = run_until(cell, folder, after);
    if (at < 0) break;
    stopped_at.insert(at);
    Rig rig(cell.curve, true);
    prepare(rig, cell, folder);
    const Outcome got = outcome_of(rig, fit(rig.job, find_checkpoints(folder).newest()->folder), folder);
    ASSERT_TRUE(got.weights == want.weights) << "stopped at step " << at << ", look " << after;
    ASSERT_TRUE(got.moments == want.moments) << "stopped at step " << at;
    ASSERT_TRUE(got.log == want.log) << "stopped at step " << at << ", look " << after;
    ASSERT_TRUE(got.state == want.state) << "stopped at step " << at;
  }
  EXPECT_EQ(stopped_at.size(), every ? kSteps + 1 : stopped_at.size());  // before the first step, and after each
  EXPECT_GE(stopped_at.size(), 4u);
}

TEST_P(Resume, GoesOnFromOrdinaryCheckpointsToo) {
  const Cell cell = GetParam();
  const fs::path whole = fresh_folder("ordinary_" + cell.name());
  Rig straight(cell.curve, true);
  prepare(straight, cell, whole);
  straight.job.config.save_total_limit.reset();
  const Outcome want = outcome_of(straight, fit(straight.job), whole);
  const CheckpointSearch found = find_checkpoints(whole);
  ASSERT_EQ(found.valid.size(), 3u);
  for (const Checkpoint& c : found.valid) {
    const fs::path folder = fresh_folder("again_" + cell.name());
    fs::copy(c.folder, folder / c.folder.filename(), fs::copy_options::recursive);
    Rig rig(cell.curve, true);
    prepare(rig, cell, folder);
    rig.job.config.save_total_limit.reset();
    const Outcome got = outcome_of(rig, fit(rig.job, folder / c.folder.filename()), folder);
    EXPECT_TRUE(got.weights == want.weights) << c.step;
    EXPECT_TRUE(got.moments == want.moments) << c.step;
    EXPECT_TRUE(got.log == want.log) << c.step;
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, Resume,
                         ::testing::Values(Cell{"bert_full", Sampling::kRandom}, Cell{"bert_full", Sampling::kGroupByLength}, Cell{"bert_full_weighted", Sampling::kWeighted},
                                           Cell{"bert_lora", Sampling::kRandom}, Cell{"distilbert_lora", Sampling::kGroupByLength},
                                           Cell{"gpt2_lora", Sampling::kRandom}, Cell{"gpt2_full", Sampling::kGroupByLength},
                                           Cell{"llama_full", Sampling::kRandom}, Cell{"roberta_full", Sampling::kGroupByLength},
                                           Cell{"llama_lora", Sampling::kRandom, {StoredForm::kNf4, true, true}},
                                           Cell{"bert_lora", Sampling::kRandom, {StoredForm::kNf4, true}},
                                           Cell{"bert_lora", Sampling::kGroupByLength, {StoredForm::kNf4, false, true}},
                                           Cell{"distilbert_lora", Sampling::kRandom, {StoredForm::kInt8, false, true}},
                                           Cell{"distilbert_lora", Sampling::kGroupByLength, {StoredForm::kInt8}}),
                         [](const auto& cell) { return cell.param.name(); });

TEST(ResumeMismatch, ListsEveryField) {
  const Json saved = {{"base", "aaa"}, {"config", {{"training.learning_rate", "0.001"}, {"training.seed", "42"}}}};
  Json now = saved;
  EXPECT_NO_THROW(require_same_run(saved, now, {}, "checkpoint-4"));
  now["base"] = "bbb";
  now["config"]["training.seed"] = "43";
  try {
    require_same_run(saved, now, {}, "checkpoint-4");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kState);
    EXPECT_EQ(e.info().id, "resume.mismatch");
    const std::string text = e.what();
    EXPECT_NE(text.find("base: was aaa, now bbb"), std::string::npos) << text;
    EXPECT_NE(text.find("config.training.seed: was 42, now 43"), std::string::npos) << text;
    EXPECT_EQ(text.find("learning_rate: "), std::string::npos) << text;
  }
  EXPECT_NO_THROW(require_same_run(saved, now, {"base", "config.training.seed"}, "checkpoint-4"));
}

TEST(ResumeMismatch, StopsTheRunBeforeItChangesAnything) {
  const Cell cell{"bert_lora", Sampling::kRandom};
  const fs::path folder = fresh_folder("mismatch");
  ASSERT_GE(run_until(cell, folder, 8), 1);
  const fs::path checkpoint = find_checkpoints(folder).newest()->folder;
  const auto id_of = [&](const std::function<void(Rig&)>& change) {
    Rig rig(cell.curve, true);
    prepare(rig, cell, folder);
    change(rig);
    const auto before = rig.weights();
    try {
      fit(rig.job, checkpoint);
    } catch (const Error& e) {
      EXPECT_EQ(rig.weights(), before);
      return e.info().id;
    }
    return std::string("went on");
  };
  EXPECT_EQ(id_of([](Rig& r) { r.job.fingerprints = [] { return Json{{"data", "abd"}}; }; }), "resume.mismatch");
  EXPECT_EQ(id_of([](Rig& r) { r.job.config.seed = 7; }), "resume.mismatch");
  EXPECT_EQ(id_of([](Rig& r) { r.job.config.num_train_epochs = 4; }), "resume.mismatch");
  EXPECT_EQ(id_of([](Rig&) {}), "went on");
}

TEST(ResumeMismatch, MomentsOfOtherParametersAreRefused) {
  Rig rig("bert_lora");
  AdamW optimizer(rig.job.parameters, {});
  TensorMap state = optimizer.state();
  state.erase(state.begin());
  state["exp_avg.other"] = Tensor::zeros({2});
  try {
    optimizer.set_state(state, 3, "optimizer.safetensors");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "checkpoint.optimizer");
    EXPECT_NE(std::string(e.what()).find("unexpected exp_avg.other"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("missing exp_avg."), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace attune
