#include "io/checkpoint.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/log.h"
#include "base/manifest.h"
#include "base/utf8.h"
#include "io/safetensors.h"
#include "io/weights.h"

namespace attune {
namespace {

constexpr std::string_view kPrefix = "checkpoint-";

std::string folder_name(int64_t step) { return fmt::format("{}{}", kPrefix, step); }

/// 40 of "checkpoint-40"; nothing for other names, "checkpoint-040" among them.
std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [at, e] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (e != std::errc() || at != end || step < 0 || folder_name(step) != name) return std::nullopt;
  return step;
}

/// Why this folder is no checkpoint to resume from; "" when it is one.
std::string defect(const fs::path& folder, int64_t step, bool hashes) {
  struct stat s;
  if (::lstat(folder.c_str(), &s) != 0 || !S_ISDIR(s.st_mode)) return "is not a folder";
  try {
    const ManifestCheck check = check_manifest(folder, hashes);
    if (!check.present) return "has no manifest.json: incomplete, or not written by attune";
    if (!check.problems.empty()) {
      std::string why = check.problems.front();
      if (check.problems.size() > 1) why += fmt::format(" (and {} more)", check.problems.size() - 1);
      return why;
    }
    if (check.step != step) return fmt::format("its manifest is of step {}: a copy or renamed", check.step);
  } catch (const Error& e) {
    return e.info().id == "manifest.newer" ? fmt::format("{}; {}", e.info().what, e.info().hint) : std::string(e.what());
  }
  return "";
}

std::string document_text(const Json& doc) { return dump_json(doc, {.nan_as_null = true}) + "\n"; }

}  // namespace

uint64_t checkpoint_size(const CheckpointContent& content) {
  uint64_t n = 0;
  for (const auto& [name, tensors] : content.tensors) n += safetensors_size(tensors);
  for (const auto& [name, doc] : content.documents) n += document_text(doc).size();
  for (const auto& [name, bytes] : content.files) n += bytes.size();
  return n;
}

void require_free_space(const fs::path& path, uint64_t bytes, const std::string& what) {
  const uint64_t free = file_system().free_bytes(path);
  if (free >= bytes) return;
  fail(ErrorCode::kIo,
       {.id = "disk.full",
        .where = path.string(),
        .what = fmt::format("not enough space for {} (wanted {} bytes, {} bytes free)", what, grouped(bytes), grouped(free)),
        .expected = "",
        .got = "",
        .hint = "free some space or write to another disk"});
}

fs::path write_checkpoint(const fs::path& run, int64_t step, const CheckpointContent& content) {
  require(step >= 0, "write_checkpoint: step");
  const fs::path target = run / folder_name(step);
  for (const auto& [name, tensors] : content.tensors) require_finite(tensors, (target / name).string());
  require_free_space(run, checkpoint_size(content), folder_name(step));
  if (folder_exists(target) && !list_folder(target).empty() && !foreign_files(target).empty()) {
    const fs::path aside = run / fmt::format("{}.aside-{}", folder_name(step), random_suffix());
    file_system().rename(target, aside);
    warning(fmt::format("{} was not written by this program; moved to {}", target.string(), aside.filename().string()));
  }
  FolderCommit folder(target, true);
  for (const auto& [name, tensors] : content.tensors) folder.add(name, [&t = tensors](OutputFile& f) { write_safetensors(f, t); });
  for (const auto& [name, doc] : content.documents) folder.add(name, document_text(doc));
  for (const auto& [name, bytes] : content.files) folder.add(name, bytes);
  folder.commit(step);
  return target;
}

CheckpointSearch find_checkpoints(const fs::path& run, CheckpointTrust trust) {
  std::vector<Checkpoint> all;
  if (folder_exists(run)) {
    for (const std::string& name : list_folder(run)) {
      if (const auto step = step_of(name)) all.push_back({run / name, *step});
    }
  }
  std::sort(all.begin(), all.end(), [](const Checkpoint& a, const Checkpoint& b) { return a.step > b.step; });
  CheckpointSearch search;
  for (const Checkpoint& c : all) {
    const bool hashes = trust == CheckpointTrust::kAllHashes || (trust == CheckpointTrust::kNewestHashes && search.valid.empty());
    std::string why = defect(c.folder, c.step, hashes);
    if (why.empty()) {
      search.valid.push_back(c);
    } else {
      search.skipped.push_back({c.folder.filename().string(), std::move(why)});
    }
  }
  return search;
}

Checkpoint open_checkpoint(const fs::path& folder) {
  if (!folder_exists(folder)) {
    fail(ErrorCode::kInput,
         {.id = "file.missing", .where = folder.string(), .what = "there is no such checkpoint", .expected = "", .got = "", .hint = ""});
  }
  const ManifestCheck check = check_manifest(folder, true);
  const auto damaged = [&](std::string what) {
    fail(ErrorCode::kInput, {.id = "checkpoint.damaged",
                             .where = folder.string(),
                             .what = std::move(what),
                             .expected = "",
                             .got = "",
                             .hint = "resume from an earlier checkpoint"});
  };
  if (!check.present) damaged("has no manifest.json: incomplete, or not written by attune");
  Problems problems;
  for (const std::string& p : check.problems) problems.add(p);
  if (!problems.empty()) damaged("is damaged:" + problems.list());
  if (check.step < 0) damaged("is not a checkpoint: its manifest has no step");
  return {folder, check.step};
}

Rotation rotate_checkpoints(const fs::path& run, int64_t save_total_limit, std::optional<int64_t> keep_best) {
  Rotation rotation;
  std::vector<Checkpoint> ours;  // newest first
  for (const Checkpoint& c : find_checkpoints(run, CheckpointTrust::kSizes).valid) {
    if (foreign_files(c.folder).empty()) ours.push_back(c);
  }
  auto excess = save_total_limit > 0 ? static_cast<int64_t>(ours.size()) - save_total_limit : 0;
  for (size_t i = ours.size(); i-- > 0;) {  // the oldest first, never the newest
    const Checkpoint& c = ours[i];
    if (excess <= 0 || i == 0 || c.step == keep_best) {
      rotation.kept.push_back(c);
      continue;
    }
    try {
      // Under a partial name first: a removal cut short leaves nothing that looks like a damaged checkpoint.
      const fs::path doomed = partial_beside(c.folder);
      file_system().rename(c.folder, doomed);
      rotation.removed.push_back(c);
      file_system().remove(doomed);
    } catch (const Error& e) {
      warning(fmt::format("an old checkpoint could not be removed: {}", e.what()));
      if (rotation.removed.empty() || rotation.removed.back().step != c.step) rotation.kept.push_back(c);
    }
    --excess;
  }
  std::reverse(rotation.kept.begin(), rotation.kept.end());
  return rotation;
}

Json read_checkpoint_json(const fs::path& folder, const std::string& name) {
  require_safe_name(name, folder.string());
  return read_json(folder / name, {.allow_nan = true});
}

TensorMap read_checkpoint_tensors(const fs::path& folder, const std::string& name, MemoryClass c) {
  require_safe_name(name, folder.string());
  return SafetensorsFile(folder / name).read_all(c);
}

}  // namespace attune
