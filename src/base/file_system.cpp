// The real FileSystem. Every failed call names the path, the operation, the system's text and, for writes, bytes wanted and free.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/utf8.h"

namespace attune {
namespace {

uint64_t free_bytes_at(fs::path path) {
  struct statvfs s;
  while (::statvfs(path.empty() ? "." : path.c_str(), &s) != 0) {  // nearest folder that exists
    if (path.empty() || path == path.parent_path()) return 0;
    path = path.parent_path();
  }
  return static_cast<uint64_t>(s.f_bavail) * s.f_frsize;
}

class RealFile final : public OutputFile {
 public:
  RealFile(Descriptor fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_.get(), bytes.data(), std::min<size_t>(bytes.size(), size_t{1} << 30));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail_write(path_, "write", errno, bytes.size());
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  void sync() override {
    while (::fsync(fd_.get()) != 0) {
      if (errno != EINTR) fail_write(path_, "sync", errno);
    }
  }
  void close() override {
    if (fd_ && ::close(fd_.release()) != 0 && errno != EINTR) fail_write(path_, "close", errno);
  }

 private:
  Descriptor fd_;
  fs::path path_;
};

class RealFileSystem final : public FileSystem {
 public:
  std::unique_ptr<OutputFile> create(const fs::path& path) override {
    Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!fd) fail_write(path, "create", errno);
    ::flock(fd.get(), LOCK_EX | LOCK_NB);  // tells remove_stale_partials that this file is alive; best effort
    return std::make_unique<RealFile>(std::move(fd), path);
  }
  std::unique_ptr<OutputFile> append(const fs::path& path) override {
    Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644));
    if (!fd) fail_write(path, "open", errno);
    return std::make_unique<RealFile>(std::move(fd), path);
  }
  void rename(const fs::path& from, const fs::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) fail_write(to, fmt::format("rename {} to this", from.string()), errno);
  }
  bool exchange(const fs::path& a, const fs::path& b) override {
    if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
    if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) return false;
    fail_write(b, fmt::format("exchange {} with this", a.string()), errno);
  }
  void sync_folder(const fs::path& folder) override {
    const fs::path where = folder.empty() ? fs::path(".") : folder;
    Descriptor fd(::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) fail_write(where, "open folder", errno);
    if (::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) fail_write(where, "sync folder", errno);
  }
  void remove(const fs::path& path) override {
    std::error_code e;
    fs::remove_all(path, e);
    if (e) fail_write(path, "remove", e.value());
  }
  void make_folder(const fs::path& path) override {
    if (path.empty()) return;
    std::error_code e;
    fs::create_directories(path, e);
    if (e) fail_write(path, "make folder", e.value());
    if (!fs::is_directory(path, e)) fail_write(path, "make folder", ENOTDIR);
  }
  void make_new_folder(const fs::path& path) override {
    if (::mkdir(path.c_str(), 0777) != 0) fail_write(path, "make folder", errno);
  }
  uint64_t free_bytes(const fs::path& path) override { return free_bytes_at(path); }
};

FileSystem*& replacement() {
  static FileSystem* other = nullptr;
  return other;
}

}  // namespace

FileSystem& file_system() {
  static RealFileSystem real;
  FileSystem* other = replacement();
  return other ? *other : real;
}

FileSystem* replace_file_system(FileSystem* other) { return std::exchange(replacement(), other); }

void fail_write(const fs::path& path, std::string_view operation, int error, uint64_t wanted) {
  const bool full = error == ENOSPC || error == EDQUOT;
  std::string what = fmt::format("cannot {}: {}", operation, std::strerror(error));
  if (wanted > 0 || full)
    what += fmt::format(" (wanted {} bytes, {} bytes free)", grouped(wanted), grouped(free_bytes_at(path.parent_path())));
  std::string hint;
  if (full) hint = "free some space or write to another disk";
  if (error == EACCES || error == EPERM || error == EROFS) hint = "choose a folder you may write to";
  fail(ErrorCode::kIo,
       {.id = full ? "disk.full" : "file.unwritable", .where = path.string(), .what = what, .expected = "", .got = "", .hint = hint});
}

std::string random_suffix() {
  uint64_t r = 0;
  if (::getrandom(&r, sizeof r, 0) != sizeof r) throw Bug("no random numbers from the kernel");
  return fmt::format("{:016x}", r);
}

fs::path partial_beside(const fs::path& target) {
  std::string name = target.filename().string();
  if (name.size() > 200) name.resize(200);  // the whole must stay a file name
  return target.parent_path() / fmt::format(".{}.partial-{}", name, random_suffix());
}

}  // namespace attune
