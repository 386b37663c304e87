// What the loop promises beside the curves: accumulation, determinism, logs, evaluation, best model, early stopping, rotation.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "train/rig.h"

namespace attune {
namespace {

using namespace testing;

double largest_gap(const std::vector<float>& a, const std::vector<float>& b) { return largest_difference(a, b); }

TEST(Loop, OverfitsOneBatch) {
  Rig rig("bert_full");
  rig.job.config.max_steps = 60;
  rig.job.config.lr_scheduler_type = Schedule::kConstant;
  rig.job.plan = [](uint64_t) { return std::vector<std::vector<uint64_t>>{{0, 1, 2, 3, 4, 5, 6, 7}}; };
  const auto steps = step_entries(fit(rig.job).state.log_history);
  EXPECT_GT(steps.front()["loss"].get<double>(), 0.5);
  EXPECT_LT(steps.back()["loss"].get<double>(), 0.01);
}

// Phases are parts of the time that passed, none counted twice and, in the quietest of a few runs, hardly any left out.
TEST(Loop, PhasesAddUpToTheRuntime) {
  double of_runtime = 0, of_steps = 0;
  for (int i = 0; i < 5; ++i) {
    Rig rig("bert_full");
    rig.use_epochs(2, 2, 20);
    rig.job.config.eval_strategy = Interval::kSteps;
    rig.job.config.eval_steps = 5;
    rig.job.config.save_strategy = Interval::kSteps;
    rig.job.config.save_steps = 50;
    rig.job.validation = rig.examples;
    rig.job.folder = fresh_folder("phases");
    const FitResult r = fit(rig.job);
    const PhaseSeconds& p = r.phases;
    for (const double part : {p.data, p.forward, p.backward, p.optimizer, p.evaluation, p.checkpoint}) EXPECT_GT(part, 0);
    const double sum = p.data + p.forward + p.backward + p.optimizer + p.evaluation + p.checkpoint, runtime = r.metrics["train_runtime"].get<double>();
    double steps = 0;
    for (const StepTime& s : r.step_times) steps += s.seconds;
    EXPECT_LE(sum, runtime);
    EXPECT_LE(p.forward + p.backward + p.optimizer, steps);
    of_runtime = std::max(of_runtime, sum / runtime);
    of_steps = std::max(of_steps, (p.data + p.forward + p.backward + p.optimizer) / steps);
  }
  EXPECT_GE(of_runtime, 0.7);
  EXPECT_GE(of_steps, 0.9);
}

// N5: unequal token counts, and rows whose label is ignored, so that a mean of means would be another number.
TEST(Loop, AccumulationEqualsTheLargeBatch) {
  const auto run = [](int64_t batch, int64_t accumulation, std::vector<float>* gradient) {
    Rig rig("bert_full_weighted");
    rig.examples[2].labels.id = -1;
    rig.examples[5].labels.id = -1;
    rig.job.train = rig.examples;
    rig.use_epochs(batch, accumulation, 1);
    rig.job.config.max_steps = 1;
    rig.job.config.learning_rate = 0;
    rig.job.reduce = [&](std::span<const NamedParameter> parameters, LossSum& total) {
      for (const auto& p : parameters)
        for (const float g : p.parameter->var.grad->value().span()) gradient->push_back(g / static_cast<float>(total.count));
    };
    return step_entries(fit(rig.job).state.log_history).front();
  };
  std::vector<float> split, whole;
  const Json a = run(2, 4, &split), b = run(8, 1, &whole);
  EXPECT_NEAR(a["loss"].get<double>(), b["loss"].get<double>(), 1e-6 * b["loss"].get<double>());
  EXPECT_NEAR(a["grad_norm"].get<double>(), b["grad_norm"].get<double>(), 1e-6 * b["grad_norm"].get<double>());
  EXPECT_LE(largest_gap(split, whole), 1e-6 * largest(whole));
}

TEST(Loop, ThePartialLastGroupSteps) {
  Rig rig("bert_lora");
  rig.use_epochs(4, 3, 2);  // 14 rows: 4 micro-batches an epoch, groups of 3 and 1
  const FitResult r = fit(rig.job);
  EXPECT_EQ(r.state.global_step, 4);
  EXPECT_EQ(r.state.examples_seen, 28);
  const auto steps = step_entries(r.state.log_history);
  EXPECT_DOUBLE_EQ(steps[0]["epoch"].get<double>(), 0.75);
  EXPECT_DOUBLE_EQ(steps[1]["epoch"].get<double>(), 1.0);
}

// N6, L1.
TEST(Loop, TheSameSeedGivesTheSameBits) {
  for (const std::string curve : {"bert_full", "bert_lora", "distilbert_lora"}) {
    const auto run = [&](int64_t seed, int threads) {
      Rig rig(curve, true);
      rig.job.config.seed = seed;
      rig.job.context.threads = threads;
      rig.use_epochs(4, 1, 2);
      Json log = without_times(fit(rig.job).state.log_history);
      return std::pair{rig.weights(), log};
    };
    for (const int threads : {1, 2}) {
      const auto first = run(42, threads), second = run(42, threads);
      EXPECT_TRUE(first.first == second.first) << curve << ", " << threads << " threads";
      EXPECT_EQ(dump_json(first.second), dump_json(second.second));
    }
    EXPECT_FALSE(run(42, 1).first == run(43, 1).first) << curve;
  }
}

TEST(Loop, LogEntriesHaveTheTrainersKeys) {
  Rig rig("bert_lora");
  rig.use_epochs(4, 1, 2);
  rig.job.validation = rig.examples;
  rig.job.config.eval_strategy = Interval::kEpoch;
  rig.job.config.logging_steps = 2;
  rig.job.config.logging_first_step = true;
  const FitResult r = fit(rig.job);
  std::vector<int64_t> logged, evaluated;
  for (const Json& e : r.state.log_history) {
    std::set<std::string> keys;
    for (const auto& [key, value] : e.items()) keys.insert(key);
    if (e.contains("loss")) {
      EXPECT_EQ(keys, (std::set<std::string>{"epoch", "grad_norm", "learning_rate", "loss", "step"}));
      logged.push_back(e["step"].get<int64_t>());
    } else if (e.contains("eval_loss")) {
      EXPECT_TRUE(keys.contains("eval_accuracy") && keys.contains("eval_runtime") && keys.contains("eval_samples_per_second")) << e.dump();
      evaluated.push_back(e["step"].get<int64_t>());
    }
  }
  EXPECT_EQ(logged, (std::vector<int64_t>{1, 2, 4, 6, 8}));
  EXPECT_EQ(evaluated, (std::vector<int64_t>{4, 8}));
  const Json& last = r.state.log_history.back();
  for (const char* key : {"train_loss", "train_runtime", "train_samples_per_second", "train_steps_per_second", "total_flos"})
    EXPECT_TRUE(last.contains(key)) << key;
  ASSERT_TRUE(r.evaluation.has_value());
  EXPECT_EQ(r.evaluation->outputs.logits.rows(), 14);
}

TEST(Loop, TheLoggedLossIsTheMeanOfTheWindow) {
  Rig every("bert_lora"), window("bert_lora");
  for (Rig* r : {&every, &window}) r->use_epochs(4, 1, 2);
  window.job.config.logging_steps = 4;
  window.job.config.logging_first_step = false;
  const auto each = step_entries(fit(every.job).state.log_history), mean = step_entries(fit(window.job).state.log_history);
  ASSERT_EQ(mean.size(), 2u);
  double sum = 0;
  for (size_t i = 0; i < 4; ++i) sum += each[i]["loss"].get<double>();
  EXPECT_DOUBLE_EQ(mean[0]["loss"].get<double>(), sum / 4);
}

// N4.
TEST(Loop, BatchesWithoutLabelsChangeNothing) {
  Rig rig("bert_full");
  for (const size_t i : {0u, 1u, 2u, 3u}) rig.examples[i].labels.id = -1;
  rig.job.train = rig.examples;
  rig.job.config.max_steps = 2;
  rig.job.config.warmup_steps = 0;
  rig.job.plan = [](uint64_t) { return std::vector<std::vector<uint64_t>>{{0, 1, 2, 3}, {4, 5}}; };
  const auto before = rig.weights();
  std::vector<std::vector<float>> seen;
  rig.job.reduce = [&](std::span<const NamedParameter>, LossSum&) { seen.push_back(rig.weights()); };
  const FitResult r = fit(rig.job);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_TRUE(seen[1] == before);
  EXPECT_FALSE(rig.weights() == before);
  EXPECT_EQ(r.state.empty_steps, 1);
  EXPECT_EQ(r.state.optimizer_updates, 1);
  EXPECT_EQ(step_entries(r.state.log_history)[0]["loss"].get<double>(), 0);
  EXPECT_EQ(r.metrics["train_empty_steps"].get<int64_t>(), 1);
}

TEST(Loop, KeepsAndLoadsTheBest) {
  Rig rig("bert_full");
  const fs::path folder = fresh_folder("best");
  rig.use_epochs(4, 1, 6);
  rig.job.folder = folder;
  rig.job.validation = std::span(rig.examples).first(6);
  rig.job.config.learning_rate = 0.02;  // diverges, so that the last is not the best
  rig.job.config.lr_scheduler_type = Schedule::kConstant;
  rig.job.config.eval_strategy = Interval::kSteps;
  rig.job.config.eval_steps = 2;
  rig.job.config.save_strategy = Interval::kSteps;
  rig.job.config.save_steps = 5;
  rig.job.config.save_total_limit = 1;
  rig.job.config.load_best_model_at_end = true;
  const FitResult r = fit(rig.job);
  double best = INFINITY;
  int64_t best_step = 0;
  for (const Json& e : r.state.log_history)
    if (e.contains("eval_loss") && number_of(e["eval_loss"]) < best) {
      best = number_of(e["eval_loss"]);
      best_step = e["step"].get<int64_t>();
    }
  ASSERT_LT(best_step, r.state.global_step);
  EXPECT_TRUE(r.best_loaded);
  EXPECT_EQ(r.state.best_global_step, best_step);
  EXPECT_EQ(r.state.best_model_checkpoint, "checkpoint-" + std::to_string(best_step));
  EXPECT_EQ(evaluate_examples(rig.job.context, *rig.model, *rig.task, {}, rig.job.validation)->loss, best);
  const CheckpointSearch found = find_checkpoints(folder, CheckpointTrust::kAllHashes);
  EXPECT_TRUE(found.skipped.empty());
  ASSERT_EQ(found.valid.size(), 2u);  // the best and the newest
  EXPECT_EQ(found.valid[0].step, r.state.global_step);
  EXPECT_EQ(found.valid[1].step, best_step);
}

TEST(Loop, StopsEarlyWithoutImprovement) {
  Rig rig("bert_lora");
  rig.use_epochs(4, 1, 50);
  rig.job.validation = std::span(rig.examples).first(6);
  rig.job.config.learning_rate = 0;  // nothing ever improves
  rig.job.config.eval_strategy = Interval::kEpoch;
  rig.job.config.early_stopping_patience = 3;
  rig.job.config.metric_for_best_model = "accuracy";
  const FitResult r = fit(rig.job);
  EXPECT_TRUE(r.state.stopped);
  EXPECT_EQ(r.state.global_step, 16);  // the first evaluation sets the mark
  EXPECT_EQ(r.state.best_global_step, 4);
}

TEST(Loop, UnknownMetricIsNamedBeforeTraining) {
  Rig rig("bert_lora");
  rig.job.config.metric_for_best_model = "eval_acuracy";
  try {
    check_training_config(rig.job.config, *rig.task);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "train.metric");
    EXPECT_NE(std::string(e.what()).find("accuracy"), std::string::npos) << e.what();
  }
}

TEST(Loop, NoBatchIsSaid) {
  Rig rig("bert_lora");
  rig.job.config.dataloader_drop_last = true;
  rig.use_epochs(100, 1, 1);
  try {
    fit(rig.job);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "train.no_batches");
  }
}

TEST(Loop, CallbacksSeeEveryEntry) {
  Rig rig("bert_lora");
  const fs::path folder = fresh_folder("callbacks");
  rig.use_epochs(4, 1, 1);
  MetricsFile metrics(folder / "metrics.jsonl");
  TensorBoardLog board(folder / "tensorboard");
  rig.job.callbacks = {&metrics, &board};
  const FitResult r = fit(rig.job);
  Json lines = Json::array();
  for_each_line(folder / "metrics.jsonl", [&](std::string_view line, uint64_t) {
    lines.push_back(parse_json(line, "metrics.jsonl"));
    return true;
  });
  EXPECT_EQ(dump_json(lines), dump_json(r.state.log_history));
  EXPECT_EQ(list_folder(folder / "tensorboard").size(), 1u);
}

}  // namespace
}  // namespace attune
