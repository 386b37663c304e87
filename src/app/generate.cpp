#include "app/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "app/int8_run.h"
#include "app/stored_base.h"
#include "base/error.h"
#include "base/log.h"
#include "text/stream_decoder.h"

namespace attune {

void GenerateOptions::fields(FieldList& f) {
  f.add("model", model, {.help = "model folder, GGUF file, adapter folder, run folder or hub name", .aliases = {"model_name_or_path", "model_name"}, .value = "MODEL", .position = 1});
  f.add("base_model", base_model, {.help = "base of an adapter, instead of what it names", .value = "DIR"});
  f.add("prompt", prompt, {.help = "text to go on from", .value = "TEXT"});
  f.add("max_new_tokens", max_new_tokens, {.help = "most tokens to add (the model's generation_config.json, else 20)", .aliases = {"max_tokens"}, .least = 1});
  f.add("greedy", greedy, {.help = "always the most likely token"});
  f.add("temperature", temperature, {.help = "sample from scores divided by this; below 1 bolder, above 1 wilder", .least = 0, .above = true});
  f.add("top_k", top_k, {.help = "sample among the k most likely tokens; 0: all", .least = 0});
  f.add("top_p", top_p, {.help = "sample among the most likely tokens that hold this much probability", .least = 0, .most = 1});
  f.add("min_p", min_p, {.help = "sample among tokens at least this likely, as a share of the most likely one", .least = 0, .most = 1});
  f.add("repetition_penalty", repetition_penalty, {.help = "scores of tokens that were there already are divided by this", .least = 0, .above = true});
  f.add("no_repeat_ngram_size", no_repeat_ngram_size, {.help = "no sequence of so many tokens comes twice; 0: off", .least = 0});
  f.add("min_new_tokens", min_new_tokens, {.help = "no end before so many tokens", .least = 0});
  f.add("seed", seed, {.help = "of the samples", .least = 0});
  f.add("num_samples", num_samples, {.help = "how many texts", .aliases = {"num_return_sequences"}, .least = 1, .most = 1024});
  f.add("stop", stop, {.help = "end before this text; may be given again", .aliases = {"stop_strings"}, .value = "TEXT", .repeat = true});
  add_hold_base(f, quantization);
  f.add_enum("compute", compute, {{"auto", Compute::kAuto}, {"f32", Compute::kF32}, {"int8", Compute::kInt8}},
             {.help = "products with frozen weights; auto: int8 for a base held quantised, where the processor is fast at it"});
  f.add("threads", threads, {.help = "threads (0: all cores)", .least = 0, .most = 1024});
  f.add("strict", strict, {.help = "refuse an adapter whose recorded base differs from the one found"});
}

namespace {

/// Settings of generation_config.json that would change the text and are not done here.
void warn_of_others(const Json& j, const std::string& where) {
  std::string names;
  const auto differs = [&](const char* key, const Json& standard) {
    if (j.contains(key) && !j[key].is_null() && j[key] != standard) names += (names.empty() ? "" : ", ") + std::string(key);
  };
  differs("num_beams", 1);
  for (const char* key : {"typical_p", "diversity_penalty", "length_penalty", "encoder_repetition_penalty"}) differs(key, 1.0);
  for (const char* key : {"epsilon_cutoff", "eta_cutoff"}) differs(key, 0.0);
  for (const char* key : {"bad_words_ids", "force_words_ids", "suppress_tokens", "begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id", "sequence_bias",
                          "exponential_decay_length_penalty", "guidance_scale", "top_h", "penalty_alpha", "min_length"})
    differs(key, nullptr);
  if (!names.empty()) warning(where + ": not done here, so texts may differ from those of transformers: " + names);
}

std::vector<int32_t> end_ids(const Json& j, const std::string& where) {
  const auto it = j.find("eos_token_id");
  if (it == j.end() || it->is_null()) return {};
  std::vector<int32_t> ids;
  for (const Json& id : it->is_array() ? *it : Json::array({*it})) {
    if (!id.is_number_integer()) fail(ErrorCode::kInput, {.id = "generation_config", .where = where + " (eos_token_id)", .what = "is no token id and no list of them"});
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

}  // namespace

GenerationSettings generation_settings(const OpenedModel& opened, const GenerateOptions& o) {
  constexpr const char* kFile = "generation_config.json";
  const TextFiles files = opened.adapter && file_exists(*opened.adapter / kFile) ? TextFiles(*opened.adapter) : opened.files;
  const bool has_file = files.contains(kFile);
  const Json j = has_file ? files.json(kFile) : opened.config.json;  // 4.x kept these keys in config.json
  const std::string where = has_file ? files.where(kFile) : opened.config.where;
  if (!j.is_object()) fail(ErrorCode::kInput, {.id = "json.type", .where = where, .what = "is no object"});
  if (has_file) warn_of_others(j, where);

  GenerationSettings g;
  SamplingSettings& s = g.sampling;
  const auto number = [&](const char* key, double absent, double least, double most) {
    const double x = get_number(j, key, absent, where);
    if (!(x >= least && x <= most))
      fail(ErrorCode::kInput, {.id = "generation_config", .where = where + " (" + key + ")", .what = "is out of range", .expected = fmt::format("{} to {}", least, most), .got = fmt::format("{}", x)});
    return x;
  };
  constexpr double kSmall = 1e-6, kLarge = 1e6;
  s.do_sample = get_bool(j, "do_sample", false, where);
  s.temperature = number("temperature", 1.0, 0.0, kLarge);
  s.top_k = get_int(j, "top_k", 50, where, 0, kMaxVocabulary);
  s.top_p = number("top_p", 1.0, 0.0, 1.0);
  s.min_p = number("min_p", 0.0, 0.0, 1.0);
  s.repetition_penalty = number("repetition_penalty", 1.0, kSmall, kLarge);
  s.no_repeat_ngram_size = get_int(j, "no_repeat_ngram_size", 0, where, 0, kMaxPositions);
  s.min_new_tokens = get_int(j, "min_new_tokens", 0, where, 0, kMaxPositions);
  g.max_new_tokens = get_int(j, "max_new_tokens", 20, where, 1, kMaxPositions);
  g.ends = end_ids(j, where);
  if (g.ends.empty() && has_file) g.ends = end_ids(opened.config.json, opened.config.where);

  const bool asks_to_sample = o.temperature || o.top_k || o.top_p || o.min_p || o.num_samples > 1;
  if (o.greedy && asks_to_sample)
    fail(ErrorCode::kUsage, {.id = "generate.greedy", .where = "--greedy", .what = "takes the most likely token, so there is nothing to sample", .hint = "leave out --greedy, or temperature, top-k, top-p, min-p and num-samples"});
  s.do_sample = !o.greedy && (s.do_sample || asks_to_sample);
  s.temperature = o.temperature.value_or(s.temperature);
  s.top_k = o.top_k.value_or(s.top_k);
  s.top_p = o.top_p.value_or(s.top_p);
  s.min_p = o.min_p.value_or(s.min_p);
  s.repetition_penalty = o.repetition_penalty.value_or(s.repetition_penalty);
  s.no_repeat_ngram_size = o.no_repeat_ngram_size.value_or(s.no_repeat_ngram_size);
  s.min_new_tokens = o.min_new_tokens.value_or(s.min_new_tokens);
  if (s.do_sample && !(s.temperature > 0))
    fail(ErrorCode::kInput, {.id = "generation_config", .where = where + " (temperature)", .what = "must be above 0 to sample", .hint = "use --greedy"});
  g.max_new_tokens = o.max_new_tokens.value_or(g.max_new_tokens);
  g.num_samples = o.num_samples;
  g.seed = static_cast<uint64_t>(o.seed);
  return g;
}

namespace {

/// The text of one sample as it grows: what is final is handed out, the beginning of a stop text is kept.
class GrowingText {
 public:
  GrowingText(std::shared_ptr<const Tokenizer> tokenizer, const std::vector<int32_t>& prompt, const std::vector<std::string>& stop)
      : decoder_(std::move(tokenizer), true), stop_(stop) {
    for (const int32_t id : prompt) decoder_.push(id);  // text goes on from it
  }
  /// False once a stop text has appeared.
  bool add(int32_t id) { return append(decoder_.push(id)); }
  /// No token follows: what is left of an unfinished character belongs to the text.
  void finish() {
    if (!stopped()) append(decoder_.finish());
  }
  bool stopped() const { return end_ != std::string::npos; }
  std::string text() const { return text_.substr(0, end_); }
  /// Text that no later token can change; `all`: everything that is left.
  std::string take_final(bool all) {
    size_t end = std::min(text_.size(), end_);
    if (!all && !stopped()) end -= stop_begun();
    if (end <= taken_) return "";
    std::string piece = text_.substr(taken_, end - taken_);
    taken_ = end;
    return piece;
  }

 private:
  bool append(const std::string& piece) {
    const size_t before = text_.size();
    text_ += piece;
    for (const auto& s : stop_)
      if (!s.empty()) end_ = std::min(end_, text_.find(s, before - std::min(before, s.size() - 1)));
    return !stopped();
  }
  /// Bytes at the end that may become a stop text.
  size_t stop_begun() const {
    size_t most = 0;
    for (const auto& s : stop_)
      for (size_t n = std::min(text_.size(), s.empty() ? 0 : s.size() - 1); n > most; --n)
        if (text_.ends_with(std::string_view(s).substr(0, n))) most = n;
    return most;
  }
  StreamDecoder decoder_;
  const std::vector<std::string>& stop_;
  std::string text_;
  size_t taken_ = 0, end_ = std::string::npos;
};

std::vector<int32_t> prompt_ids(const LoadedModel& m, const std::string& prompt) {
  const Json& config = m.opened.config.json;
  std::vector<int32_t> ids = m.tokenizer->encode(prompt).ids;
  if (ids.empty()) {  // transformers starts from the beginning-of-text token too
    const int64_t start = get_int(config, "bos_token_id", -1, m.opened.config.where, -1, m.model->info().vocab_size - 1);
    if (start < 0)
      fail(ErrorCode::kUsage, {.id = "generate.empty_prompt", .where = "--prompt", .what = "is empty, and the model has no token that begins a text", .hint = "give a prompt"});
    ids.push_back(static_cast<int32_t>(start));
  }
  return ids;
}

double since(std::chrono::steady_clock::time_point start) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }

}  // namespace

double GenerateResult::tokens_per_second() const {
  const auto others = static_cast<double>(new_tokens - static_cast<int64_t>(samples.size()));
  return seconds > 0 && others > 0 ? others / seconds : 0;
}

GenerateResult generate(const GenerateOptions& options, const OnText& on_text) {
  OpenedModel opened = open_model(options.model, options.base_model);
  const GenerationSettings settings = generation_settings(opened, options);
  const Context ctx = make_context(options.threads);
  const BaseStorage storage{storage_of(QuantizationConfig::asked(options.quantization), opened), ctx.threads};
  LoadedModel m = load_language_model(std::move(opened), options.strict, storage);
  const bool int8 = infer_in(options.compute, m, ctx);

  const std::vector<int32_t> prompt = prompt_ids(m, options.prompt);
  std::vector<GrowingText> texts(static_cast<size_t>(settings.num_samples), GrowingText(m.tokenizer, prompt, options.stop));
  GenerateResult result;
  result.base_description = describe_base(m.opened, m.held);
  result.compute = int8 ? "int8" : "f32";
  result.prompt_tokens = static_cast<int64_t>(prompt.size());
  auto start = std::chrono::steady_clock::now();
  const auto ids = generate_ids(ctx, *m.model, prompt, settings, [&](int64_t sample, int32_t id) {
    if (result.new_tokens++ == 0) {
      result.prompt_seconds = since(start);
      start = std::chrono::steady_clock::now();
    }
    GrowingText& text = texts[static_cast<size_t>(sample)];
    const bool goes_on = text.add(id);
    if (on_text && settings.num_samples == 1)
      if (const std::string piece = text.take_final(false); !piece.empty()) on_text(piece);
    return goes_on;
  });
  result.seconds = since(start);
  for (size_t i = 0; i < ids.size(); ++i) {
    texts[i].finish();
    if (on_text && settings.num_samples == 1)
      if (const std::string piece = texts[i].take_final(true); !piece.empty()) on_text(piece);
    result.samples.push_back({texts[i].text(), ids[i].ids, texts[i].stopped() ? "stop" : ids[i].ended ? "eos" : "length"});
  }
  return result;
}

}  // namespace attune
