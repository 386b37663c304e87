// The cells of a sweep: runs that differ in their settings, each in a process of its own that was forked from one which has read model
// and rows, so that nothing is started, tokenised or read twice and there is one copy of the base's weights. A cell that is complete is
// kept under the hash of what determines it and never computed again.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "app/train.h"

namespace attune {

struct Cell {
  std::string name;  ///< "lora, seed 1"
  RunConfig config;  ///< output_dir: its folder; threads are the plan's
  bool untrained = false;
  std::string hash = {};   ///< set by hash_cells
  std::string error = {};  ///< not "": it cannot be run, and why
};

struct CellPlan {
  int64_t jobs = 1;     ///< cells side by side
  int64_t threads = 1;  ///< of each
  bool operator==(const CellPlan&) const = default;
};

struct CellResult {
  enum class State { kDone, kKept, kFailed };
  State state = State::kFailed;
  std::string error;   ///< of a failed one
  double seconds = 0;  ///< of the process that computed it
  Json results;        ///< all_results.json
};

/// Sets each cell's threads, and its hash over what determines its numbers: program, kernels, threads, settings, rows, weights.
void hash_cells(std::span<Cell> cells, const SharedInputs& shared, const CellPlan& plan);

/// Computes the cells, `plan.jobs` at a time, in their order, and tells `finished` of each as it ends (kept ones first). Of cells with one
/// hash one is computed, the others get its result. Interrupted when a signal came: cells that are not complete start again next time, from
/// their checkpoints where they write some. `shared` is as it was afterwards: the cells' processes have copies.
std::vector<CellResult> run_cells(std::span<const Cell> cells, SharedInputs& shared, const CellPlan& plan,
                                  const std::function<void(size_t cell, const CellResult&)>& finished);

/// Which plan is fastest here, measured with a few steps of `cell`: one cell on all threads, or as many as there are threads on one each.
struct PlanChoice {
  CellPlan plan;
  std::string reason;  ///< "2 cells side by side on 1 thread each: 1,310 tokens/s, one on 2 threads: 1,150"
};
PlanChoice choose_plan(const Cell& cell, const SharedInputs& shared, int64_t threads, const fs::path& folder);

/// A choice is kept with what it made, since numbers depend on the number of threads.
std::optional<PlanChoice> read_plan(const fs::path& file);
void write_plan(const fs::path& file, const PlanChoice& choice);

}  // namespace attune
