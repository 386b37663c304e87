#include "app/tokenize.h"

#include "app/open_model.h"
#include "base/error.h"
#include "data/reader.h"
#include "text/tokenizer.h"

namespace attune {
namespace {

/// An adapter folder of PEFT's own has no tokenizer files: its base has them.
std::shared_ptr<const Tokenizer> tokenizer_of(const std::string& model) {
  ResolvedModel resolved = resolve_model(model);
  const TextFiles files = files_of(resolved);
  bool own = has_tokenizer(files);
  if (!own && file_exists(resolved.folder / "adapter_config.json")) {
    fs::path file = resolved.folder / "adapter_config.json";
    std::string base = get_string(read_json(file), "base_model_name_or_path", "", file.string());
    if (!base.empty()) return load_tokenizer(files_of(resolve_model(base)));
  }
  return load_tokenizer(files);
}

Json object_of(const Encoding& e, const Tokenizer& tokenizer) {
  Json ids = Json::array(), tokens = Json::array(), offsets = Json::array(), types = Json::array(), special = Json::array();
  for (size_t i = 0; i < e.ids.size(); ++i) {
    ids.push_back(e.ids[i]);
    tokens.push_back(tokenizer.token(e.ids[i]));
    offsets.push_back(Json::array({e.offsets[i].first, e.offsets[i].second}));
    types.push_back(e.type_ids[i]);
    special.push_back(static_cast<int>(e.special[i]));
  }
  Json o = Json::object();
  o["input_ids"] = std::move(ids);
  o["tokens"] = std::move(tokens);
  o["offset_mapping"] = std::move(offsets);
  o["token_type_ids"] = std::move(types);
  o["special_tokens_mask"] = std::move(special);
  return o;
}

}  // namespace

int64_t tokenize(const TokenizeOptions& options, const std::function<void(const Json&)>& each) {
  auto tokenizer = tokenizer_of(options.model);
  EncodeOptions encode;
  encode.max_length = options.data.max_length.value_or(-1);
  encode.truncation_side = tokenizer->truncation_side();
  if (options.data.truncation_side != SideChoice::kTokenizer)
    encode.truncation_side = options.data.truncation_side == SideChoice::kLeft ? Side::kLeft : Side::kRight;
  encode.strategy = options.data.truncation;
  encode.stride = options.stride;
  encode.special_tokens = options.special_tokens;
  encode.return_overflow = options.stride > 0;
  int64_t special = options.special_tokens ? tokenizer->special_count(!options.pairs.empty()) : 0;
  if (options.stride > 0 && encode.max_length < 0)
    fail(ErrorCode::kUsage, {.id = "tokenize.stride", .where = "stride", .what = "windows need a length", .hint = "give --max-length too"});
  if (options.stride > 0 && options.stride >= encode.max_length - special)
    fail(ErrorCode::kUsage,
         {.id = "tokenize.stride",
          .where = "stride",
          .what = "windows would not move on",
          .expected = "less than max_length without special tokens (" + std::to_string(encode.max_length - special) + ")",
          .got = std::to_string(options.stride)});
  int64_t rows = 0, objects = 0;
  auto one = [&](std::string_view text, std::optional<std::string_view> pair) {
    Encoding e = tokenizer->encode(text, pair, encode);
    auto emit = [&](const Encoding& window) {
      Json o = object_of(window, *tokenizer);
      if (encode.return_overflow) o["overflow_to_sample_mapping"] = rows;
      each(o);
      ++objects;
    };
    emit(e);
    for (const auto& window : e.overflow) emit(window);
    ++rows;
  };
  for (size_t i = 0; i < options.texts.size(); ++i)
    one(options.texts[i], options.pairs.empty() ? std::nullopt : std::optional<std::string_view>(options.pairs[i]));
  if (!options.input.empty())
    for_each_row(options.input, options.data.read_options(LabelUse::kIgnored), [&](Row&& row) {
      one(row.text, row.pair ? std::optional<std::string_view>(*row.pair) : std::nullopt);
      return true;
    });
  return objects;
}

}  // namespace attune
