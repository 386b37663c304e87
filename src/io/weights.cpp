#include "io/weights.h"

#include <fmt/format.h>

#include <cstring>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "io/safetensors.h"

namespace attune {
namespace {

/// Index of the first element whose exponent bits are all set, -1 when there is none. Blocks first, without branches: fast.
template <typename Word>
int64_t first_nonfinite(const void* data, int64_t n, Word exponent) {
  const char* bytes = static_cast<const char*>(data);
  const auto bad = [&](int64_t i) {
    Word w;
    std::memcpy(&w, bytes + static_cast<size_t>(i) * sizeof w, sizeof w);
    return (w & exponent) == exponent;
  };
  constexpr int64_t kBlock = 1024;
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t end = std::min(n, begin + kBlock);
    Word any = 0;
    for (int64_t i = begin; i < end; ++i) any |= static_cast<Word>(bad(i));
    if (!any) continue;
    for (int64_t i = begin; i < end; ++i) {
      if (bad(i)) return i;
    }
  }
  return -1;
}

int64_t first_nonfinite(const Tensor& t) {
  switch (t.dtype()) {
    case DType::kF32:
      return first_nonfinite<uint32_t>(t.data(), t.size(), 0x7f800000u);
    case DType::kF16:
      return first_nonfinite<uint16_t>(t.data(), t.size(), 0x7c00u);
    case DType::kBF16:
      return first_nonfinite<uint16_t>(t.data(), t.size(), 0x7f80u);
    case DType::kF64:
      return first_nonfinite<uint64_t>(t.data(), t.size(), 0x7ff0000000000000u);
    default:
      return -1;
  }
}

}  // namespace

void require_finite(const TensorMap& tensors, const std::string& file) {
  for (const auto& [name, t] : tensors) {
    if (t.size() == 0) continue;
    const int64_t at = first_nonfinite(t.contiguous() ? t : t.clone());
    if (at < 0) continue;
    fail(ErrorCode::kNumerical, {.id = "checkpoint.nonfinite",
                                 .where = file,
                                 .what = fmt::format("tensor '{}' holds NaN or infinity at element {} of {}, so nothing was saved", name,
                                                     grouped(static_cast<uint64_t>(at)), to_string(t.shape())),
                                 .expected = "",
                                 .got = "",
                                 .hint = "training has diverged: lower the learning rate, or go back to an earlier checkpoint"});
  }
}

void write_model_weights(FolderCommit& folder, const TensorMap& tensors, uint64_t limit) {
  std::vector<TensorMap> shards(1);
  uint64_t total = 0, parameters = 0, running = 0;
  for (const auto& [name, t] : tensors) {
    const auto bytes = static_cast<uint64_t>(t.bytes());
    if (running + bytes > limit && !shards.back().empty()) {
      shards.emplace_back();
      running = 0;
    }
    shards.back().emplace(name, t);
    running += bytes;
    total += bytes;
    parameters += static_cast<uint64_t>(t.size());
  }
  if (shards.size() == 1) {
    folder.add("model.safetensors", [&](OutputFile& f) { write_safetensors(f, tensors); });
    return;
  }
  Json map = Json::object();
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    folder.add(name, [&](OutputFile& f) { write_safetensors(f, shards[i]); });
    // append: ordered_json's own insertion is quadratic
    for (const auto& [tensor, t] : shards[i]) map.get_ref<Json::object_t&>().Json::object_t::Container::emplace_back(tensor, name);
  }
  const Json index = {{"metadata", {{"total_parameters", parameters}, {"total_size", total}}}, {"weight_map", std::move(map)}};
  folder.add("model.safetensors.index.json", dump_json(index) + "\n");
}

}  // namespace attune
