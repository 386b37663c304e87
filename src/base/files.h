// The only code that opens files. Everything goes through a FileSystem, so tests can inject a failure at the Nth operation.
// Commit protocol (docs/design.md, section 3.7): write beside the target, sync, rename, sync the folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace attune {

namespace fs = std::filesystem;

/// One file open for writing. Errors throw Error(kIo) naming path, operation, system text, bytes wanted and free.
class OutputFile {
 public:
  virtual ~OutputFile() = default;
  virtual void write(std::string_view bytes) = 0;
  virtual void sync() = 0;
  virtual void close() = 0;
};

/// The seam: every operation on the disk. `file_system()` is the real one unless a test has put another in its place.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual std::unique_ptr<OutputFile> create(const fs::path& path) = 0;  ///< exclusive; mode 0644; never follows a link
  virtual std::unique_ptr<OutputFile> append(const fs::path& path) = 0;  ///< created when absent
  virtual void rename(const fs::path& from, const fs::path& to) = 0;
  virtual void sync_folder(const fs::path& folder) = 0;
  virtual void remove(const fs::path& path) = 0;       ///< a file or a whole folder
  virtual void make_folder(const fs::path& path) = 0;  ///< with parents
  virtual void make_new_folder(const fs::path& path) = 0;  ///< exclusive: an error when anything of that name is there
  /// Swaps two names in one step. False when this file system cannot; nothing has changed then.
  virtual bool exchange(const fs::path& a, const fs::path& b) = 0;
  virtual uint64_t free_bytes(const fs::path& path) = 0;
};
FileSystem& file_system();
/// Puts `other` in place (nullptr: the real one again) and returns what was there. For tests.
FileSystem* replace_file_system(FileSystem* other);

/// Whole content, copied into memory. Error(kInput) "file.missing", "file.folder", "file.special" (a pipe or a device),
/// "file.too_large" or Error(kIo) "file.unreadable". Never waits for a writer.
std::string read_file(const fs::path& path, uint64_t limit = UINT64_MAX);
/// As read_file; a name ending in .gz (or gzip magic bytes) is unpacked, up to `limit` bytes of output ("gzip.damaged").
std::string read_file_gz(const fs::path& path, uint64_t limit = UINT64_MAX);
/// `count` bytes at `offset` into `out`; Error(kInput) "file.truncated" when there are fewer.
void read_range(const fs::path& path, uint64_t offset, uint64_t count, void* out);
uint64_t file_size(const fs::path& path);
/// A regular file in memory without being read: pages come when they are touched. Only for files that nobody rewrites in place: touching
/// a page of a file that has become shorter ends the process (SIGBUS).
class MappedFile {
 public:
  /// Error(kInput) "file.missing", "file.folder", "file.special"; Error(kIo) "file.unreadable".
  explicit MappedFile(const fs::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::string_view bytes() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};
bool file_exists(const fs::path& path);
bool folder_exists(const fs::path& path);
/// Names in a folder, sorted.
std::vector<std::string> list_folder(const fs::path& path);

/// Standard input, when the name is "-" (a pending signal ends the wait with Interrupted); line by line otherwise too. Lines come
/// without their \n or \r\n.
/// `each` returns false to stop. A line longer than `max_line` is Error(kInput) "line.too_long".
void for_each_line(const fs::path& path, const std::function<bool(std::string_view line, uint64_t number)>& each,
                   uint64_t max_line = uint64_t{64} << 20);

/// Replaces `path` in one step: temporary file beside it, sync, rename, sync the folder.
void write_file_atomically(const fs::path& path, std::string_view bytes);
/// The same for content made piece by piece: `fill` gets the open temporary file.
void write_file_atomically(const fs::path& path, const std::function<void(OutputFile&)>& fill);

/// A folder that appears under its final name only when complete: `.NAME.partial-<random>` beside the target, files added one by
/// one (synced and hashed on the way), `manifest.json` written last, rename, sync of the parent. Without commit() nothing is left.
class FolderCommit {
 public:
  /// `replace`: an existing folder of that name is replaced on commit, in one step where the system can, then removed. Only a folder
  /// that a FolderCommit made (its manifest lists every file in it) or an empty one is ever replaced: Error(kState) "folder.foreign"
  /// otherwise, "folder.exists" without `replace`. An empty folder in the way is no obstacle.
  FolderCommit(fs::path target, bool replace);
  ~FolderCommit();
  FolderCommit(const FolderCommit&) = delete;
  FolderCommit& operator=(const FolderCommit&) = delete;

  /// `name` may be a relative path of safe names ("1_Pooling/config.json").
  void add(const std::string& name, std::string_view bytes);
  void add(const std::string& name, const std::function<void(OutputFile&)>& fill);
  /// Bytes of all files added so far.
  uint64_t bytes() const;
  /// Writes manifest.json (`step`: of a checkpoint, -1 otherwise), renames and syncs.
  void commit(int64_t step = -1);
  const fs::path& target() const { return target_; }

 private:
  struct Entry {
    std::string name, sha256;
    uint64_t size;
  };
  void check_target() const;

  fs::path target_, partial_;
  bool replace_, done_ = false;
  int hold_ = -1;  ///< lock on partial_ while this object lives
  std::vector<Entry> entries_;
};

/// What a folder's manifest says against what is there. `problems` empty and `present` true: valid.
struct ManifestCheck {
  bool present = false;
  int64_t step = -1;
  std::vector<std::string> problems;  ///< "optimizer.safetensors: expected 1,024 bytes, got 512"
};
/// Sizes always; hashes too with `hashes`. A manifest of a newer format than known is Error(kInput) "manifest.newer".
ManifestCheck check_manifest(const fs::path& folder, bool hashes);

/// Removes our own `.NAME.partial-*` folders and files in `folder` that no living process holds, and puts back a folder whose
/// replacement was cut short.
void remove_stale_partials(const fs::path& folder);

/// Lower-case hexadecimal SHA-256 (OpenSSL).
std::string sha256_hex(std::string_view bytes);
std::string sha256_file(const fs::path& path);
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  void update(const void* data, size_t bytes) { update({static_cast<const char*>(data), bytes}); }
  std::string hex();

 private:
  void* context_;
};

/// A kernel lock (flock) on `folder/.lock`: one writer a run folder, freed when the process ends however it ends. Of a holder that
/// was killed the children may be a moment behind: they are waited for, at most 5 s.
/// Error(kState) "run.locked" names the holder (pid, host, since).
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

/// The one check of names that come from files: shards, adapters, modules.json, repository ids, revisions.
/// A plain file name (no separators, no "..", no control characters, not empty, at most 255 bytes, not a reserved device name).
bool is_safe_name(std::string_view name);
/// Error(kInput) "name.unsafe" unless is_safe_name.
void require_safe_name(std::string_view name, const std::string& where);
/// A relative path of safe names joined by '/'.
bool is_safe_relative_path(std::string_view path);

}  // namespace attune
