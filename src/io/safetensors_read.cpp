// Reading safetensors: the header is checked against the real file size (rules R1-R12 of docs/formats.md, section 2.2) before
// anything is allocated for a tensor.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checked.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "io/safetensors.h"

namespace attune {
namespace {

constexpr uint64_t kMaxHeader = 100'000'000;

struct FileType {
  std::string_view name;
  uint64_t bits;
};
constexpr std::array<FileType, 22> kTypes = {
    {{"BOOL", 8},    {"F4", 4},          {"F6_E2M3", 6},     {"F6_E3M2", 6}, {"U8", 8},   {"I8", 8},   {"F8_E5M2", 8}, {"F8_E4M3", 8},
     {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16}, {"F16", 16}, {"BF16", 16},   {"I32", 32},
     {"U32", 32},    {"F32", 32},        {"C64", 64},        {"F64", 64},    {"I64", 64}, {"U64", 64}}};

/// A name from the file, safe to print.
std::string shown(const std::string& name) { return dump_json(Json(name.size() > 120 ? name.substr(0, 120) + "..." : name)); }

class Header {
 public:
  Header(const fs::path& path, uint64_t file_size) : path_(path.string()), file_size_(file_size) {}

  uint64_t data_begin = 0;
  std::vector<TensorEntry> entries;
  std::map<std::string, std::string> metadata;

  void read() {
    if (file_size_ < 8)
      refuse("R1", "byte 0", "is too short to be a safetensors file", "at least 8 bytes", fmt::format("{} bytes", file_size_));
    uint64_t n = 0;
    read_range(path_, 0, 8, &n);
    if (n > kMaxHeader) {
      refuse("R2", "byte 0", "gives an impossible header length; is this a safetensors file?",
             fmt::format("at most {} bytes", grouped(kMaxHeader)), grouped(n));
    }
    if (n > file_size_ - 8) {
      refuse("R3", "byte 0", "ends inside its header", fmt::format("{} bytes of header", grouped(n)),
             fmt::format("{} bytes of file", grouped(file_size_)));
    }
    data_begin = 8 + n;
    std::string text(n, '\0');
    read_range(path_, 8, n, text.data());
    tensors(document(text));
    check_layout();
    std::sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) { return a.name < b.name; });
  }

 private:
  [[noreturn]] void refuse(const char* rule, std::string_view place, std::string what, std::string expected = "",
                           std::string got = "") const {
    fail(ErrorCode::kInput, {.id = fmt::format("safetensors.{}", rule),
                             .where = fmt::format("{}, {}", path_, place),
                             .what = std::move(what),
                             .expected = std::move(expected),
                             .got = std::move(got),
                             .hint = "copy or download the file again, or convert it anew"});
  }

  Json document(const std::string& text) const {
    try {
      return parse_json(text, path_ + ", header", {.max_bytes = kMaxHeader});
    } catch (const Error& e) {
      ErrorInfo info = e.info();
      info.id = info.id == "json.utf8" ? "safetensors.R4" : info.id == "json.duplicate_key" ? "safetensors.duplicate" : "safetensors.R5";
      info.what = "the header is no valid JSON: " + info.what;
      info.hint = "copy or download the file again, or convert it anew";
      fail(e.code(), std::move(info));
    }
  }

  void tensors(const Json& doc) {
    if (!doc.is_object()) refuse("R5", "header", "is no JSON object");
    for (const auto& [name, value] : doc.get_ref<const Json::object_t&>()) {
      if (name == "__metadata__") {
        read_metadata(value);
        continue;
      }
      const std::string place = "tensor " + shown(name);
      if (!value.is_object()) refuse("R5", place, "has no description", "an object");
      TensorEntry e;
      e.name = name;
      const auto dtype = value.find("dtype");
      if (dtype == value.end() || !dtype->is_string()) refuse("R5", place, "has no 'dtype'");
      e.dtype = dtype->get<std::string>();
      if (!type_named(e.dtype)) refuse("R5", place, "has an unknown dtype", "a type of the format (F32, BF16, ...)", shown(e.dtype));
      const auto shape = value.find("shape");
      if (shape == value.end() || !shape->is_array()) refuse("R5", place, "has no 'shape'");
      for (const Json& d : *shape) {
        const uint64_t dim = whole(d, place, "shape");
        if (dim > static_cast<uint64_t>(INT64_MAX))
          refuse("R9", place, "has an impossible shape", "dimensions below 2^63", std::to_string(dim));
        e.shape.push_back(static_cast<int64_t>(dim));
      }
      const auto offsets = value.find("data_offsets");
      if (offsets == value.end() || !offsets->is_array() || offsets->size() != 2)
        refuse("R5", place, "has no 'data_offsets' of two numbers");
      e.begin = whole((*offsets)[0], place, "data_offsets");
      e.end = whole((*offsets)[1], place, "data_offsets");
      entries.push_back(std::move(e));
    }
  }

  uint64_t whole(const Json& v, const std::string& place, const char* what) const {
    if (v.is_number_unsigned()) return v.get<uint64_t>();
    refuse("R5", place, fmt::format("'{}' holds something else than whole numbers", what), "0 to 2^64 - 1",
           dump_json(v, {.indent = -1, .nan_as_null = true}).substr(0, 60));
  }

  void read_metadata(const Json& v) {
    if (v.is_null()) return;
    if (!v.is_object()) refuse("R6", "__metadata__", "is no object");
    for (const auto& [key, text] : v.get_ref<const Json::object_t&>()) {
      if (!text.is_string()) refuse("R6", "__metadata__", fmt::format("{} is no text", shown(key)));
      metadata[key] = text.get<std::string>();
    }
  }

  void check_layout() {
    std::sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
      return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    uint64_t at = 0;
    for (const TensorEntry& e : entries) {
      const std::string place = "tensor " + shown(e.name);
      const auto span = [&] { return fmt::format("bytes {} to {}", grouped(e.begin), grouped(e.end)); };
      if (e.end < e.begin) refuse("R8", place, "ends before it begins", "", span());
      if (e.begin != at) {
        refuse("R7", place, e.begin > at ? "leaves a hole before it" : "overlaps another tensor",
               fmt::format("a begin at byte {}", grouped(at)), span());
      }
      at = e.end;
      const auto elements = checked_product(e.shape);
      const auto bits = elements ? checked_mul(*elements, type_named(e.dtype)->bits) : std::nullopt;
      if (!bits) refuse("R9", place, "has a shape too large for any file", "", to_string(e.shape));
      if (*bits % 8 != 0) refuse("R10", place, "does not fill whole bytes", "", fmt::format("{} bits", grouped(*bits)));
      if (e.end - e.begin != *bits / 8) {
        refuse("R11", place, fmt::format("shape {} of {} does not fit its place", to_string(e.shape), e.dtype),
               fmt::format("{} bytes", grouped(*bits / 8)), fmt::format("{} bytes", grouped(e.end - e.begin)));
      }
    }
    const uint64_t have = file_size_ - data_begin;
    if (at != have) {
      refuse("R12", fmt::format("byte {}", grouped(data_begin + std::min(at, have))),
             at > have ? "the file is incomplete" : "there is something behind the last tensor",
             fmt::format("{} bytes of data", grouped(at)), fmt::format("{} bytes", grouped(have)));
    }
  }

  static const FileType* type_named(std::string_view name) {
    const auto it = std::find_if(kTypes.begin(), kTypes.end(), [&](const FileType& t) { return t.name == name; });
    return it == kTypes.end() ? nullptr : it;
  }

  std::string path_;
  uint64_t file_size_;
};

}  // namespace

SafetensorsFile::SafetensorsFile(fs::path path) : path_(std::move(path)) {
  Header h(path_, attune::file_size(path_));
  h.read();
  data_begin_ = h.data_begin;
  entries_ = std::move(h.entries);
  metadata_ = std::move(h.metadata);
}

const TensorEntry* SafetensorsFile::find(const std::string& name) const {
  const auto it =
      std::lower_bound(entries_.begin(), entries_.end(), name, [](const TensorEntry& e, const std::string& n) { return e.name < n; });
  return it != entries_.end() && it->name == name ? &*it : nullptr;
}

void SafetensorsFile::read_bytes(const TensorEntry& e, uint64_t offset, uint64_t count, void* out) const {
  require(offset <= e.end - e.begin && count <= e.end - e.begin - offset, "read_bytes: range");
  if (count > 0) read_range(path_, data_begin_ + e.begin + offset, count, out);
}

/// The entry of a tensor that there is, in a type we compute with.
std::pair<const TensorEntry*, DType> SafetensorsFile::typed(const std::string& name) const {
  const TensorEntry* e = find(name);
  if (!e) {
    fail(ErrorCode::kInput, {.id = "safetensors.tensor",
                             .where = path_.string(),
                             .what = "holds no tensor " + shown(name),
                             .expected = "",
                             .got = "",
                             .hint = ""});
  }
  const auto type = dtype_named(e->dtype);
  if (!type) {
    fail(ErrorCode::kInput, {.id = "safetensors.dtype",
                             .where = fmt::format("{}, tensor {}", path_.string(), shown(name)),
                             .what = "has a type that attune does not compute with",
                             .expected = "F32, F16, BF16, F64, I64, I32, I16, I8, U8 or BOOL",
                             .got = e->dtype,
                             .hint = "convert the model to one of these types"});
  }
  return {e, *type};
}

Tensor SafetensorsFile::read(const std::string& name, MemoryClass c) const {
  const auto [e, type] = typed(name);
  Tensor t(e->shape, type, c);
  read_bytes(*e, 0, e->end - e->begin, t.data());
  return t;
}

Tensor SafetensorsFile::map(const std::string& name, const std::shared_ptr<const MappedFile>& file, MemoryClass c) const {
  const auto [e, type] = typed(name);
  const std::string_view all = file->bytes();
  if (all.size() < data_begin_ + e->end)
    fail(ErrorCode::kInput, {.id = "file.truncated",
                             .where = path_.string(),
                             .what = "became shorter while it was read",
                             .expected = fmt::format("{} bytes", grouped(data_begin_ + e->end)),
                             .got = fmt::format("{} bytes", grouped(all.size())),
                             .hint = "copy or download the file again"});
  const char* data = all.data() + data_begin_ + e->begin;
  if (e->end == e->begin || reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(size_of(type)) != 0) return read(name, c);
  return Tensor::view(file, data, e->shape, type, c);
}

Tensor SafetensorsFile::read_f32(const std::string& name, MemoryClass c) const {
  Tensor t = read(name, c);
  return t.dtype() == DType::kF32 ? t : t.to_f32(c);
}

TensorMap SafetensorsFile::read_all(MemoryClass c) const {
  TensorMap tensors;
  for (const TensorEntry& e : entries_) tensors.emplace(e.name, read(e.name, c));
  return tensors;
}

}  // namespace attune
