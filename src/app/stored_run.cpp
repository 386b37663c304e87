#include "app/stored_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"

namespace attune {
namespace {

/// trainer_state.json holds NaN where a loss was none; it grows with the run.
const JsonLimits kLimits = {.max_bytes = uint64_t{1} << 30, .allow_nan = true};

Json read_object(StoredRun& run, const char* name, const char* what_for) {
  if (file_exists(run.folder / name)) return read_json(run.folder / name, kLimits);
  if (what_for) run.missing.push_back(fmt::format("`{}` is not there: {}.", name, what_for));
  return Json::object();
}

void read_state(StoredRun& run) {
  const Json state = read_object(run, "trainer_state.json", "no training curves");
  const auto history = state.find("log_history");
  run.log_history = history != state.end() && history->is_array() ? *history : Json::array();
  run.best_step = get_int(state, "best_global_step", -1, (run.folder / "trainer_state.json").string());
}

/// The test rows are the ones to report; validation rows chose the checkpoint.
void read_metrics(StoredRun& run) {
  for (const auto& [file, split] : {std::pair{"test_results.json", "test"}, {"eval_results.json", "validation"}}) {
    if (!file_exists(run.folder / file)) continue;
    run.split = split;
    run.metrics = read_json(run.folder / file, kLimits);
    return;
  }
  run.metrics = Json::object();
  run.missing.push_back("Neither `test_results.json` nor `eval_results.json` is there: no figures of an evaluation.");
}

void read_predictions(StoredRun& run) {
  if (!file_exists(run.folder / "predictions.jsonl")) {
    run.missing.push_back("`predictions.jsonl` is not there: no confusion matrix, no curves and no rows.");
    return;
  }
  run.predictions = read_stored_predictions(run.folder.string(), {});
  if (!run.predictions->no_scores.empty()) run.missing.push_back("Scores cannot be used: " + run.predictions->no_scores + ". There are no curves of them.");
}

StoredRun read_run(const std::string& folder) {
  StoredRun run;
  run.folder = folder;
  if (!folder_exists(folder) || (!file_exists(run.folder / "all_results.json") && !file_exists(run.folder / "trainer_state.json")))
    fail(ErrorCode::kInput, {.id = "report.no_run",
                             .where = folder,
                             .what = folder_exists(folder) ? "has neither all_results.json nor trainer_state.json" : "is no folder",
                             .expected = "a run folder, as attune train leaves it"});
  run.results = read_object(run, "all_results.json", "no figures of cost");
  read_state(run);
  read_metrics(run);
  if (file_exists(run.folder / "config.yaml")) run.config = read_file(run.folder / "config.yaml", uint64_t{16} << 20);
  run.adapter = read_object(run, "adapter_config.json", nullptr);
  for (const char* name : {"adapter_model.safetensors", "model.safetensors"})
    if (run.model_bytes == 0 && file_exists(run.folder / name)) run.model_bytes = attune::file_size(run.folder / name);
  read_predictions(run);
  return run;
}

/// The last `parts` names of a path.
std::string tail_of(const fs::path& folder, int parts) {
  fs::path rest = fs::absolute(folder).lexically_normal(), tail;
  if (!rest.has_filename()) rest = rest.parent_path();
  for (; parts > 0 && rest.has_relative_path(); --parts, rest = rest.parent_path()) tail = tail.empty() ? rest.filename() : rest.filename() / tail;
  return tail.string();
}

std::optional<double> number_at(const Json& object, const std::string& key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number() || !std::isfinite(it->get<double>())) return std::nullopt;
  return it->get<double>();
}

constexpr struct {
  const char *key, *label;
  bool higher_is_better;
} kScores[] = {{"accuracy", "accuracy", true}, {"overall_f1", "F1 of entities", true},   {"f1", "F1", true},
               {"pearson", "Pearson correlation", true}, {"perplexity", "perplexity", false}, {"loss", "loss", false}};

}  // namespace

std::optional<double> StoredRun::number(const std::string& key) const { return number_at(results, key); }

std::optional<double> StoredRun::metric(const std::string& key) const {
  if (const auto v = number_at(metrics, key)) return v;
  return split.empty() ? std::nullopt : number((split == "test" ? "test_" : "eval_") + key);
}

std::optional<std::pair<double, double>> StoredRun::interval(const std::string& key) const {
  const auto it = metrics.find(key + "_interval");
  if (it == metrics.end() || !it->is_array() || it->size() != 2 || !(*it)[0].is_number() || !(*it)[1].is_number()) return std::nullopt;
  return std::pair{(*it)[0].get<double>(), (*it)[1].get<double>()};
}

std::string StoredRun::method() const {
  const std::string base = results.value("base_description", "f32");
  const std::string on = base == "f32" ? "" : " on " + base;
  if (adapter.empty()) return model_bytes > 0 ? "full" + on : "";
  const auto rank = number_at(adapter, "r");
  std::string type = get_string(adapter, "peft_type", "adapter", (folder / "adapter_config.json").string());
  std::transform(type.begin(), type.end(), type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type + (rank ? fmt::format(" r={:.0f}", *rank) : "") + on;
}

std::vector<StoredRun> read_runs(const std::vector<std::string>& folders) {
  std::vector<StoredRun> runs;
  for (const std::string& folder : folders) runs.push_back(read_run(folder));
  for (int parts = 1; parts < 64; ++parts) {
    std::set<std::string> names;
    for (StoredRun& run : runs) names.insert(run.name = tail_of(run.folder, parts));
    if (names.size() == runs.size()) return runs;
  }
  fail(ErrorCode::kUsage, {.id = "report.twice", .what = "a run is named twice", .hint = "name each run folder once"});
}

std::optional<Score> main_score(const std::vector<StoredRun>& runs) {
  for (const auto& s : kScores)
    for (const StoredRun& run : runs)
      if (run.metric(s.key)) return Score{s.key, s.label, s.higher_is_better};
  return std::nullopt;
}

}  // namespace attune
