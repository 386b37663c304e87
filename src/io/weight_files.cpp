// One name space over the weight files of a folder, single or sharded (docs/formats.md, section 3).
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/manifest.h"
#include "base/utf8.h"
#include "io/model_folder.h"

namespace attune {
namespace {

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

/// Collects what is wrong with an index; the id is that of the first problem.
struct IndexProblems {
  std::string id;
  Problems problems;
  void add(const char* kind, std::string text) {
    if (id.empty()) id = kind;
    problems.add(std::move(text));
  }
  void raise(const std::string& where) const {
    if (problems.empty()) return;
    fail(ErrorCode::kInput, {.id = id,
                             .where = where,
                             .what = fmt::format("the index and the weight files do not agree ({} problem{}):{}", problems.count(),
                                                 problems.count() == 1 ? "" : "s", problems.list()),
                             .expected = "",
                             .got = "",
                             .hint = "copy or download the folder again"});
  }
};

std::string quoted(const std::string& s) { return dump_json(Json(s.size() > 120 ? s.substr(0, 120) + "..." : s)); }

/// tensor -> shard, as the index says.
std::map<std::string, std::string> read_weight_map(const fs::path& path) {
  const std::string where = path.string();
  const Json index = read_json(path);
  const auto bad = [&](std::string what) {
    fail(ErrorCode::kInput, {.id = "index.content",
                             .where = where,
                             .what = std::move(what),
                             .expected = "",
                             .got = "",
                             .hint = "copy or download the folder again"});
  };
  if (!index.is_object()) bad("is no JSON object");
  const auto it = index.find("weight_map");
  if (it == index.end() || !it->is_object()) bad("has no object 'weight_map'");
  if (it->empty()) bad("'weight_map' is empty");
  std::map<std::string, std::string> map;
  for (const auto& [tensor, shard] : it->get_ref<const Json::object_t&>()) {
    if (!shard.is_string()) bad(fmt::format("'weight_map' gives no file name for {}", quoted(tensor)));
    map.emplace(tensor, shard.get<std::string>());
  }
  return map;
}

[[noreturn]] void no_weights(const fs::path& folder) {
  ErrorInfo info{.id = "weights.missing",
                 .where = folder.string(),
                 .what = "holds no weights",
                 .expected = fmt::format("{} or {}", kSingle, kIndex),
                 .got = "",
                 .hint = ""};
  std::string others;
  bool pickle = false;
  for (const std::string& name : list_folder(folder)) {
    if (name.ends_with(".safetensors")) others += (others.empty() ? "" : ", ") + name;
    pickle = pickle || name == "pytorch_model.bin" || name == "pytorch_model.bin.index.json";
  }
  if (pickle) {
    info.id = "weights.pickle";
    info.what = "holds its weights only as pytorch_model.bin, a pickle file, which can run code when it is read";
    info.hint =
        "convert it once where you trust it: python -c \"from transformers import AutoModel as M; "
        "M.from_pretrained('DIR').save_pretrained('NEW')\"";
  } else {
    info.hint = others.empty() ? "is this the right folder?" : "found only " + others;
  }
  fail(ErrorCode::kInput, std::move(info));
}

}  // namespace

WeightFiles::WeightFiles(const fs::path& folder) {
  const fs::path single = model_file(folder, kSingle);
  if (file_exists(single)) {
    files_.emplace_back(single);
    for (const TensorEntry& e : files_[0].entries()) where_[e.name] = 0;
    return;
  }
  const fs::path index = model_file(folder, kIndex);
  if (!file_exists(index)) no_weights(folder);

  const std::map<std::string, std::string> map = read_weight_map(index);
  IndexProblems problems;
  std::map<std::string, size_t> shards;  // name -> place in files_
  std::set<std::string> names;
  for (const auto& [tensor, shard] : map) names.insert(shard);
  for (const std::string& name : names) {
    require_safe_name(name, index.string());
    const fs::path path = model_file(folder, name);
    if (!file_exists(path)) {
      problems.add("index.shard_missing", fmt::format("{} is missing", name));
      continue;
    }
    shards[name] = files_.size();
    files_.emplace_back(path);  // checks header and length now, long before the first weight is used
  }
  for (const auto& [name, at] : shards) {
    for (const TensorEntry& e : files_[at].entries()) {
      const auto mapped = map.find(e.name);
      if (mapped == map.end()) {
        problems.add("index.unmapped", fmt::format("tensor {} of {} is not in the index", quoted(e.name), name));
      } else if (mapped->second != name) {
        problems.add("index.duplicate", fmt::format("tensor {} is in {} too, but belongs in {}", quoted(e.name), name, mapped->second));
      } else {
        where_[e.name] = at;
      }
    }
  }
  for (const auto& [tensor, shard] : map) {
    if (shards.count(shard) && !where_.count(tensor)) {
      problems.add("index.tensor_missing", fmt::format("tensor {} is not in {}", quoted(tensor), shard));
    }
  }
  problems.raise(index.string());
}

std::vector<std::string> WeightFiles::names() const {
  std::vector<std::string> n;
  for (const auto& [name, at] : where_) n.push_back(name);
  return n;
}

bool WeightFiles::contains(const std::string& name) const { return where_.count(name) > 0; }

const TensorEntry& WeightFiles::entry(const std::string& name) const {
  const auto it = where_.find(name);
  if (it == where_.end()) {
    fail(ErrorCode::kInput, {.id = "weights.tensor",
                             .where = files_[0].path().parent_path().string(),
                             .what = "holds no tensor " + quoted(name),
                             .expected = "",
                             .got = "",
                             .hint = ""});
  }
  return *files_[it->second].find(name);
}

Tensor WeightFiles::read_f32(const std::string& name) const {
  entry(name);
  return files_[where_.at(name)].read_f32(name);
}

Tensor WeightFiles::read(const std::string& name, MemoryClass c, bool may_map) const {
  entry(name);
  const size_t at = where_.at(name);
  const SafetensorsFile& file = files_[at];
  if (!may_map) return file.read(name, c);
  auto mapped = mapped_.find(at);
  if (mapped == mapped_.end()) {
    const bool ours = manifest_vouches(file.path().parent_path(), file.path().filename().string());
    mapped = mapped_.emplace(at, ours ? std::make_shared<const MappedFile>(file.path()) : nullptr).first;
  }
  return mapped->second ? file.map(name, mapped->second, c) : file.read(name, c);
}

std::string WeightFiles::fingerprint() const {
  if (!fingerprint_.empty()) return fingerprint_;
  Sha256 hash;
  std::string buffer;
  for (const auto& [name, at] : where_) {
    const SafetensorsFile& file = files_[at];
    const TensorEntry& e = *file.find(name);
    hash.update(fmt::format("{} {} {} {}\n", dump_json(Json(name)), e.dtype, to_string(e.shape), e.end - e.begin));
    constexpr uint64_t kChunk = uint64_t{1} << 20;  // stays in the cache between reading and hashing
    for (uint64_t done = 0; done < e.end - e.begin; done += buffer.size()) {
      buffer.resize(std::min(kChunk, e.end - e.begin - done));
      file.read_bytes(e, done, buffer.size(), buffer.data());
      hash.update(buffer);
    }
  }
  return fingerprint_ = hash.hex();
}

}  // namespace attune
