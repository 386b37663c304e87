#include "app/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "app/env.h"
#include "app/fingerprints.h"
#include "base/child_process.h"
#include "base/error.h"
#include "base/log.h"
#include "base/pages.h"
#include "base/signals.h"

namespace attune {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

constexpr const char* kCellFile = "cell.json";
constexpr const char* kFailureFile = "error.txt";
constexpr const char* kLogFile = "log.txt";
constexpr auto kPause = std::chrono::milliseconds(10);

fs::path folder_of(const Cell& cell) { return cell.config.output_dir; }

/// The result of a cell that is complete in its folder.
std::optional<CellResult> kept(const Cell& cell) {
  const fs::path file = folder_of(cell) / kCellFile;
  if (!file_exists(file)) return std::nullopt;
  const Json j = read_json(file);
  if (get_string(j, "hash", "", file.string()) != cell.hash) return std::nullopt;
  CellResult r;
  r.state = CellResult::State::kKept;
  r.seconds = get_number(j, "seconds", 0, file.string());
  JsonLimits limits;
  limits.allow_nan = true;
  r.results = read_json(folder_of(cell) / "all_results.json", limits);
  return r;
}

/// Nothing stays of another cell or of a half one, but a checkpoint to go on from.
void clear(const Cell& cell) {
  const fs::path folder = folder_of(cell);
  if (folder_exists(folder)) {
    const auto names = list_folder(folder);
    const bool checkpoints = std::any_of(names.begin(), names.end(), [](const std::string& n) { return n.starts_with("checkpoint-"); });
    if (!checkpoints || file_exists(folder / kCellFile)) file_system().remove(folder);
  }
  file_system().make_folder(folder);
  if (file_exists(folder / kFailureFile)) file_system().remove(folder / kFailureFile);
}

/// In a process of its own. A base that is held in codes is read from its file, tensor by tensor, as a run alone does: so the memory that is told is that of
/// such a run, not the shared F32 base beside its codes.
int compute(const Cell& cell, SharedInputs& shared) {
  const auto begin = Clock::now();
  if (cell.config.quantization.on()) shared.opened.weights.reset();
  train(cell.config, {.shared = shared.serves(cell.config) ? &shared : nullptr, .untrained = cell.untrained});
  write_file_atomically(folder_of(cell) / kCellFile, dump_json(Json{{"hash", cell.hash}, {"name", cell.name}, {"seconds", seconds_since(begin)}}) + "\n");
  return 0;
}

struct Running {
  size_t cell;
  ChildProcess process;
};

CellResult outcome(const Cell& cell, int status) {
  if (status == 0)
    if (auto r = kept(cell)) {
      r->state = CellResult::State::kDone;
      return *r;
    }
  CellResult r;
  const fs::path failure = folder_of(cell) / kFailureFile;
  r.error = file_exists(failure) ? read_file(failure) : status > 128 ? fmt::format("ended by signal {}", status - 128) : fmt::format("ended with status {}", status);
  while (r.error.ends_with('\n')) r.error.pop_back();
  return r;
}

/// Every setting but where things are and what is kept: rows are hashed as they are, threads beside them.
Json settings_of_numbers(const RunConfig& config) {
  static const std::set<std::string> others = {"output_dir", "overwrite", "resume", "resume_from_checkpoint", "strict", "threads", "data.train", "data.validation", "data.test",
                                               "training.save_strategy", "training.save_steps", "training.save_total_limit", "latency_batch_sizes", "sample_predictions"};
  RunConfig copy = config;
  Json settings = Json::object();
  const FieldList list = fields_of(copy);
  for (const Field& f : list.all())
    if (!others.contains(f.path)) settings[f.path] = value_text(f);
  return settings;
}

int64_t available_bytes() {
  const std::string text = read_file("/proc/meminfo");
  const size_t at = text.find("MemAvailable:");
  return at == std::string::npos ? INT64_MAX : std::strtoll(text.c_str() + at + 13, nullptr, 10) * 1024;
}

struct Probe {
  double tokens_per_second = 0;  ///< of all processes together
  int64_t bytes = 0;             ///< the largest of them
};

/// Steps of the cell in `plan.jobs` processes at once. Nothing when they fail: then the cell itself will say why.
std::optional<Probe> probe(const Cell& cell, const SharedInputs& shared, const CellPlan& plan, const fs::path& folder) {
  constexpr int64_t kSteps = 10, kFirst = 2;
  RunConfig config = cell.config;
  config.threads = plan.threads;
  const auto result_file = [&](int64_t i) { return folder / fmt::format("{}.json", i); };
  std::vector<ChildProcess> processes;
  for (int64_t i = 0; i < plan.jobs; ++i)
    processes.emplace_back(
        [&, i] {
          const std::vector<StepTime> steps = time_steps(config, shared, kSteps);
          double seconds = 0, tokens = 0;
          for (size_t s = kFirst; s < steps.size(); ++s) {
            seconds += steps[s].seconds;
            tokens += static_cast<double>(steps[s].tokens);
          }
          write_file_atomically(result_file(i), dump_json(Json{{"rate", tokens / std::max(1e-9, seconds)}, {"bytes", peak_resident_bytes()}}));
          return 0;
        },
        folder / kLogFile, folder / kFailureFile);
  for (ChildProcess& p : processes)
    if (p.wait() != 0) return std::nullopt;
  Probe all;
  for (int64_t i = 0; i < plan.jobs; ++i) {
    const Json j = read_json(result_file(i));
    all.tokens_per_second += j["rate"].get<double>();
    all.bytes = std::max(all.bytes, j["bytes"].get<int64_t>());
  }
  return all;
}

std::string describe(const CellPlan& plan) {
  const auto threads = [](int64_t n) { return fmt::format("{} thread{}", n, n == 1 ? "" : "s"); };
  return plan.jobs == 1 ? "one cell at a time on " + threads(plan.threads) : fmt::format("{} cells side by side on {} each", plan.jobs, threads(plan.threads));
}

}  // namespace

void hash_cells(std::span<Cell> cells, const SharedInputs& shared, const CellPlan& plan) {
  const Json program = environment();
  const Json rows = {hash_of(shared.data.train.examples), hash_of(shared.data.validation.examples), hash_of(shared.data.test.examples)};
  const std::string weights = shared.opened.weights ? shared.opened.weights->fingerprint() : "";
  for (Cell& cell : cells) {
    cell.config.threads = plan.threads;
    Json what = {{"program", program["version"]}, {"kernels", program["kernels"]}, {"threads", plan.threads}, {"untrained", cell.untrained},
                 {"settings", settings_of_numbers(cell.config)}, {"rows", rows}, {"weights", weights}};
    if (!shared.serves(cell.config))
      for (const std::string& file : {cell.config.data.train, cell.config.data.validation, cell.config.data.test})
        what["files"].push_back(file.empty() || !file_exists(file) ? "" : sha256_file(file));
    cell.hash = sha256_hex(dump_json(what, {.indent = -1})).substr(0, 16);
  }
}

std::vector<CellResult> run_cells(std::span<const Cell> cells, SharedInputs& shared, const CellPlan& plan,
                                  const std::function<void(size_t cell, const CellResult&)>& finished) {
  std::vector<CellResult> results(cells.size());
  std::map<std::string, std::vector<size_t>> same;  // by hash; the first is computed
  std::vector<size_t> waiting;
  const auto done = [&](size_t i, const CellResult& r) {
    for (const size_t j : same[cells[i].hash]) {
      results[j] = r;
      if (j != i && r.state == CellResult::State::kDone) results[j].state = CellResult::State::kKept;
      finished(j, results[j]);
    }
  };
  std::vector<size_t> first;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!cells[i].error.empty()) {
      results[i].error = cells[i].error;
      finished(i, results[i]);
      continue;
    }
    auto& twins = same[cells[i].hash];
    if (twins.empty()) first.push_back(i);
    twins.push_back(i);
  }
  for (const size_t i : first) {
    if (const auto r = kept(cells[i]))
      done(i, *r);
    else
      waiting.push_back(i);
  }
  std::reverse(waiting.begin(), waiting.end());
  std::vector<Running> running;
  const auto leave = [&](int signal) {  // once those that run have written their checkpoints
    for (Running& r : running) r.process.interrupt();
    for (Running& r : running)
      while (!r.process.poll()) std::this_thread::sleep_for(kPause);
    throw Interrupted(signal);
  };
  while (!waiting.empty() || !running.empty()) {
    while (!waiting.empty() && static_cast<int64_t>(running.size()) < plan.jobs) {
      const size_t i = waiting.back();
      waiting.pop_back();
      clear(cells[i]);
      const Cell& cell = cells[i];
      running.push_back({i, ChildProcess([&] { return compute(cell, shared); }, folder_of(cell) / kLogFile, folder_of(cell) / kFailureFile)});
    }
    std::this_thread::sleep_for(kPause);
    if (const int signal = pending_signal()) leave(signal);
    for (size_t k = running.size(); k-- > 0;) {
      const auto status = running[k].process.poll();
      if (!status) continue;
      const size_t i = running[k].cell;
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(k));
      if (*status == 130 || *status == 143) leave(*status - 128);
      done(i, outcome(cells[i], *status));
    }
  }
  return results;
}

std::optional<PlanChoice> read_plan(const fs::path& file) {
  if (!file_exists(file)) return std::nullopt;
  const Json j = read_json(file);
  const std::string where = file.string();
  return PlanChoice{{get_int(j, "jobs", 1, where, 1, 4096), get_int(j, "threads", 1, where, 1, 4096)}, get_string(j, "reason", "", where)};
}

void write_plan(const fs::path& file, const PlanChoice& choice) {
  write_file_atomically(file, dump_json(Json{{"jobs", choice.plan.jobs}, {"threads", choice.plan.threads}, {"reason", choice.reason}}) + "\n");
}

PlanChoice choose_plan(const Cell& cell, const SharedInputs& shared, int64_t threads, const fs::path& folder) {
  PlanChoice choice{{1, threads}, ""};
  if (threads == 1) return {choice.plan, describe(choice.plan)};
  file_system().make_folder(folder);
  double best = 0;
  for (int64_t jobs = 1; jobs <= threads; jobs *= 2) {
    const CellPlan plan{jobs, threads / jobs};
    const auto p = probe(cell, shared, plan, folder);
    if (!p) break;
    choice.reason += fmt::format("{}{}: {:.0f} tokens/s", choice.reason.empty() ? "" : "; ", describe(plan), p->tokens_per_second);
    // The room of what runs already is in `bytes` once: a base that all share.
    if (jobs > 1 && static_cast<double>(jobs * p->bytes) > 0.8 * static_cast<double>(available_bytes())) break;
    if (p->tokens_per_second > best) {
      best = p->tokens_per_second;
      choice.plan = plan;
    }
  }
  file_system().remove(folder);
  return choice;
}

}  // namespace attune
