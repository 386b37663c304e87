// The commit protocol (docs/design.md, section 3.7): everything is written beside the target under a name of our own, synced, and
// then renamed. Whatever happens, the target's name holds either the old content or the whole new one.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/json.h"
#include "base/manifest.h"
#include "base/version.h"

namespace attune {
namespace {

/// Removes what is left without hiding the error that brought us here.
void remove_quietly(const fs::path& path) noexcept {
  try {
    file_system().remove(path);
  } catch (...) {  // a later remove_stale_partials finds it
  }
}

/// Counts and hashes what passes.
class HashingFile final : public OutputFile {
 public:
  explicit HashingFile(OutputFile& to) : to_(to) {}
  void write(std::string_view bytes) override {
    to_.write(bytes);
    hash_.update(bytes);
    size_ += bytes.size();
  }
  void sync() override {}  // the owner does
  void close() override {}
  uint64_t size() const { return size_; }
  std::string hex() { return hash_.hex(); }

 private:
  OutputFile& to_;
  Sha256 hash_;
  uint64_t size_ = 0;
};

/// Without a slash at the end, so that filename() is the name.
fs::path plain(fs::path path) {
  path = path.lexically_normal();
  if (path.filename().empty() || path.filename() == ".") path = path.parent_path();
  return path;
}

}  // namespace

void write_file_atomically(const fs::path& path, const std::function<void(OutputFile&)>& fill) {
  if (folder_exists(path)) fail_write(path, "write", EISDIR);
  FileSystem& system = file_system();
  const fs::path partial = partial_beside(path);
  std::unique_ptr<OutputFile> file = system.create(partial);
  try {
    fill(*file);
    file->sync();
    file->close();
    system.rename(partial, path);
  } catch (...) {
    file.reset();
    remove_quietly(partial);
    throw;
  }
  system.sync_folder(path.parent_path());
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  write_file_atomically(path, [&](OutputFile& f) { f.write(bytes); });
}

FolderCommit::FolderCommit(fs::path target, bool replace) : target_(plain(std::move(target))), replace_(replace) {
  if (target_.filename().empty() || target_.filename() == "..") {
    fail(ErrorCode::kUsage, {.id = "folder.name",
                             .where = target_.string(),
                             .what = "is no name for a new folder",
                             .expected = "",
                             .got = "",
                             .hint = "give the folder a name of its own"});
  }
  check_target();
  FileSystem& system = file_system();
  system.make_folder(target_.parent_path());
  for (int attempt = 0;; ++attempt) {
    partial_ = partial_beside(target_);
    system.make_new_folder(partial_);
    // The lock tells remove_stale_partials that somebody is at work. Where a folder cannot be locked (network disks) we go on without.
    hold_ = ::open(partial_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct stat s;
    if (hold_ >= 0 && (::flock(hold_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && ::stat(partial_.c_str(), &s) == 0) return;
    if (hold_ >= 0) ::close(hold_);
    hold_ = -1;
    if (attempt == 8) fail_write(partial_, "keep the folder", ENOENT);
  }
}

FolderCommit::~FolderCommit() {
  if (!done_) remove_quietly(partial_);
  if (hold_ >= 0) ::close(hold_);
}

void FolderCommit::check_target() const {
  struct stat s;
  if (::lstat(target_.c_str(), &s) != 0) return;
  const auto refuse = [&](std::string id, std::string what, std::string hint) {
    fail(ErrorCode::kState,
         {.id = std::move(id), .where = target_.string(), .what = std::move(what), .expected = "", .got = "", .hint = std::move(hint)});
  };
  if (!S_ISDIR(s.st_mode)) refuse("folder.exists", "is there already and is no folder", "choose another name or remove it");
  if (list_folder(target_).empty()) return;
  if (!replace_) refuse("folder.exists", "is there already and is not empty", "choose another folder, or allow it to be replaced");
  const std::vector<std::string> foreign = foreign_files(target_, 1);
  if (!foreign.empty()) {
    refuse("folder.foreign", fmt::format("holds files that were not written by attune ({}), so it is not replaced", foreign.front()),
           "choose another folder, or remove this one yourself");
  }
}

void FolderCommit::add(const std::string& name, const std::function<void(OutputFile&)>& fill) {
  require(!done_, "FolderCommit::add after commit");
  require(is_safe_relative_path(name) && name != kManifestName, "FolderCommit::add: name");
  for (const Entry& e : entries_) require(e.name != name, "FolderCommit::add: the same name twice");
  FileSystem& system = file_system();
  const fs::path path = partial_ / name;
  if (path.parent_path() != partial_) system.make_folder(path.parent_path());
  const std::unique_ptr<OutputFile> file = system.create(path);
  HashingFile hashing(*file);
  fill(hashing);
  file->sync();
  file->close();
  entries_.push_back({name, hashing.hex(), hashing.size()});
}

void FolderCommit::add(const std::string& name, std::string_view bytes) {
  add(name, [&](OutputFile& f) { f.write(bytes); });
}

uint64_t FolderCommit::bytes() const {
  uint64_t n = 0;
  for (const Entry& e : entries_) n += e.size;
  return n;
}

void FolderCommit::commit(int64_t step) {
  require(!done_, "FolderCommit::commit twice");
  FileSystem& system = file_system();
  Json files = Json::array();
  std::set<fs::path> folders;
  for (const Entry& e : entries_) {
    files.push_back({{"name", e.name}, {"size", e.size}, {"sha256", e.sha256}});
    for (fs::path p = fs::path(e.name).parent_path(); !p.empty(); p = p.parent_path()) folders.insert(p);
  }
  const Json manifest = {
      {"format_version", kManifestVersion}, {"tool", "attune"}, {"tool_version", kVersion}, {"step", step}, {"files", files}};
  const std::unique_ptr<OutputFile> file = system.create(partial_ / kManifestName);
  file->write(dump_json(manifest) + "\n");
  file->sync();
  file->close();
  for (const fs::path& f : folders) system.sync_folder(partial_ / f);
  system.sync_folder(partial_);

  check_target();  // somebody may have come first
  const bool occupied = folder_exists(target_) && !list_folder(target_).empty();
  std::optional<fs::path> old;
  if (!occupied) {
    system.rename(partial_, target_);
  } else if (system.exchange(partial_, target_)) {
    old = partial_;
  } else {
    // Two steps; remove_stale_partials undoes the first when the second never came.
    old = target_.parent_path() / fmt::format(".{}.replaced-{}", target_.filename().string(), random_suffix());
    system.rename(target_, *old);
    try {
      system.rename(partial_, target_);
    } catch (...) {
      try {
        system.rename(*old, target_);
      } catch (...) {
      }
      throw;
    }
  }
  done_ = true;
  system.sync_folder(target_.parent_path());
  if (old) remove_quietly(*old);
}

namespace {

/// The NAME of `.NAME<mark><16 hexadecimal digits>`, or nothing.
std::optional<std::string> marked_name(const std::string& file, const std::string& mark) {
  const size_t tail = mark.size() + 16;
  if (file.size() < tail + 2 || file[0] != '.' || file.compare(file.size() - tail, mark.size(), mark) != 0) return std::nullopt;
  if (file.find_first_not_of("0123456789abcdef", file.size() - 16) != std::string::npos) return std::nullopt;
  return file.substr(1, file.size() - tail - 1);
}

}  // namespace

void remove_stale_partials(const fs::path& folder) {
  if (!folder_exists(folder)) return;
  for (const std::string& file : list_folder(folder)) {
    const fs::path path = folder / file;
    const bool partial = marked_name(file, ".partial-").has_value();
    const std::optional<std::string> replaced = marked_name(file, ".replaced-");
    if (!partial && !replaced) continue;
    struct stat s;
    if (::lstat(path.c_str(), &s) != 0 || !(S_ISDIR(s.st_mode) || S_ISREG(s.st_mode))) continue;
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) continue;  // alive, or not for us to say
    if (replaced && !folder_exists(folder / *replaced)) {
      file_system().rename(path, folder / *replaced);
    } else {
      file_system().remove(path);
    }
  }
}

}  // namespace attune
