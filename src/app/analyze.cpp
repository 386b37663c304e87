#include "app/analyze.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "app/analysis_baselines.h"
#include "app/baselines.h"
#include "app/latency.h"
#include "app/load_model.h"
#include "base/child_process.h"
#include "base/error.h"
#include "base/log.h"
#include "config/write.h"

namespace attune {
namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kStateFile = "analysis.json";
constexpr const char* kSpentFile = "spent.json";
constexpr const char* kRankingFile = "module_ranking.json";

/// Our folder, or none yet.
void open_folder(const RunConfig& run) {
  const fs::path folder = run.output_dir;
  const bool ours = file_exists(folder / kStateFile);
  if (folder_exists(folder) && !ours) {
    auto names = list_folder(folder);
    std::erase(names, ".lock");
    if (!names.empty() && !run.overwrite)
      fail(ErrorCode::kState, {.id = "run.not_empty", .where = folder.string(), .what = "the output folder holds something else than an analysis (" + names.front() + ")", .hint = "choose another output_dir"});
  }
  if (ours && run.overwrite) {
    for (const char* name : {"cells", "results", kStateFile, kRankingFile, kSpentFile, "report.html", "report.md", "config.yaml"}) file_system().remove(folder / name);
    for (const Baseline b : {Baseline::kMajority, Baseline::kBow}) file_system().remove(folder / baseline_key(b, "predictions.jsonl"));
  }
  file_system().make_folder(folder);
}

Json ranking_json(const std::vector<RankedModule>& ranked) {
  Json all = Json::array();
  for (const RankedModule& r : ranked) all.push_back({{"module", r.module}, {"gradient_norm", r.gradient}, {"weight_norm", r.weight}, {"score", r.score}});
  return all;
}

/// Ranked in a process of its own, so that this one runs no kernel before it forks; kept under the hash of a cell with these rows and weights.
std::vector<RankedModule> ranking(const AnalyzeConfig& config, const SharedInputs& shared, const CellPlan& plan) {
  const fs::path folder = config.run.output_dir, file = folder / kRankingFile;
  Cell key{.name = "ranking", .config = config.run};
  key.config.peft = {};
  key.config.quantization = {};
  hash_cells({&key, 1}, shared, plan);
  const std::string hash = fmt::format("{}-{}", key.hash, config.analysis.ranking_batches);
  if (!file_exists(file) || get_string(read_json(file), "hash", "", file.string()) != hash) {
    ChildProcess process(
        [&] {
          const Json modules = ranking_json(rank_modules(key.config, shared, config.analysis.ranking_batches));
          write_file_atomically(file, dump_json(Json{{"hash", hash}, {"modules", modules}}) + "\n");
          return 0;
        },
        folder / "log.txt", folder / "error.txt");
    if (process.wait() != 0) fail(ErrorCode::kInput, {.id = "analyze.ranking", .where = (folder / "log.txt").string(), .what = "the layers could not be ranked", .hint = "leave the variant 'selective' out"});
  }
  std::vector<RankedModule> ranked;
  const Json j = read_json(file);
  for (const Json& r : j.at("modules"))
    ranked.push_back({r.at("module").get<std::string>(), r.at("gradient_norm").get<double>(), r.at("weight_norm").get<double>(), r.at("score").get<double>()});
  return ranked;
}

/// Selective variants get the best layers, as many as a pair would usually go on.
void choose_layers(std::vector<Variant>& variants, const std::vector<RankedModule>& ranked, const AnalyzeConfig& config, const SharedInputs& shared) {
  const size_t count = std::min(adapted_layers(config.run, shared), ranked.size());
  std::string list;
  note(fmt::format("Layers by gradient norm x weight norm over {} batches; the first {} are taken by 'selective':", config.analysis.ranking_batches, count));
  for (size_t i = 0; i < ranked.size(); ++i) {
    if (i < count) list += (i ? "," : "") + ranked[i].module;
    if (i < count + 3) note(fmt::format("  {:>3}  {:<56} {:.4g}", i + 1, ranked[i].module, ranked[i].score));
  }
  for (Variant& v : variants)
    if (v.selective) v.settings.emplace_back("peft.target_modules", "[" + list + "]");
}

/// About how long a cell takes beside LoRA's: the longest go first, so that none is left over at the end.
double weight_of(const Cell& cell) {
  if (cell.untrained) return 0.05;
  const TrainingConfig& t = cell.config.training;
  const double passes = t.max_steps > 0 ? static_cast<double>(t.max_steps) : t.num_train_epochs;
  return passes * (cell.config.peft.method == "full" ? 2.5 : cell.config.quantization.on() ? 0.7 : 1.0);
}

/// A line a cell as it ends, and how long the rest will take.
class GrowingTable {
 public:
  GrowingTable(const Analysis& a, std::span<const Cell> cells, std::span<const size_t> order) : analysis_(a), cells_(cells), order_(order) {}

  void add(size_t at, const CellResult& r) {
    ++done_;
    const size_t cell = order_[at];
    open_weight_[cell] = 0;
    if (r.state == CellResult::State::kFailed) return note(fmt::format("{} {:<28} failed: {}", place(), cells_[at].name, r.error.substr(0, r.error.find('\n'))));
    std::string figures;
    for (const std::string& key : {analysis_.metric, std::string("loss")}) {
      const auto it = r.results.find(analysis_.split + "_" + key);
      if (it != r.results.end() && it->is_number()) figures += fmt::format("  {} {:.4f}", key, it->get<double>());
    }
    if (r.state == CellResult::State::kKept) return note(fmt::format("{} {:<28}{}  kept", place(), cells_[at].name, figures));
    seconds_ += r.seconds;
    weight_ += weight_of(cells_[at]);
    note(fmt::format("{} {:<28}{}  {:.1f} s{}", place(), cells_[at].name, figures, r.seconds, left()));
  }
  void expect(size_t cell, double weight) { open_weight_[cell] = weight; }

 private:
  std::string place() const { return fmt::format("[{:>{}}/{}]", done_, std::to_string(cells_.size()).size(), cells_.size()); }
  std::string left() const {
    const double open = std::accumulate(open_weight_.begin(), open_weight_.end(), 0.0, [](double s, const auto& o) { return s + o.second; });
    if (open <= 0 || weight_ <= 0) return "";
    const double seconds = open * seconds_ / weight_ / static_cast<double>(analysis_.choice.plan.jobs);
    return seconds >= 90 ? fmt::format("  about {:.0f} min left", seconds / 60) : fmt::format("  about {:.0f} s left", seconds);
  }

  const Analysis& analysis_;
  std::span<const Cell> cells_;
  std::span<const size_t> order_;
  std::map<size_t, double> open_weight_;
  double seconds_ = 0, weight_ = 0;
  size_t done_ = 0;
};

std::vector<Cell> make_cells(const VariantPlan& plan, const AnalyzeConfig& config) {
  std::vector<Cell> cells;
  for (const Variant& v : plan.variants)
    for (const int64_t seed : plan.seeds) {
      Cell cell{.name = fmt::format("{}, seed {}", v.name, seed), .config = config.run, .untrained = v.untrained};
      try {
        cell.config = apply_variant(v, config.run, seed);
      } catch (const Error& e) {
        cell.error = e.what();
      }
      cell.config.output_dir = "";
      cell.config.latency_batch_sizes.clear();  // measured alone, afterwards
      cell.config.baselines.clear();            // the same for all cells
      cell.config.overwrite = false;
      cell.config.resume = true;
      cells.push_back(std::move(cell));
    }
  return cells;
}

/// Wall clock spent on these very cells by this process and those before it, which were killed or only told the report again.
class SpentTime {
 public:
  SpentTime(fs::path file, std::span<const Cell> cells, Clock::time_point begin) : file_(std::move(file)), begin_(begin) {
    std::string hashes;
    for (const Cell& c : cells) hashes += c.hash;
    key_ = sha256_hex(hashes);
    if (!file_exists(file_)) return;
    const Json j = read_json(file_);
    if (get_string(j, "cells", "", file_.string()) == key_) seconds_ = earlier_ = get_number(j, "wall_seconds", 0, file_.string());
  }
  double seconds() const { return seconds_; }
  /// A cell has been computed.
  void add() {
    seconds_ = earlier_ + std::chrono::duration<double>(Clock::now() - begin_).count();
    write_file_atomically(file_, dump_json(Json{{"cells", key_}, {"wall_seconds", seconds_}}) + "\n");
  }

 private:
  fs::path file_;
  Clock::time_point begin_;
  std::string key_;
  double earlier_ = 0, seconds_ = 0;
};

/// How many cells run side by side on how many threads: as the folder's earlier process settled it, since the numbers depend on the threads.
PlanChoice settle_plan(const AnalyzeConfig& config, std::span<const Cell> cells, const SharedInputs& shared) {
  const fs::path folder = config.run.output_dir, file = folder / kStateFile;
  const int64_t threads = make_context(config.run.threads).threads;
  const int64_t jobs = config.analysis.jobs;
  if (const auto kept = read_plan(file)) {
    const bool asked = (jobs == 0 || jobs == kept->plan.jobs) && (config.run.threads == 0 || kept->plan.jobs * kept->plan.threads <= config.run.threads);
    if (asked) return *kept;
  }
  if (jobs > 0) return {{jobs, std::max<int64_t>(1, threads / jobs)}, "as asked"};
  std::vector<const Cell*> trained;
  for (const Cell& c : cells)
    if (!c.untrained && c.error.empty() && shared.serves(c.config)) trained.push_back(&c);
  if (trained.size() < 2) return {{1, threads}, "there is one cell to train"};
  note("Measuring how many cells to run side by side");
  return choose_plan(*trained.front(), shared, threads, folder / ".probe");
}

/// Each variant's first complete model answers rows one at a time, in a process of its own and alone on the machine. Kept in the cell's folder.
void measure_latencies(Analysis& a, const SharedInputs& shared) {
  constexpr const char* kLatencyFile = "latency.json";
  const auto& rows = (a.split == "test" ? shared.data.test : shared.data.validation).rows;
  for (size_t v = 0; v < a.plan.variants.size(); ++v)
    for (size_t s = 0; s < a.plan.seeds.size(); ++s) {
      const size_t cell = a.cell(v, s);
      if (a.results[cell].state == CellResult::State::kFailed || a.cells[cell].untrained) continue;
      const fs::path folder = a.cells[cell].config.output_dir, file = folder / kLatencyFile;
      if (!file_exists(file)) {
        ChildProcess process(
            [&] {
              OpenedModel opened = open_model(folder.string());
              const Context ctx = make_context(a.config.run.threads);
              const LoadedModel m = load_for_use(std::move(opened), false, {{}, ctx.threads});
              write_file_atomically(file, dump_json(measure_latency(m, ctx, rows, {.batch_sizes = {1}})) + "\n");
              return 0;
            },
            folder / "log.txt", folder / "latency_error.txt");
        process.wait();
      }
      if (!file_exists(file)) break;  // its log says why
      const Json measured = read_json(file);
      if (measured.is_array() && !measured.empty() && measured[0].contains("p50") && measured[0]["p50"].is_number()) a.latency[a.plan.variants[v].name] = measured[0]["p50"].get<double>();
      break;
    }
}

}  // namespace

void AnalysisOptions::fields(FieldList& f) {
  f.add("metric", metric, {.help = "figure the variants are compared by; unset: the task's first (accuracy, overall_f1, f1, ...)", .value = "NAME"});
  f.add("reference", reference, {.help = "variant the others are compared with; unset: the first that is trained", .value = "NAME"});
  f.add("margin", margin, {.help = "differences below this do not matter", .least = 0, .most = 1});
  f.add("jobs", jobs, {.help = "cells side by side; 0: what is measured to be fastest", .least = 0, .most = 4096});
  f.add("ranking_batches", ranking_batches, {.help = "batches that rank the layers of the variant 'selective'", .least = 1, .most = 100000});
  f.add("latency", latency, {.help = "measure how long each variant takes to answer one row"});
  f.add("draws", draws, {.help = "draws of bootstraps and randomisations", .least = 100, .most = 1000000});
}

void AnalyzeConfig::fields(FieldList& f) {
  run.fields(f);
  f.add("variants", variants, {.help = "list of presets and settings, grid, random, seeds"});
  f.group("analysis", analysis, "How the variants are compared");
}

void settle_analyze_config(AnalyzeConfig& config, const std::set<std::string>& given) {
  settle_run_config(config.run, given);
  DataConfig& d = config.run.data;
  if (!d.split_seed) d.split_seed = d.data_seed.value_or(config.run.training.seed);
  if (!given.contains("training.save_strategy") && !config.run.training.load_best_model_at_end) config.run.training.save_strategy = Interval::kNo;
}

std::optional<double> Analysis::value(size_t c, const std::string& key) const {
  const CellResult& r = results[c];
  if (r.state == CellResult::State::kFailed) return std::nullopt;
  const auto it = r.results.find(key);
  if (it == r.results.end() || !it->is_number()) return std::nullopt;
  return it->get<double>();
}

Analysis run_analysis(const AnalyzeConfig& config) {
  const auto begin = Clock::now();
  Analysis a;
  a.config = config;
  a.plan = read_variants(config.variants, config.run);
  const auto has = [&](const std::string& name) { return std::any_of(a.plan.variants.begin(), a.plan.variants.end(), [&](const Variant& v) { return v.name == name; }); };
  if (!config.analysis.reference.empty() && !has(config.analysis.reference))
    fail(ErrorCode::kUsage, {.id = "analyze.reference", .where = "analysis.reference", .what = "there is no variant '" + config.analysis.reference + "'"});
  open_folder(config.run);
  const fs::path folder = config.run.output_dir;
  const FolderLock lock(folder);
  SharedInputs shared = read_shared_inputs(config.run);
  const auto task = make_task(training_settings(config.run, shared.opened, shared.data.labels));
  if (!task->answers_rows())
    fail(ErrorCode::kUsage, {.id = "analyze.task", .where = "task", .what = "variants are compared row by row, and a language model has no answer for a row", .expected = "a task whose rows have answers", .got = config.run.task, .hint = "attune train --seeds gives means and spreads of perplexity"});
  if (!config.run.baselines.empty()) require_baselines_fit(task->settings());
  a.metric = config.analysis.metric.empty() ? task->headline().front() : config.analysis.metric;
  a.split = shared.data.test.rows.empty() ? "eval" : "test";
  if (shared.data.test.rows.empty() && shared.data.validation.rows.empty())
    fail(ErrorCode::kUsage, {.id = "analyze.rows", .where = "data", .what = "there are no rows to compare the variants on", .hint = "name data.test, or hold some out with data.test_split"});

  a.cells = make_cells(a.plan, config);
  a.choice = settle_plan(config, a.cells, shared);
  write_plan(folder / kStateFile, a.choice);
  AnalyzeConfig copy = config;
  write_file_atomically(folder / "config.yaml", dump_yaml(fields_of(copy)));
  if (std::any_of(a.plan.variants.begin(), a.plan.variants.end(), [](const Variant& v) { return v.selective; })) {
    a.ranking = ranking(config, shared, a.choice.plan);
    choose_layers(a.plan.variants, a.ranking, config, shared);
    a.cells = make_cells(a.plan, config);
  }
  hash_cells(a.cells, shared, a.choice.plan);
  for (Cell& c : a.cells) c.config.output_dir = (folder / "cells" / c.hash).string();

  std::vector<size_t> order(a.cells.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) { return weight_of(a.cells[i]) > weight_of(a.cells[j]); });
  std::vector<Cell> queue;
  for (const size_t i : order) queue.push_back(a.cells[i]);
  note(fmt::format("{} variants x {} seeds = {} cells; {}", a.plan.variants.size(), a.plan.seeds.size(), a.cells.size(), a.choice.reason));
  GrowingTable table(a, queue, order);
  for (size_t i = 0; i < queue.size(); ++i) table.expect(order[i], queue[i].error.empty() ? weight_of(queue[i]) : 0);
  SpentTime spent(folder / kSpentFile, a.cells, begin);
  const auto results = run_cells(queue, shared, a.choice.plan, [&](size_t at, const CellResult& r) {
    table.add(at, r);
    if (r.state == CellResult::State::kDone) spent.add();
  });
  a.results.resize(results.size());
  for (size_t i = 0; i < order.size(); ++i) a.results[order[i]] = results[i];
  a.wall_seconds = spent.seconds();
  if (config.analysis.latency) measure_latencies(a, shared);
  write_baselines(config, shared, *task);
  return a;
}

}  // namespace attune
