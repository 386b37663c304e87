#include "peft/adapter_keys.h"

#include <fmt/format.h>

#include "base/error.h"

namespace attune {
namespace {

const std::string kPrefix = "base_model.model.";

bool is_float(DType t) { return t == DType::kF32 || t == DType::kF16 || t == DType::kBF16 || t == DType::kF64; }

/// "a.b.c" without its first part: "b.c"; "" when there is only one.
std::string without_first(const std::string& s) {
  const size_t dot = s.find('.');
  return dot == std::string::npos ? "" : s.substr(dot + 1);
}

}  // namespace

void AdapterKeys::expect(const std::string& key, Parameter* p, bool saved) {
  require(expected_.emplace(key, p).second, "an adapter key is expected once");
  if (saved) saved_.insert(key);
}

TensorMap AdapterKeys::tensors() const {
  TensorMap out = extras_;
  for (const auto& [key, p] : expected_) out[kPrefix + key] = checkpoint_form(*p, p->var.data);
  for (const auto& [name, key] : twins_) out[name] = checkpoint_form(*expected_.at(key), expected_.at(key)->var.data);
  return out;
}

AdapterKeys::Found AdapterKeys::resolve(const std::string& name) const {
  const std::string key = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
  if (expected_.contains(key)) return {key};
  for (const std::string pair : {".lora_A.", ".lora_B."})
    if (const size_t at = key.find(pair); at != std::string::npos) {
      const std::string plain = key.substr(0, at + pair.size()) + without_first(key.substr(at + pair.size()));
      return expected_.contains(plain) ? Found{plain} : Found{};
    }
  for (const std::string wrapper : {".modules_to_save.", ".original_module."})
    if (const size_t at = key.find(wrapper); at != std::string::npos) {
      const std::string module = key.substr(0, at + 1), rest = key.substr(at + wrapper.size());
      const bool original = wrapper == ".original_module.";
      if (saved_.contains(module + rest)) return {module + rest, true, original};
      if (const std::string named = module + without_first(rest); saved_.contains(named)) return {named, original, original};
      return {};
    }
  if (key.ends_with(".bias")) {
    const std::string wrapped = key.substr(0, key.size() - 5) + ".base_layer.bias";
    if (expected_.contains(wrapped)) return {wrapped};
  }
  return {};
}

void AdapterKeys::load(const TensorMap& tensors, const std::string& where, const std::string& hint) {
  Problems missing, unexpected, wrong;
  std::map<std::string, std::string> source;  // expected key -> name in the file
  std::map<std::string, std::string> copies;
  TensorMap extras;
  const auto check = [&](const std::string& name, const Tensor& t, const Parameter& p) {
    if (!is_float(t.dtype()))
      wrong.add(fmt::format("{}: type {}, expected a floating-point type", name, name_of(t.dtype())));
    else if (t.shape() != checkpoint_shape(p))
      wrong.add(fmt::format("{}: the adapter has {}, this base needs {}", name, to_string(t.shape()), to_string(checkpoint_shape(p))));
  };
  for (const auto& [name, t] : tensors) {
    const Found found = resolve(name);
    if (found.key.empty()) {
      unexpected.add(name);
      continue;
    }
    check(name, t, *expected_.at(found.key));
    if (found.original)
      extras[name] = t;
    else if (const auto [it, fresh] = (found.copy ? copies : source).emplace(found.key, name); !fresh)
      wrong.add(fmt::format("{} and {} name the same tensor", it->second, name));
  }
  for (const auto& [key, p] : expected_)
    if (!source.contains(key)) missing.add(kPrefix + key);

  std::string text;
  const auto part = [&](const char* title, const Problems& p) {
    if (!p.empty()) text += fmt::format("{}{} {}{}", text.empty() ? "" : "\n", p.count(), title, p.list());
  };
  part("missing", missing);
  part("unexpected", unexpected);
  part("of the wrong shape or type", wrong);
  if (!text.empty())
    fail(ErrorCode::kInput, {.id = "adapter.keys", .where = where, .what = "the adapter's tensors do not fit: " + text, .hint = hint});

  for (const auto& [key, name] : source) {
    Parameter& p = *expected_.at(key);
    const Tensor& t = tensors.at(name);
    p.var.data = checkpoint_form(p, t.dtype() == DType::kF32 ? t.clone(MemoryClass::kWeights) : t.to_f32(MemoryClass::kWeights));
    if (p.trainable) set_trainable(p, true);
  }
  twins_.clear();
  for (const auto& [key, name] : copies) twins_.emplace(name, key);
  extras_ = std::move(extras);
}

}  // namespace attune
