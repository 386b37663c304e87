// The variants of a sweep: settings put over one base configuration, from presets, lists, grids and random draws.
//
//   variants:
//     list:                                            # a preset's name, or settings by path
//       - lora
//       - full: {training.learning_rate: 1e-4}         # a preset with settings of one's own
//       - {name: wide, peft.r: 64}
//     grid: {peft.r: [4, 8], training.learning_rate: [1e-4, 5e-4]}       # every combination
//     random: {draws: 8, seed: 7, peft.r: [4, 8, 16], training.learning_rate: {log_uniform: [1e-5, 1e-3]}}
//     seeds: 3                                         # training.seed and the two after it; or a list
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/run_config.h"

namespace attune {

struct Variant {
  std::string name;
  std::vector<std::pair<std::string, std::string>> settings;  ///< path and value, as key=value on a command line
  bool untrained = false;                                     ///< the model before its first step
  bool selective = false;                                     ///< target_modules by analysis (app/module_ranking.h)
};

struct VariantPlan {
  std::vector<Variant> variants;  ///< names are distinct
  std::vector<int64_t> seeds;
};

/// One line of the table of presets.
struct VariantPreset {
  const char* name;
  const char* help;
};
const std::vector<VariantPreset>& variant_presets();

/// `section`: the YAML block as JSON, a list alone standing for `list`. Error(kUsage) "variants.*" names what is wrong; unknown settings
/// are found here; values that cannot be are left to apply_variant.
VariantPlan read_variants(const Json& section, const RunConfig& base);

/// The configuration of one cell. Error(kUsage) of the configuration, naming the variant.
RunConfig apply_variant(const Variant& variant, const RunConfig& base, int64_t seed);

}  // namespace attune
