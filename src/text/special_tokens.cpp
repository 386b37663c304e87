// A name given as a plain string takes the flags of the added token of that content, where there is one; else it is special and matched
// in the raw text.
#include "text/special_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "text/components.h"

namespace attune {
namespace {

constexpr const char* kNames[] = {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

AddedToken plain(std::string content) { return {.content = std::move(content), .special = true}; }

/// A string or an object; nothing for null.
std::optional<AddedToken> parse_token(const Json& json, bool special, const std::string& where) {
  if (json.is_null()) return std::nullopt;
  if (json.is_string()) return plain(json.get<std::string>());
  AddedToken t = parse_added_token(json, where);
  if (special) {
    if (!json.contains("normalized")) t.normalized = false;
    t.special = true;
  }
  return t;
}

void read_extra(const Json& json, bool special, SpecialTokens& out, const std::string& where) {
  if (json.is_null()) return;
  if (json.is_object()) {  // {"image_token": "<image>"}: names of their own
    for (const auto& [name, value] : json.get_ref<const Json::object_t&>()) {
      if (auto t = parse_token(value, special, fmt::format("{}.{}", where, name))) out.named.emplace_back(name, *t);
    }
    return;
  }
  if (!json.is_array())
    fail(ErrorCode::kInput, {.id = "json.type", .where = where, .what = "has the wrong type", .expected = "a list of tokens"});
  for (size_t i = 0; i < json.size(); ++i) {
    auto t = parse_token(json[i], special, fmt::format("{}[{}]", where, i));
    if (!t) continue;
    const bool known = std::any_of(out.extra.begin(), out.extra.end(), [&](const AddedToken& o) { return o.content == t->content; });
    if (!known) out.extra.push_back(*t);
  }
}

int32_t declared_id(const std::string& text, const std::string& where) {
  int32_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0) {
    fail(ErrorCode::kInput, {.id = "tokenizer.added_token",
                             .where = where,
                             .what = fmt::format("'{}' is no token id", text.substr(0, 40)),
                             .expected = "an integer of at least 0"});
  }
  return id;
}

void read_declared(const SpecialTokenSources& s, SpecialTokens& out) {
  const auto decoder = s.config.find("added_tokens_decoder");
  if (decoder != s.config.end() && !decoder->is_null()) {
    const std::string where = s.config_where + ": added_tokens_decoder";
    if (!decoder->is_object())
      fail(ErrorCode::kInput, {.id = "json.type", .where = where, .what = "has the wrong type", .expected = "an object"});
    for (const auto& [key, value] : decoder->get_ref<const Json::object_t&>()) {
      out.by_declared_id[declared_id(key, where)] = parse_added_token(value, fmt::format("{}.{}", where, key));
    }
    return;
  }
  if (s.added) {
    for (const auto& [token, id] : s.added->get_ref<const Json::object_t&>()) {
      if (!id.is_number_unsigned() || id.get<uint64_t>() >= INT32_MAX || token.empty()) {
        fail(ErrorCode::kInput,
             {.id = "tokenizer.added_token", .where = s.added_where, .what = fmt::format("'{}' has no token id", token)});
      }
      const bool special = std::any_of(out.named.begin(), out.named.end(), [&](const auto& n) { return n.second.content == token; }) ||
                           std::any_of(out.extra.begin(), out.extra.end(), [&](const AddedToken& t) { return t.content == token; });
      out.by_declared_id[id.get<int32_t>()] = {.content = token, .normalized = !special, .special = special};
    }
  }
  for (const auto& [id, token] : s.in_document) out.by_declared_id[id] = token;
}

}  // namespace

const AddedToken* SpecialTokens::find(const std::string& name) const {
  for (const auto& [key, token] : named) {
    if (key == name) return &token;
  }
  return nullptr;
}

std::vector<AddedToken> SpecialTokens::in_order() const {
  std::vector<AddedToken> out;
  for (const auto& [id, token] : by_declared_id) out.push_back(token);
  auto add = [&](const AddedToken& t) {
    if (std::none_of(out.begin(), out.end(), [&](const AddedToken& o) { return o.content == t.content; })) out.push_back(t);
  };
  for (const auto& [name, token] : named) add(token);
  for (const AddedToken& token : extra) add(token);
  for (AddedToken& t : out) {
    const bool is_named = std::any_of(named.begin(), named.end(), [&](const auto& n) { return n.second.content == t.content; });
    t.special = t.special || is_named;
  }
  return out;
}

SpecialTokens read_special_tokens(const SpecialTokenSources& s) {
  SpecialTokens out;
  const bool legacy = !s.config.contains("added_tokens_decoder");
  for (const char* name : kNames) {
    std::optional<AddedToken> token;
    bool given = false;
    if (legacy && s.map && s.map->contains(name)) {
      given = true;
      token = parse_token((*s.map)[name], true, fmt::format("{}: {}", s.map_where, name));
    } else if (s.config.contains(name)) {
      given = true;
      token = parse_token(s.config[name], false, fmt::format("{}: {}", s.config_where, name));
    }
    if (!given) {
      for (const auto& [key, value] : s.defaults) {
        if (std::string_view(key) == name) token = plain(value);
      }
    }
    if (token) out.named.emplace_back(name, *token);
  }
  for (const char* name : {"extra_special_tokens", "additional_special_tokens"}) {
    if (s.config.contains(name)) read_extra(s.config[name], false, out, fmt::format("{}: {}", s.config_where, name));
    if (legacy && s.map && s.map->contains(name)) read_extra((*s.map)[name], true, out, fmt::format("{}: {}", s.map_where, name));
  }
  read_declared(s, out);
  for (auto& [name, token] : out.named) {
    for (const auto& [id, declared] : out.by_declared_id) {
      if (declared.content == token.content) token = declared;
    }
  }
  return out;
}

}  // namespace attune
