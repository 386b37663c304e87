// Writing safetensors, byte for byte as the official writer does (docs/formats.md, section 2.3): wide types first, then by name,
// header padded with spaces to a multiple of 8.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "io/safetensors.h"

namespace attune {
namespace {

/// Place in the official writer's order of types; higher comes first.
int rank(DType t) {
  switch (t) {
    case DType::kBool:
      return 0;
    case DType::kU8:
      return 4;
    case DType::kI8:
      return 5;
    case DType::kI16:
      return 11;
    case DType::kF16:
      return 13;
    case DType::kBF16:
      return 14;
    case DType::kI32:
      return 15;
    case DType::kF32:
      return 17;
    case DType::kF64:
      return 19;
    case DType::kI64:
      return 20;
  }
  throw Bug("safetensors: a type without a rank");
}

using Item = TensorMap::value_type;

std::vector<const Item*> in_file_order(const TensorMap& tensors) {
  std::vector<const Item*> items;
  for (const Item& i : tensors) items.push_back(&i);
  std::stable_sort(items.begin(), items.end(),
                   [](const Item* a, const Item* b) { return rank(a->second.dtype()) > rank(b->second.dtype()); });
  return items;
}

std::string json_text(const std::string& s) { return dump_json(Json(s), {.ascii = false}); }

std::string header(const std::vector<const Item*>& items, const std::map<std::string, std::string>& metadata) {
  std::string h = "{";
  if (!metadata.empty()) {
    h += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) h += fmt::format("{}:{},", json_text(key), json_text(value));
    h.back() = '}';
    h += ',';
  }
  int64_t at = 0;
  for (const Item* i : items) {
    require(i->first != "__metadata__", "safetensors: a tensor cannot be named __metadata__");
    const int64_t end = at + i->second.bytes();
    h += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}},", json_text(i->first), name_of(i->second.dtype()),
                     fmt::join(i->second.shape(), ","), at, end);
    at = end;
  }
  if (h.size() > 1) h.pop_back();
  h += '}';
  h.append((8 - h.size() % 8) % 8, ' ');
  return h;
}

}  // namespace

void write_safetensors(OutputFile& out, const TensorMap& tensors, const std::map<std::string, std::string>& metadata) {
  const std::vector<const Item*> items = in_file_order(tensors);
  const std::string h = header(items, metadata);
  std::string start;
  for (int i = 0; i < 8; ++i) start += static_cast<char>(h.size() >> (8 * i) & 0xff);
  out.write(start + h);
  for (const Item* i : items) {
    if (i->second.bytes() == 0) continue;
    const Tensor whole = i->second.contiguous() ? i->second : i->second.clone();
    out.write({static_cast<const char*>(whole.data()), static_cast<size_t>(whole.bytes())});
  }
}

uint64_t safetensors_size(const TensorMap& tensors, const std::map<std::string, std::string>& metadata) {
  uint64_t n = 8 + header(in_file_order(tensors), metadata).size();
  for (const auto& [name, t] : tensors) n += static_cast<uint64_t>(t.bytes());
  return n;
}

}  // namespace attune
