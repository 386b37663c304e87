// Turns a run's products with frozen weights into 8-bit ones: decides, calibrates, checks.
#pragma once

#include <optional>

#include "app/load_model.h"
#include "app/run_config.h"
#include "train/int8_check.h"

namespace attune {

/// What `compute` means for this run: auto is int8 for a quantised base where the processor has fast 8-bit dot products.
bool computes_in_int8(const RunConfig& config, const Context& ctx);

/// Smooths, packs and self-checks; says what it found. Nothing when the run computes in F32.
std::optional<Int8Check> prepare_int8(const RunConfig& config, LoadedModel& m, FitJob& job);

/// For a model that only answers: its frozen products, and a language model's logits, as `compute` says; auto is int8
/// for a base held quantised where the processor has fast 8-bit dot products. True: they run in int8, and the weights are held for that alone (an adapter's pairs stay F32).
bool infer_in(Compute compute, LoadedModel& m, const Context& ctx);

}  // namespace attune
