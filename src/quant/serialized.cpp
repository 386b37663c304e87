#include "quant/serialized.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "quant/dynamic_map.h"

namespace attune {
namespace {

constexpr const char* kNf4State = ".weight.quant_state.bitsandbytes__nf4";
constexpr const char* kFp4State = ".weight.quant_state.bitsandbytes__fp4";
constexpr std::array kStateKeys = {"quant_type", "blocksize", "dtype", "shape", "nested_blocksize", "nested_dtype", "nested_offset"};
constexpr std::array kStateTypes = {"float32", "float16", "bfloat16"};
constexpr uint64_t kMostStateBytes = 4096;
/// Code books are constants; those in files differ by rounding at most. Of a value.
constexpr float kCodeBookTolerance = 1e-6f;

/// The tensors of one layer of one file, and the errors that name them.
class StoredLayer {
 public:
  StoredLayer(const TensorMap& tensors, const std::string& layer, const std::string& where)
      : tensors_(tensors), layer_(layer), where_(where) {}

  std::string name(const char* suffix) const { return layer_ + suffix; }
  bool has(const char* suffix) const { return tensors_.count(name(suffix)) != 0; }

  [[noreturn]] void refuse(const char* suffix, const char* what, std::string expected, std::string got, const char* hint = "") const {
    fail(ErrorCode::kInput, {.id = "quant.tensors",
                             .where = where_,
                             .what = fmt::format("'{}' {}", name(suffix), what),
                             .expected = std::move(expected),
                             .got = std::move(got),
                             .hint = hint});
  }

  const Tensor& find(const char* suffix) const {
    const auto it = tensors_.find(name(suffix));
    if (it == tensors_.end() || it->second.empty()) refuse(suffix, "is missing", "", "");
    return it->second;
  }

  /// A tensor of exactly this type and shape, held as kQuantized.
  Tensor get(const char* suffix, DType dtype, const Shape& shape, const char* hint = "") const {
    const Tensor& t = find(suffix);
    if (t.dtype() != dtype || t.shape() != shape) {
      refuse(suffix, "has the wrong type or shape", fmt::format("{} {}", name_of(dtype), to_string(shape)),
             fmt::format("{} {}", name_of(t.dtype()), to_string(t.shape())), hint);
    }
    return t.memory_class() == MemoryClass::kQuantized && t.contiguous() ? t : t.clone(MemoryClass::kQuantized);
  }

  /// F32 scales, each finite with `added` on top and not negative.
  Tensor get_scales(const char* suffix, int64_t n, float added = 0) const {
    Tensor t = get(suffix, DType::kF32, {n});
    for (const float scale : t.span()) {
      if (scale >= 0 && std::isfinite(scale + added)) continue;
      refuse(suffix, "holds a bad scale", "finite, not negative", fmt::format("{}", scale));
    }
    return t;
  }

  void check_code_book(const char* suffix, std::span<const float> ours) const {
    const Tensor t = get(suffix, DType::kF32, {static_cast<int64_t>(ours.size())});
    for (size_t i = 0; i < ours.size(); ++i) {
      if (!(std::abs(t.span()[i] - ours[i]) <= kCodeBookTolerance * std::abs(ours[i]))) {
        refuse(suffix, "is another code book", fmt::format("{} at {}", ours[i], i), fmt::format("{}", t.span()[i]));
      }
    }
  }

  /// The JSON of an NF4 state, its members known.
  Json get_state() const {
    if (has(kFp4State)) refuse(kFp4State, "is not supported", "nf4", "fp4", "quantise with bnb_4bit_quant_type \"nf4\"");
    const Tensor& t = find(kNf4State);
    if (t.dtype() != DType::kU8 || t.shape().size() != 1 || static_cast<uint64_t>(t.size()) > kMostStateBytes) {
      refuse(kNf4State, "has the wrong type or shape", fmt::format("U8, up to {} bytes", kMostStateBytes),
             fmt::format("{} {}", name_of(t.dtype()), to_string(t.shape())));
    }
    const std::string_view text(static_cast<const char*>(t.data()), static_cast<size_t>(t.size()));
    Json state = parse_json(text, state_where(), {.max_bytes = kMostStateBytes, .max_depth = 4});
    if (!state.is_object()) refuse(kNf4State, "is no object", "", "");
    for (const auto& member : state.items()) {
      if (std::find(kStateKeys.begin(), kStateKeys.end(), member.key()) == kStateKeys.end()) {
        refuse(kNf4State, "has an unknown member", fmt::format("{}", fmt::join(kStateKeys, ", ")), dump_json(member.key()));
      }
    }
    return state;
  }
  std::string state_where() const { return fmt::format("{} '{}'", where_, name(kNf4State)); }

  /// Compares one member of the state; `wanted` also gives its type.
  void expect(const Json& state, const char* key, const Json& wanted) const {
    const auto it = state.find(key);
    const auto text = [](const Json& v) {
      std::string s = dump_json(v, {.indent = -1});
      return s.size() > 80 ? s.substr(0, 77) + "..." : s;
    };
    if (it == state.end() || *it != wanted) {
      refuse(kNf4State, fmt::format("has another {}", key).c_str(), text(wanted), it == state.end() ? "none" : text(*it));
    }
  }

 private:
  const TensorMap& tensors_;
  const std::string& layer_;
  const std::string& where_;
};

/// What the state says beside the tensors: the layout must be ours, the matrix the one asked for.
void check_nf4_state(const StoredLayer& stored, const Json& state, const Shape& shape, bool nested) {
  stored.expect(state, "quant_type", "nf4");
  stored.expect(state, "blocksize", kNf4Block);
  stored.expect(state, "shape", shape);
  const std::string dtype = get_string(state, "dtype", "", stored.state_where());
  if (std::find(kStateTypes.begin(), kStateTypes.end(), dtype) == kStateTypes.end()) {
    stored.refuse(kNf4State, "has an unknown dtype", fmt::format("{}", fmt::join(kStateTypes, ", ")), dump_json(dtype));
  }
  if (nested) {
    stored.expect(state, "nested_blocksize", kDynamicBlock);
    stored.expect(state, "nested_dtype", "float32");
    return;
  }
  for (const char* key : {"nested_blocksize", "nested_dtype", "nested_offset"})
    if (state.contains(key)) stored.refuse(".weight.nested_absmax", "is missing", "double quantisation, as the state says", "");
}

float nested_offset(const StoredLayer& stored, const Json& state) {
  const double offset = get_number(state, "nested_offset", NAN, stored.state_where());
  if (!(std::abs(offset) <= std::numeric_limits<float>::max())) {
    stored.refuse(kNf4State, "has a bad nested_offset", "a finite F32",
                  state.contains("nested_offset") ? fmt::format("{}", offset) : "none");
  }
  return static_cast<float>(offset);
}

Tensor text_tensor(const std::string& text) {
  Tensor t({static_cast<int64_t>(text.size())}, DType::kU8, MemoryClass::kOther);
  std::memcpy(t.data(), text.data(), text.size());
  return t;
}

Tensor code_book_tensor(std::span<const float> code) { return Tensor::of({static_cast<int64_t>(code.size())}, code, MemoryClass::kOther); }

}  // namespace

StoredForm stored_form(const std::function<bool(const std::string&)>& has, const std::string& layer) {
  if (has(layer + kNf4State) || has(layer + kFp4State)) return StoredForm::kNf4;
  return has(layer + ".SCB") ? StoredForm::kInt8 : StoredForm::kPlain;
}

std::vector<std::string> stored_names(StoredForm form, const std::string& layer) {
  std::vector<std::string> names = {layer + ".weight"};
  if (form == StoredForm::kNf4) {
    for (const char* suffix :
         {".weight.absmax", ".weight.quant_map", ".weight.nested_absmax", ".weight.nested_quant_map", kNf4State, kFp4State}) {
      names.push_back(layer + suffix);
    }
  } else if (form == StoredForm::kInt8) {
    for (const char* suffix : {".SCB", ".weight_format"}) names.push_back(layer + suffix);
  }
  return names;
}

Shape nf4_shape(const TensorMap& tensors, const std::string& layer, const std::string& where) {
  const StoredLayer stored(tensors, layer, where);
  const Json state = stored.get_state();
  const auto shape = state.find("shape");
  constexpr int64_t kMost = int64_t{1} << 31;
  const auto is_size = [](const Json& v) { return v.is_number_integer() && v.get<int64_t>() >= 1 && v.get<int64_t>() <= kMost; };
  if (shape == state.end() || !shape->is_array() || shape->size() != 2 || !is_size((*shape)[0]) || !is_size((*shape)[1]))
    stored.refuse(kNf4State, "has a bad shape", "two sizes", shape == state.end() ? "none" : dump_json(*shape, {.indent = -1}).substr(0, 80));
  return {(*shape)[0].get<int64_t>(), (*shape)[1].get<int64_t>()};
}

TensorMap to_tensors(const Nf4Matrix& m, const std::string& layer, const std::string& dtype) {
  require(std::find(kStateTypes.begin(), kStateTypes.end(), dtype) != kStateTypes.end(), "dtype is none bitsandbytes quantises");
  Json state = {{"quant_type", "nf4"}, {"blocksize", kNf4Block}, {"dtype", dtype}, {"shape", {m.out, m.in}}};
  TensorMap tensors;
  tensors[layer + ".weight"] = m.codes.reshaped({m.codes.size(), 1});
  tensors[layer + ".weight.quant_map"] = code_book_tensor(nf4_code());
  if (m.double_quant()) {
    state["nested_blocksize"] = kDynamicBlock;
    state["nested_dtype"] = "float32";
    state["nested_offset"] = static_cast<double>(m.offset);
    tensors[layer + ".weight.absmax"] = m.absmax_codes;
    tensors[layer + ".weight.nested_absmax"] = m.nested_absmax;
    tensors[layer + ".weight.nested_quant_map"] = code_book_tensor(dynamic_map());
  } else {
    tensors[layer + ".weight.absmax"] = m.absmax;
  }
  tensors[layer + kNf4State] = text_tensor(dump_json(state, {.indent = -1, .sort_keys = false}));
  return tensors;
}

TensorMap to_tensors(const Int8Matrix& m, const std::string& layer) {
  Tensor row_major({}, DType::kU8, MemoryClass::kOther);
  *static_cast<uint8_t*>(row_major.data()) = 0;
  return {{layer + ".weight", m.codes}, {layer + ".SCB", m.absmax}, {layer + ".weight_format", row_major}};
}

Nf4Matrix nf4_from_tensors(const TensorMap& tensors, const std::string& layer, int64_t out, int64_t in, const std::string& where) {
  const StoredLayer stored(tensors, layer, where);
  Nf4Matrix m;
  m.out = out;
  m.in = in;
  const int64_t n = count({out, in}), blocks = m.blocks();
  const bool nested = stored.has(".weight.nested_absmax");
  const Json state = stored.get_state();
  check_nf4_state(stored, state, {out, in}, nested);
  const Tensor codes = stored.get(".weight", DType::kU8, {(n + 1) / 2, 1}, "bnb_4bit_quant_storage other than uint8 is not supported");
  m.codes = codes.reshaped({codes.size()});
  stored.check_code_book(".weight.quant_map", nf4_code());
  if (nested) {
    m.offset = nested_offset(stored, state);
    m.absmax_codes = stored.get(".weight.absmax", DType::kU8, {blocks});
    m.nested_absmax = stored.get_scales(".weight.nested_absmax", (blocks + kDynamicBlock - 1) / kDynamicBlock, std::abs(m.offset));
    stored.check_code_book(".weight.nested_quant_map", dynamic_map());
  } else {
    m.absmax = stored.get_scales(".weight.absmax", blocks);
  }
  return m;
}

Int8Matrix int8_from_tensors(const TensorMap& tensors, const std::string& layer, int64_t out, int64_t in, const std::string& where) {
  const StoredLayer stored(tensors, layer, where);
  Int8Matrix m;
  m.out = out;
  m.in = in;
  m.codes = stored.get(".weight", DType::kI8, {out, in});
  m.absmax = stored.get_scales(".SCB", out);
  const auto* codes = static_cast<const int8_t*>(m.codes.data());
  // Integer kernels negate codes.
  if (std::find(codes, codes + m.codes.size(), int8_t{-128}) != codes + m.codes.size()) {
    stored.refuse(".weight", "holds a code out of range", "-127 to 127", "-128");
  }
  if (stored.has(".weight_format")) {  // older files have none and are row-major
    const Tensor format = stored.get(".weight_format", DType::kU8, {});
    const int value = *static_cast<const uint8_t*>(format.data());
    if (value != 0) stored.refuse(".weight_format", "is not supported", "0 (row-major)", fmt::format("{}", value));
  }
  return m;
}

}  // namespace attune
