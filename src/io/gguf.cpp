// The header is read through a window of the file: names and counts decide what comes next, so no part of it has a known place.
#include "io/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <tuple>

#include "base/checked.h"
#include "base/error.h"
#include "base/utf8.h"
#include "quant/finite.h"

namespace attune {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr uint64_t kLongestKey = 65'535, kLongestTensorName = 63, kMostArrayValues = uint64_t{1} << 24, kMostDimensions = 4;
constexpr uint32_t kDefaultAlignment = 32;

enum ValueType : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kArray, kU64, kI64, kF64 };
constexpr uint64_t kValueBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};  ///< of the smallest value of each type

/// A name of the file, safe to print.
std::string printed(const std::string& s) { return dump_json(Json(s.size() > 120 ? s.substr(0, 120) + "..." : s)); }

/// The file from its start, with every read checked against its size.
class HeaderReader {
 public:
  explicit HeaderReader(const fs::path& path) : path_(path), size_(attune::file_size(path)) {}

  uint64_t at() const { return at_; }
  uint64_t size() const { return size_; }
  uint64_t left() const { return size_ - at_; }

  [[noreturn]] void refuse(const char* id, std::string what, std::string expected = "", std::string got = "") const {
    fail(ErrorCode::kInput, {.id = id,
                             .where = fmt::format("{}, byte {}", path_.string(), grouped(at_)),
                             .what = std::move(what),
                             .expected = std::move(expected),
                             .got = std::move(got),
                             .hint = "copy or download the file again, or convert it anew"});
  }

  template <typename T>
  T number() {
    T v;
    take(&v, sizeof v);
    return v;
  }

  std::string string(uint64_t most, const char* what) {
    const auto n = number<uint64_t>();
    if (n > left() || n > most)
      refuse("gguf.truncated", fmt::format("{} is longer than there is room for", what), fmt::format("at most {} bytes", grouped(std::min(most, left()))), grouped(n));
    std::string s(n, '\0');
    take(s.data(), n);
    if (!is_utf8(s)) refuse("gguf.value", fmt::format("{} is not UTF-8", what));
    return s;
  }

  /// Before memory for `count` items is asked for.
  void require_room(uint64_t count, uint64_t bytes_each, const char* what) const {
    if (count > left() / bytes_each)
      refuse("gguf.truncated", fmt::format("there cannot be so many {}", what), fmt::format("at most {} in the rest of the file", grouped(left() / bytes_each)), grouped(count));
  }

 private:
  void take(void* out, uint64_t n) {
    if (n > left()) refuse("gguf.truncated", "the file ends inside its header", fmt::format("{} bytes more", n), grouped(left()));
    auto* to = static_cast<char*>(out);
    while (n > 0) {
      if (at_ < window_at_ || at_ >= window_at_ + window_.size()) {
        window_at_ = at_;
        window_.resize(std::min<uint64_t>(kWindow, left()));
        read_range(path_, at_, window_.size(), window_.data());
      }
      const uint64_t part = std::min<uint64_t>(n, window_at_ + window_.size() - at_);
      std::memcpy(to, window_.data() + (at_ - window_at_), part);
      to += part;
      at_ += part;
      n -= part;
    }
  }

  static constexpr uint64_t kWindow = uint64_t{1} << 20;
  fs::path path_;
  uint64_t size_, at_ = 0, window_at_ = 0;
  std::string window_;
};

/// The F32 as a person wrote it: the double of its shortest decimal form.
double shortest(float f) {
  const std::string s = fmt::format("{}", f);
  double d = f;
  std::from_chars(s.data(), s.data() + s.size(), d);
  return d;
}

Json read_value(HeaderReader& in, uint32_t type, const std::string& key, uint64_t& array_room) {
  switch (type) {
    case kU8:
      return in.number<uint8_t>();
    case kI8:
      return in.number<int8_t>();
    case kU16:
      return in.number<uint16_t>();
    case kI16:
      return in.number<int16_t>();
    case kU32:
      return in.number<uint32_t>();
    case kI32:
      return in.number<int32_t>();
    case kF32:
      return shortest(in.number<float>());
    case kBool: {
      const auto b = in.number<uint8_t>();
      if (b > 1) in.refuse("gguf.value", fmt::format("the value of {} is neither true nor false", printed(key)), "0 or 1", std::to_string(b));
      return b == 1;
    }
    case kString:
      return in.string(UINT64_MAX, "a text");
    case kU64:
      return in.number<uint64_t>();
    case kI64:
      return in.number<int64_t>();
    case kF64:
      return in.number<double>();
    case kArray: {
      const auto item = in.number<uint32_t>();
      const auto n = in.number<uint64_t>();
      if (item > kF64 || item == kArray)
        in.refuse("gguf.value", fmt::format("{} is a list of an unknown type", printed(key)), "0 to 12, not 9 (a list of lists)", std::to_string(item));
      in.require_room(n, kValueBytes[item], "values in a list");
      if (n > array_room) in.refuse("gguf.value", fmt::format("{} is too long a list", printed(key)), fmt::format("at most {} values in all lists", grouped(kMostArrayValues)), grouped(n));
      array_room -= n;
      Json list = Json::array();
      list.get_ref<Json::array_t&>().reserve(n);
      for (uint64_t i = 0; i < n; ++i) list.push_back(read_value(in, item, key, array_room));
      return list;
    }
    default:
      in.refuse("gguf.value", fmt::format("the value of {} has an unknown type", printed(key)), "0 to 12", std::to_string(type));
  }
}

std::map<std::string, Json> read_metadata(HeaderReader& in, uint64_t count) {
  std::map<std::string, Json> out;
  uint64_t array_room = kMostArrayValues;
  for (uint64_t i = 0; i < count; ++i) {
    const std::string key = in.string(kLongestKey, "a key");
    if (key.empty()) in.refuse("gguf.key", "a key is empty");
    const auto type = in.number<uint32_t>();
    if (!out.emplace(key, read_value(in, type, key, array_room)).second) in.refuse("gguf.key", fmt::format("the key {} is there twice", printed(key)));
  }
  return out;
}

GgufTensor read_tensor(HeaderReader& in) {
  GgufTensor t;
  t.name = in.string(kLongestTensorName, "a tensor's name");
  if (t.name.empty()) in.refuse("gguf.tensor", "a tensor has no name");
  const std::string name = "the tensor " + printed(t.name);
  const auto dimensions = in.number<uint32_t>();
  if (dimensions < 1 || dimensions > kMostDimensions)
    in.refuse("gguf.tensor", name + " has an impossible number of dimensions", fmt::format("1 to {}", kMostDimensions), std::to_string(dimensions));
  for (uint32_t i = 0; i < dimensions; ++i) {
    const auto n = in.number<uint64_t>();
    if (n > static_cast<uint64_t>(INT64_MAX)) in.refuse("gguf.tensor", name + " has an impossible dimension", "below 2^63", std::to_string(n));
    t.shape.insert(t.shape.begin(), static_cast<int64_t>(n));
  }
  const auto number = in.number<uint32_t>();
  t.type = gguf_type(number);
  if (!t.type) in.refuse("gguf.type", name + " has an unknown type", fmt::format("{}", readable_gguf_types()), fmt::format("type number {}", number));
  t.begin = in.number<uint64_t>();  // from the start of the data, for now
  const auto elements = checked_product(t.shape);
  if (!elements || *elements > static_cast<uint64_t>(INT64_MAX)) in.refuse("gguf.tensor", name + " has a shape too large for any file", "", to_string(t.shape));
  if (static_cast<uint64_t>(t.shape.back()) % t.type->block != 0) {
    in.refuse("gguf.tensor", fmt::format("the rows of {} do not fill whole blocks of {}", name.substr(4), t.type->name), fmt::format("a multiple of {}", t.type->block),
              std::to_string(t.shape.back()));
  }
  const auto bytes = checked_mul(*elements / t.type->block, t.type->bytes);
  if (!bytes) in.refuse("gguf.tensor", name + " has a shape too large for any file", "", to_string(t.shape));
  t.bytes = *bytes;
  return t;
}

uint64_t alignment_of(const HeaderReader& in, const std::map<std::string, Json>& metadata) {
  const auto it = metadata.find("general.alignment");
  if (it == metadata.end()) return kDefaultAlignment;
  if (it->second.is_number_unsigned() && std::has_single_bit(it->second.get<uint64_t>()) && it->second.get<uint64_t>() <= UINT32_MAX) return it->second.get<uint64_t>();
  in.refuse("gguf.alignment", "general.alignment is no alignment", "a power of two", it->second.dump().substr(0, 40));
}

/// Tensors to their place in the file: aligned, inside it, none over another.
void place(const HeaderReader& in, std::vector<GgufTensor>& tensors, uint64_t alignment) {
  const auto start = checked_add(in.at(), alignment - 1);
  if (!start) in.refuse("gguf.layout", "the data would begin behind any file");
  const uint64_t data = *start / alignment * alignment;
  for (GgufTensor& t : tensors) {
    const std::string name = "the tensor " + printed(t.name);
    if (t.begin % alignment != 0) in.refuse("gguf.layout", name + " is not aligned", fmt::format("a multiple of {}", alignment), grouped(t.begin));
    const auto begin = checked_add(data, t.begin);
    const auto end = begin ? checked_add(*begin, t.bytes) : std::nullopt;
    if (!end || *end > in.size())
      in.refuse("gguf.layout", name + " reaches behind the end of the file", fmt::format("at most byte {}", grouped(in.size())), end ? grouped(*end) : "beyond 2^64");
    t.begin = *begin;
  }
  std::sort(tensors.begin(), tensors.end(), [](const GgufTensor& a, const GgufTensor& b) { return std::tie(a.begin, a.bytes) < std::tie(b.begin, b.bytes); });
  for (size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i - 1].begin + tensors[i - 1].bytes > tensors[i].begin)
      in.refuse("gguf.layout", fmt::format("the tensors {} and {} overlap", printed(tensors[i - 1].name), printed(tensors[i].name)));
  }
  std::sort(tensors.begin(), tensors.end(), [](const GgufTensor& a, const GgufTensor& b) { return a.name < b.name; });
  for (size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i - 1].name == tensors[i].name) in.refuse("gguf.tensor", fmt::format("the tensor {} is there twice", printed(tensors[i].name)));
  }
}

}  // namespace

GgufFile::GgufFile(fs::path path) : path_(std::move(path)) {
  HeaderReader in(path_);
  if (in.size() < kMagic.size() || !is_gguf(path_)) in.refuse("gguf.magic", "is no GGUF file", "a file that begins with GGUF");
  in.number<uint32_t>();
  const auto version = in.number<uint32_t>();
  if (version != 2 && version != 3) {
    const bool swapped = version != 0 && (version & 0xffff) == 0;
    in.refuse("gguf.version", swapped ? "is a GGUF file for machines of the other byte order" : "is of a version this program does not read", "2 or 3", std::to_string(version));
  }
  const auto tensors = in.number<uint64_t>(), values = in.number<uint64_t>();
  in.require_room(values, 8 + 1 + 4 + 1, "values");
  in.require_room(tensors, 8 + 1 + 4 + 8 + 4 + 8, "tensors");
  metadata_ = read_metadata(in, values);
  in.require_room(tensors, 8 + 1 + 4 + 8 + 4 + 8, "tensors");
  for (uint64_t i = 0; i < tensors; ++i) tensors_.push_back(read_tensor(in));
  if (integer("split.count", 0) > 1) {
    fail(ErrorCode::kInput, {.id = "gguf.split",
                             .where = path_.string(),
                             .what = fmt::format("is one of {} files of a model", integer("split.count", 0)),
                             .expected = "a model in one file",
                             .hint = "join them with llama.cpp's gguf-split --merge"});
  }
  place(in, tensors_, alignment_of(in, metadata_));
}

const Json* GgufFile::value(const std::string& key) const {
  const auto it = metadata_.find(key);
  return it == metadata_.end() ? nullptr : &it->second;
}

void GgufFile::wrong(const std::string& key, const std::string& expected) const {
  fail(ErrorCode::kInput, {.id = "gguf.value",
                           .where = fmt::format("{}: {}", path_.string(), key),
                           .what = "has the wrong type or is out of range",
                           .expected = expected,
                           .got = dump_json(*value(key), {.indent = -1, .nan_as_null = true}).substr(0, 60)});
}

int64_t GgufFile::integer(const std::string& key, int64_t absent, int64_t least, int64_t most) const {
  const Json* v = value(key);
  if (!v) return absent;
  const bool fits = v->is_number_unsigned() ? v->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX) : v->is_number_integer();
  if (!fits || v->get<int64_t>() < least || v->get<int64_t>() > most) wrong(key, fmt::format("an integer from {} to {}", least, most));
  return v->get<int64_t>();
}

double GgufFile::number(const std::string& key, double absent) const {
  const Json* v = value(key);
  if (!v) return absent;
  if (!v->is_number() || !std::isfinite(v->get<double>())) wrong(key, "a number");
  return v->get<double>();
}

bool GgufFile::boolean(const std::string& key, bool absent) const {
  const Json* v = value(key);
  if (!v) return absent;
  if (!v->is_boolean()) wrong(key, "true or false");
  return v->get<bool>();
}

std::string GgufFile::text(const std::string& key, const std::string& absent) const {
  const Json* v = value(key);
  if (!v) return absent;
  if (!v->is_string()) wrong(key, "a text");
  return v->get<std::string>();
}

std::vector<std::string> GgufFile::texts(const std::string& key) const {
  const Json* v = value(key);
  if (!v) return {};
  if (!v->is_array() || std::any_of(v->begin(), v->end(), [](const Json& j) { return !j.is_string(); })) wrong(key, "a list of texts");
  std::vector<std::string> out;
  out.reserve(v->size());
  for (const Json& j : *v) out.push_back(j.get<std::string>());
  return out;
}

const GgufTensor* GgufFile::find(const std::string& name) const {
  const auto it = std::lower_bound(tensors_.begin(), tensors_.end(), name, [](const GgufTensor& t, const std::string& n) { return t.name < n; });
  return it != tensors_.end() && it->name == name ? &*it : nullptr;
}

Tensor GgufFile::read_f32(const GgufTensor& t, MemoryClass c) const {
  const std::string where = fmt::format("{}, tensor {}", path_.string(), printed(t.name));
  if (!t.type->readable) {
    fail(ErrorCode::kInput, {.id = "gguf.type",
                             .where = where,
                             .what = "has a type this program does not read",
                             .expected = std::string(readable_gguf_types()),
                             .got = std::string(t.type->name),
                             .hint = "take another quantisation of the model, for example Q8_0 or Q4_K_M"});
  }
  Tensor out(t.shape, DType::kF32, c);
  const int64_t blocks = out.size() / t.type->block;
  constexpr int64_t kPart = int64_t{1} << 14;  // blocks read at a time
  std::string bytes;
  for (int64_t done = 0; done < blocks; done += kPart) {
    const int64_t n = std::min(kPart, blocks - done);
    bytes.resize(static_cast<size_t>(n) * t.type->bytes);
    read_range(path_, t.begin + static_cast<uint64_t>(done) * t.type->bytes, bytes.size(), bytes.data());
    dequantize_blocks(*t.type, bytes.data(), n, out.f32() + done * t.type->block);
  }
  if (const int64_t bad = first_not_finite(out.f32(), out.size()); bad < out.size()) fail_not_finite(out.f32(), bad, out.cols(), where);
  return out;
}

std::string GgufFile::fingerprint() const {
  Sha256 hash;
  std::string buffer;
  for (const GgufTensor& t : tensors_) {
    hash.update(fmt::format("{} {} {} {}\n", dump_json(Json(t.name)), t.type->name, to_string(t.shape), t.bytes));
    constexpr uint64_t kChunk = uint64_t{1} << 20;
    for (uint64_t done = 0; done < t.bytes; done += buffer.size()) {
      buffer.resize(std::min(kChunk, t.bytes - done));
      read_range(path_, t.begin + done, buffer.size(), buffer.data());
      hash.update(buffer);
    }
  }
  return hash.hex();
}

bool is_gguf(const fs::path& path) {
  if (!file_exists(path) || attune::file_size(path) < kMagic.size()) return false;
  char start[4];
  read_range(path, 0, sizeof start, start);
  return std::string_view(start, sizeof start) == kMagic;
}

}  // namespace attune
