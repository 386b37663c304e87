#include "app/repeat.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/load_model.h"
#include "app/stored_predictions.h"
#include "base/error.h"
#include "base/log.h"
#include "metrics/seeds.h"

namespace attune {
namespace {

constexpr const char* kPlanFile = "repeat.json";
constexpr const char* kSummaryFile = "summary.json";

struct Repetition {
  int64_t seed = 0, fold = 0;
  std::string name;
};

std::vector<Repetition> repetitions(const RunConfig& config, int64_t seeds) {
  std::vector<Repetition> all;
  const bool folds = config.data.folds > 1 && config.data.fold == 0;
  for (int64_t s = 0; s < seeds; ++s)
    for (int64_t f = 1; f <= (folds ? config.data.folds : 1); ++f) {
      Repetition r{config.training.seed + s, folds ? f : config.data.fold, ""};
      if (seeds > 1) r.name = fmt::format("seed-{}", r.seed);
      if (folds) r.name += fmt::format("{}fold-{}", r.name.empty() ? "" : "-", f);
      all.push_back(std::move(r));
    }
  return all;
}

void open_folder(const RunConfig& config, const std::vector<Repetition>& all) {
  const fs::path folder = config.output_dir;
  if (folder_exists(folder) && !config.resume && !config.overwrite) {
    auto names = list_folder(folder);
    std::erase(names, ".lock");
    if (!names.empty())
      fail(ErrorCode::kState, {.id = "run.not_empty", .where = folder.string(), .what = "the output folder is not empty (" + names.front() + ")", .hint = "go on with --resume, replace it with --overwrite, or choose another output_dir"});
  }
  if (config.overwrite && file_exists(folder / kPlanFile)) {
    for (const Repetition& r : all) file_system().remove(folder / r.name);
    for (const char* name : {kPlanFile, kSummaryFile}) file_system().remove(folder / name);
  }
  file_system().make_folder(folder);
}

/// As the folder's earlier process settled it.
PlanChoice settle_plan(const RunConfig& config, std::span<const Cell> cells, const SharedInputs& shared) {
  const fs::path folder = config.output_dir;
  if (const auto kept = read_plan(folder / kPlanFile)) return *kept;
  note("Measuring how many runs to make side by side");
  const PlanChoice choice = choose_plan(cells.front(), shared, make_context(config.threads).threads, folder / ".probe");
  write_plan(folder / kPlanFile, choice);
  return choice;
}

/// Numbers that are figures of a run, not descriptions of it.
bool is_figure(const std::string& key, const Json& value) {
  return value.is_number() && (key.starts_with("eval_") || key.starts_with("test_") || key == "train_loss") && !key.ends_with("runtime") && key.find("per_second") == std::string::npos && !key.ends_with("confidence");
}

Json over_runs(const std::vector<Repetition>& all, const std::vector<CellResult>& results) {
  std::map<std::string, std::pair<std::vector<double>, std::vector<std::string>>> figures;
  std::vector<std::string> order;
  for (size_t i = 0; i < all.size(); ++i)
    for (const auto& [key, value] : results[i].results.items()) {
      if (!is_figure(key, value) || !std::isfinite(value.get<double>())) continue;
      auto& [values, names] = figures[key];
      if (values.empty()) order.push_back(key);
      values.push_back(value.get<double>());
      names.push_back(all[i].name);
    }
  Json out = Json::object();
  for (const std::string& key : order) {
    const auto& [values, names] = figures[key];
    const bool lower = key.ends_with("loss") || key.ends_with("perplexity") || key.ends_with("mse") || key.ends_with("mae") || key.ends_with("brier") || key.ends_with("ece");
    const SeedSummary s = *summarise_seeds(values, !lower);
    out[key] = {{"mean", s.mean}, {"sd", s.sd ? Json(*s.sd) : Json()}, {"low", s.interval ? Json(s.interval->low) : Json()}, {"high", s.interval ? Json(s.interval->high) : Json()},
                {"best", names[s.best]}, {"worst", names[s.worst]}, {"n", s.n}};
  }
  return out;
}

Json degenerate(const std::vector<Repetition>& all, const std::vector<CellResult>& results, const std::string& split) {
  std::vector<SeedRun> runs;
  std::vector<std::string> names;
  for (size_t i = 0; i < all.size(); ++i) {
    const Json& r = results[i].results;
    const auto number = [&](const std::string& key) { return r.contains(split + key) && r[split + key].is_number() ? std::optional(r[split + key].get<double>()) : std::nullopt; };
    const auto accuracy = number("_accuracy");
    if (!accuracy) continue;
    runs.push_back({.score = *accuracy, .accuracy = accuracy, .majority_rate = number("_majority_rate"), .matthews = number("_mcc"), .classes_predicted = {}, .classes_in_gold = {}});
    names.push_back(all[i].name);
  }
  Json out = Json::array();
  const auto found = degenerate_runs(runs);
  for (size_t i = 0; i < found.size(); ++i)
    if (!found[i].empty()) out.push_back({{"name", names[i]}, {"reason", found[i]}});
  return out;
}

/// The predictions of all folds of the first seed as one file, measured as any stored predictions are.
Json out_of_fold(const RunConfig& config, const std::vector<Repetition>& all) {
  const fs::path folder = config.output_dir, file = folder / "predictions.jsonl";
  write_file_atomically(file, [&](OutputFile& out) {
    for (const Repetition& r : all)
      if (r.seed == config.training.seed) out.write(read_file(folder / r.name / "predictions.jsonl"));
  });
  StoredOptions options;
  options.task = config.task;
  return stored_metrics(read_stored_predictions(file.string(), options));
}

}  // namespace

Json train_repeatedly(const RunConfig& given, int64_t seeds) {
  RunConfig config = given;
  if (!config.data.split_seed) config.data.split_seed = config.data.data_seed.value_or(config.training.seed);
  const std::vector<Repetition> all = repetitions(config, seeds);
  open_folder(config, all);
  const fs::path folder = config.output_dir;
  const FolderLock lock(folder);
  std::vector<Cell> cells;
  for (const Repetition& r : all) {
    Cell cell{.name = r.name, .config = config};
    cell.config.training.seed = r.seed;
    cell.config.data.fold = r.fold;
    cell.config.output_dir = (folder / r.name).string();
    cell.config.resume = true;
    cell.config.overwrite = false;
    cells.push_back(std::move(cell));
  }
  SharedInputs shared = read_shared_inputs(cells.front().config);
  const PlanChoice choice = settle_plan(config, cells, shared);
  hash_cells(cells, shared, choice.plan);
  note(fmt::format("{} runs; {}", cells.size(), choice.reason));
  size_t done = 0;
  const auto results = run_cells(cells, shared, choice.plan, [&](size_t i, const CellResult& r) {
    const bool failed = r.state == CellResult::State::kFailed;
    note(fmt::format("[{}/{}] {}  {}", ++done, cells.size(), cells[i].name, failed ? "failed: " + r.error.substr(0, r.error.find('\n')) : r.state == CellResult::State::kKept ? std::string("kept") : fmt::format("{:.1f} s", r.seconds)));
  });
  Json runs = Json::array(), failed = Json::array();
  for (size_t i = 0; i < all.size(); ++i) {
    if (results[i].state == CellResult::State::kFailed)
      failed.push_back({{"name", all[i].name}, {"error", results[i].error}});
    else
      runs.push_back({{"name", all[i].name}, {"seed", all[i].seed}, {"fold", all[i].fold}, {"folder", cells[i].config.output_dir}, {"results", results[i].results}});
  }
  if (runs.empty()) fail(ErrorCode::kInput, {.id = "train.all_failed", .where = folder.string(), .what = "every run failed: " + results.front().error});
  const std::string split = runs.front()["results"].contains("test_loss") ? "test" : "eval";
  Json summary = {{"runs", runs}, {"failed", failed}, {"metrics", over_runs(all, results)}, {"degenerate", degenerate(all, results, split)}};
  if (config.data.folds > 1 && config.data.fold == 0 && failed.empty() && find_task(config.task).rows != RowKind::kDocument) summary["out_of_fold"] = out_of_fold(config, all);
  write_file_atomically(folder / kSummaryFile, dump_json(summary, {.sort_keys = false, .nan_as_null = true}) + "\n");
  return summary;
}

}  // namespace attune
