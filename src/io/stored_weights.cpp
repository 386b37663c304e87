#include "io/stored_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "quant/serialized.h"

namespace attune {
namespace {

constexpr std::string_view kWeight = ".weight";

std::string layer_of(const std::string& name) { return name.substr(0, name.size() - kWeight.size()); }

}  // namespace

StoredWeights::StoredWeights(std::shared_ptr<const WeightFiles> files) : files_(std::move(files)) {
  if (files_->files().empty()) return;
  const auto& all = files_->files();
  where_ = (all.size() == 1 ? all[0].path() : all[0].path().parent_path()).string();
  std::set<std::string> parts;  // tensors that belong to a weight
  for (const std::string& name : files_->names()) {
    if (!name.ends_with(kWeight)) continue;
    const std::string layer = layer_of(name);
    const StoredForm form = stored_form([&](const std::string& other) { return files_->contains(other); }, layer);
    if (form == StoredForm::kPlain) {
      require_values(name);
      continue;
    }
    if (form_ != StoredForm::kPlain && form_ != form)
      fail(ErrorCode::kInput, {.id = "quant.mixed", .where = where_, .what = "some layers are stored as nf4, others as int8; '" + layer + "' is the first that differs"});
    form_ = form;
    TensorMap state;
    for (const std::string& part : stored_names(form, layer)) {
      if (!files_->contains(part)) continue;
      parts.insert(part);
      if (part.find(".quant_state.") != std::string::npos) state[part] = files_->read(part, MemoryClass::kOther);
    }
    entries_.push_back({name, form == StoredForm::kNf4 ? nf4_shape(state, layer, where_) : files_->entry(name).shape, form});
  }
  for (const std::string& name : files_->names())
    if (!parts.contains(name)) entries_.push_back({name, files_->entry(name).shape});
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
}

void StoredWeights::require_values(const std::string& name) const {
  const std::string& type = files_->entry(name).dtype;
  if (type.find('I') == std::string::npos && type.find('U') == std::string::npos) return;
  fail(ErrorCode::kInput, {.id = "quant.tensors",
                           .where = where_,
                           .what = fmt::format("'{}' holds codes ({}) without what gives them values", name, type),
                           .expected = "SCB or quant_state.bitsandbytes__nf4 beside it, or a weight in F32, F16 or BF16",
                           .got = "",
                           .hint = "copy or download the folder again"});
}

const StoredWeights::Entry& StoredWeights::entry(const std::string& name) const {
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), name, [](const Entry& e, const std::string& n) { return e.name < n; });
  require(it != entries_.end() && it->name == name, "a weight of this folder");
  return *it;
}

StoredForm StoredWeights::form(const std::string& name) const { return entry(name).form; }

BaseWeights::Codes StoredWeights::codes(const std::string& name) const {
  const Entry& e = entry(name);
  if (e.form == StoredForm::kPlain) return {};
  const std::string layer = layer_of(name);
  TensorMap tensors;
  for (const std::string& part : stored_names(e.form, layer))
    if (files_->contains(part)) tensors[part] = files_->read(part, MemoryClass::kQuantized, true);
  // A shape of another rank is refused by the reader, which compares.
  const int64_t out = e.shape.empty() ? 1 : e.shape.front(), in = e.shape.empty() ? 1 : e.shape.back();
  if (e.form == StoredForm::kNf4) return nf4_from_tensors(tensors, layer, out, in, where_);
  return int8_from_tensors(tensors, layer, out, in, where_);
}

Tensor StoredWeights::read_f32(const std::string& name) const {
  const auto stored = codes(name);
  const auto values = [](const auto& m) {
    Tensor t({m.out, m.in}, DType::kF32, MemoryClass::kWeights);
    dequantize_rows(m, 0, m.out, t.f32());
    return t;
  };
  if (const auto* nf4 = std::get_if<Nf4Matrix>(&stored)) return values(*nf4);
  if (const auto* q = std::get_if<Int8Matrix>(&stored)) return values(*q);
  return files_->read_f32(name);
}

}  // namespace attune
