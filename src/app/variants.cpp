#include "app/variants.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "base/suggest.h"
#include "config/reader.h"
#include "config/scalar.h"

namespace attune {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kMostVariants = 10000;

[[noreturn]] void refuse(const std::string& id, const std::string& where, const std::string& what, const std::string& expected = "", const std::string& hint = "") {
  fail(ErrorCode::kUsage, {.id = "variants." + id, .where = where, .what = what, .expected = expected, .got = "", .hint = hint});
}

void set(Settings& settings, const std::string& path, const std::string& value) {
  for (auto& [known, old] : settings)
    if (known == path) {
      old = value;
      return;
    }
  settings.emplace_back(path, value);
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : dump_json(value, {.indent = -1, .sort_keys = false, .ascii = false}); }

/// Sections may be nested: {peft: {r: 4}} is {peft.r: 4}.
void add_settings(const Json& object, Settings& out) {
  for (const auto& [key, value] : object.items()) {
    const bool section = value.is_object() && (key == "data" || key == "peft" || key == "training" || (key == "quantization" && !value.contains("word")));
    if (!section) {
      set(out, key, text_of(value));
      continue;
    }
    for (const auto& [name, inner] : value.items()) set(out, key + "." + name, text_of(inner));
  }
}

/// A rank at the base's scale lora_alpha / r.
Settings rank(const RunConfig& base, int64_t r) {
  return {{"peft.method", "lora"}, {"peft.r", std::to_string(r)}, {"peft.lora_alpha", number_text(base.peft.lora_alpha / static_cast<double>(base.peft.r) * static_cast<double>(r))}};
}

struct Preset {
  VariantPreset text;
  Variant (*make)(const RunConfig& base);
};
Variant plain(Settings settings) { return {.name = "", .settings = std::move(settings)}; }

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = {
      {{"base", "the model before training"},
       [](const RunConfig&) {
         Variant v = plain({{"peft.method", "none"}, {"quantization.type", "none"}});
         v.untrained = true;
         return v;
       }},
      {{"lora", "LoRA as the configuration says"}, [](const RunConfig&) { return plain({{"peft.method", "lora"}}); }},
      {{"lora_r4", "rank 4, lora_alpha in proportion"}, [](const RunConfig& b) { return plain(rank(b, 4)); }},
      {{"lora_r8", "rank 8, lora_alpha in proportion"}, [](const RunConfig& b) { return plain(rank(b, 8)); }},
      {{"lora_r16", "rank 16, lora_alpha in proportion"}, [](const RunConfig& b) { return plain(rank(b, 16)); }},
      {{"lora_r32", "rank 32, lora_alpha in proportion"}, [](const RunConfig& b) { return plain(rank(b, 32)); }},
      {{"query_only", "pairs on the query projections alone"}, [](const RunConfig&) { return plain({{"peft.method", "lora"}, {"peft.target_modules", "[query]"}}); }},
      {{"full_attention", "pairs on every projection of the attention"},
       [](const RunConfig&) { return plain({{"peft.method", "lora"}, {"peft.target_modules", "attention"}}); }},
      {{"selective", "pairs on the layers where gradient norm x weight norm is largest, as many as lora has"},
       [](const RunConfig&) {
         Variant v = plain({{"peft.method", "lora"}});
         v.selective = true;
         return v;
       }},
      {{"bias_training", "all biases are trained too"}, [](const RunConfig&) { return plain({{"peft.method", "lora"}, {"peft.bias", "all"}}); }},
      {{"higher_dropout", "lora_dropout 0.3"}, [](const RunConfig&) { return plain({{"peft.method", "lora"}, {"peft.lora_dropout", "0.3"}}); }},
      {{"qlora_int8", "LoRA over a base stored as int8 (LLM.int8)"}, [](const RunConfig&) { return plain({{"peft.method", "lora"}, {"quantization.type", "int8"}}); }},
      {{"qlora_nf4", "LoRA over a base stored as nf4 (QLoRA)"}, [](const RunConfig&) { return plain({{"peft.method", "lora"}, {"quantization.type", "nf4"}}); }},
      {{"full", "all weights, learning rate 5e-5"},
       [](const RunConfig&) { return plain({{"peft.method", "full"}, {"quantization.type", "none"}, {"training.learning_rate", "5e-5"}}); }},
  };
  return all;
}

const Preset* find_preset(const std::string& name) {
  for (const Preset& p : presets())
    if (name == p.text.name) return &p;
  return nullptr;
}

Variant preset(const std::string& name, const RunConfig& base, const std::string& where) {
  const Preset* p = find_preset(name);
  if (!p) {
    std::vector<std::string> known;
    for (const Preset& other : presets()) known.push_back(other.text.name);
    refuse("preset", where, "there is no preset '" + name + "'", "", suggestion(name, known, 20));
  }
  Variant v = p->make(base);
  v.name = name;
  return v;
}

/// "lora", {lora: {...}}, {preset: lora, ...} or {name: ..., ...}.
Variant item(const Json& entry, const RunConfig& base, const std::string& where) {
  if (entry.is_string()) return preset(entry.get<std::string>(), base, where);
  if (!entry.is_object() || entry.empty()) refuse("item", where, "is neither a preset nor settings", "lora, {full: {training.learning_rate: 1e-4}} or {name: wide, peft.r: 64}");
  Variant v;
  Json rest = entry;
  if (entry.size() == 1 && find_preset(entry.begin().key())) {
    v = preset(entry.begin().key(), base, where);
    rest = entry.begin().value();
    if (rest.is_null()) rest = Json::object();
    if (!rest.is_object()) refuse("item", where + " (" + v.name + ")", "takes settings by path", "{training.learning_rate: 1e-4}");
  } else if (const auto p = rest.find("preset"); p != rest.end()) {
    v = preset(text_of(*p), base, where);
    rest.erase("preset");
  }
  if (const auto name = rest.find("name"); name != rest.end()) {
    v.name = text_of(*name);
    rest.erase("name");
  }
  add_settings(rest, v.settings);
  if (v.name.empty())
    for (const auto& [path, value] : v.settings) v.name += (v.name.empty() ? "" : ",") + path.substr(path.rfind('.') + 1) + "=" + value;
  return v;
}

std::vector<Variant> grid(const Json& knobs, const std::string& where) {
  if (!knobs.is_object() || knobs.empty()) refuse("grid", where, "takes lists of values by path", "{peft.r: [4, 8], training.learning_rate: [1e-4, 5e-4]}");
  std::vector<Variant> all(1);
  for (const auto& [path, values] : knobs.items()) {
    if (!values.is_array() || values.empty()) refuse("grid", where + " (" + path + ")", "takes a list of values", "[4, 8, 16]");
    std::vector<Variant> longer;
    for (const Variant& v : all)
      for (const Json& value : values) {
        longer.push_back(v);
        set(longer.back().settings, path, text_of(value));
        longer.back().name += (v.name.empty() ? "" : ",") + path.substr(path.rfind('.') + 1) + "=" + text_of(value);
      }
    all = std::move(longer);
    if (all.size() > kMostVariants) refuse("grid", where, fmt::format("has more than {} combinations", kMostVariants));
  }
  return all;
}

/// Three digits are as many as a draw is worth, and names stay short.
Json drawn(const Json& choice, Random& random, const std::string& where) {
  if (choice.is_array() && !choice.empty()) return choice[random.below(choice.size())];
  for (const char* kind : {"uniform", "log_uniform"}) {
    const auto range = choice.is_object() ? choice.find(kind) : choice.end();
    if (!choice.is_object() || range == choice.end()) continue;
    if (!range->is_array() || range->size() != 2 || !(*range)[0].is_number() || !(*range)[1].is_number()) break;
    const bool logarithm = std::string(kind) == "log_uniform";
    const double low = (*range)[0].get<double>(), high = (*range)[1].get<double>(), u = random.uniform();
    if (low > high || (logarithm && low <= 0)) break;
    const double value = logarithm ? low * std::pow(high / low, u) : low + u * (high - low);
    return Json::parse(fmt::format("{:.3g}", value));
  }
  refuse("random", where, "is nothing to draw from", "a list of values, {uniform: [low, high]} or {log_uniform: [low, high]} with low above 0");
}

std::vector<Variant> random_draws(const Json& section, const std::string& where) {
  if (!section.is_object() || !section.contains("draws") || !section["draws"].is_number_integer() || section["draws"].get<int64_t>() < 1)
    refuse("random", where, "needs a number of draws", "{draws: 8, seed: 7, peft.r: [4, 8, 16]}");
  const auto draws = section["draws"].get<int64_t>();
  if (draws > static_cast<int64_t>(kMostVariants)) refuse("random", where, fmt::format("has more than {} draws", kMostVariants));
  const uint64_t seed = section.contains("seed") && section["seed"].is_number_integer() ? section["seed"].get<uint64_t>() : 42;
  std::vector<Variant> all;
  for (int64_t d = 0; d < draws; ++d) {
    Variant v;
    v.name = fmt::format("random_{}", d + 1);
    for (const auto& [path, choice] : section.items()) {
      if (path == "draws" || path == "seed") continue;
      Random random(mix_key(seed, hash_name("variants." + path), static_cast<uint64_t>(d)));
      set(v.settings, path, text_of(drawn(choice, random, where + " (" + path + ")")));
    }
    if (v.settings.empty()) refuse("random", where, "draws nothing", "a setting by path with what to draw from");
    all.push_back(std::move(v));
  }
  return all;
}

std::vector<int64_t> seeds_of(const Json& value, int64_t first) {
  std::vector<int64_t> seeds;
  if (value.is_null()) return {first};
  if (value.is_number_integer() && value.get<int64_t>() >= 1 && value.get<int64_t>() <= 1000)
    for (int64_t i = 0; i < value.get<int64_t>(); ++i) seeds.push_back(first + i);
  if (value.is_array())
    for (const Json& s : value)
      if (s.is_number_integer() && s.get<int64_t>() >= 0) seeds.push_back(s.get<int64_t>());
  const bool all = !seeds.empty() && (!value.is_array() || seeds.size() == value.size());
  if (!all || std::set<int64_t>(seeds.begin(), seeds.end()).size() != seeds.size())
    refuse("seeds", "variants.seeds", "is no choice of seeds", "how many (3), or a list of different ones ([0, 1, 2])");
  return seeds;
}

}  // namespace

const std::vector<VariantPreset>& variant_presets() {
  static const std::vector<VariantPreset> texts = [] {
    std::vector<VariantPreset> out;
    for (const Preset& p : presets()) out.push_back(p.text);
    return out;
  }();
  return texts;
}

RunConfig apply_variant(const Variant& variant, const RunConfig& base, int64_t seed) {
  RunConfig config = base;
  const FieldList list = fields_of(config);
  ConfigReader reader(list);
  for (const auto& [path, value] : variant.settings) reader.read_override(path + "=" + value);
  config.training.seed = seed;
  try {
    reader.finish();
    settle_run_config(config, reader.given());
  } catch (const Error& e) {
    ErrorInfo info = e.info();
    info.where = "variant " + variant.name;
    fail(e.code(), std::move(info));
  }
  return config;
}

VariantPlan read_variants(const Json& section, const RunConfig& base) {
  VariantPlan plan;
  const Json list = section.is_array() ? section : section.is_object() ? section.value("list", Json::array()) : Json();
  if (!list.is_array()) refuse("list", "variants.list", "takes presets and settings", "[base, lora, full]");
  for (size_t i = 0; i < list.size(); ++i) plan.variants.push_back(item(list[i], base, fmt::format("variants.list[{}]", i)));
  Json seeds;
  if (section.is_object())
    for (const auto& [key, value] : section.items()) {
      std::vector<Variant> more;
      if (key == "grid")
        more = grid(value, "variants.grid");
      else if (key == "random")
        more = random_draws(value, "variants.random");
      else if (key == "seeds")
        seeds = value;
      else if (key != "list")
        refuse("key", "variants", "has no part '" + key + "'", "", suggestion(key, {"list", "grid", "random", "seeds"}));
      plan.variants.insert(plan.variants.end(), more.begin(), more.end());
    }
  if (plan.variants.empty()) refuse("empty", "variants", "names no variant", "list: [base, lora, full], grid: {...} or random: {...}", "attune analyze --help lists the presets");
  plan.seeds = seeds_of(seeds, base.training.seed);
  std::set<std::string> names;
  for (const Variant& v : plan.variants) {
    if (!names.insert(v.name).second) refuse("name", "variants", "two variants are called '" + v.name + "'", "names that differ", "give one a name: {name: other, preset: " + v.name + "}");
    try {
      apply_variant(v, base, plan.seeds.front());
    } catch (const Error& e) {
      // A slip of the pen stops here; values that cannot be are the variant's own failure, and the others go on.
      if (e.info().id == "config.unknown_key" || e.info().id == "config.ambiguous_key") throw;
    }
  }
  return plan;
}

}  // namespace attune
