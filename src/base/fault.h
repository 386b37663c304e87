// For tests: a FileSystem that fails at the Nth operation. Put it in place with FaultScope.
#pragma once

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/descriptor.h"
#include "base/files.h"

namespace attune {

/// Thrown when the process is to be thought killed: it is no std::exception, so nothing on the way turns it into a message.
struct Killed {};

class FaultyFileSystem final : public FileSystem {
 public:
  enum class Mode {
    kOnce,        ///< operation N fails, later ones work
    kForever,     ///< operation N and all that follow fail
    kShortWrite,  ///< as kForever, but a write puts half of its bytes on the disk first
    kKill,        ///< from operation N on nothing reaches the disk and every call throws Killed; a write or removal at N is half done
    kKillAfter,   ///< the same, but operation N itself is done
  };
  /// Counts only, until `fail_at` (from 1) is set.
  explicit FaultyFileSystem(uint64_t fail_at = UINT64_MAX, Mode mode = Mode::kOnce, int error = ENOSPC)
      : fail_at_(fail_at), mode_(mode), error_(error) {}

  uint64_t operations() const { return operations_; }
  bool failed() const { return operations_ >= fail_at_; }
  /// "write .out.partial-0123456789abcdef/a.bin": what was asked for, with the last two parts of the path.
  const std::vector<std::string>& log() const { return log_; }
  void set_free_bytes(uint64_t n) { free_ = n; }
  /// Where exchange() is to say that it cannot, as some file systems do.
  void forbid_exchange() { exchange_ = false; }

  std::unique_ptr<OutputFile> create(const fs::path& path) override {
    return open(path, "create", [&] { return real_.create(path); });
  }
  std::unique_ptr<OutputFile> append(const fs::path& path) override {
    return open(path, "open", [&] { return real_.append(path); });
  }
  void rename(const fs::path& from, const fs::path& to) override {
    step(to, "rename", [&] { real_.rename(from, to); });
  }
  bool exchange(const fs::path& a, const fs::path& b) override {
    if (!exchange_) return false;
    bool done = false;
    step(b, "exchange", [&] { done = real_.exchange(a, b); });
    return done;
  }
  void sync_folder(const fs::path& folder) override {
    step(folder, "sync folder", [&] { real_.sync_folder(folder); });
  }
  void remove(const fs::path& path) override {
    step(
        path, "remove", [&] { real_.remove(path); },
        [&] {  // a folder loses its files one by one
          std::error_code e;
          for (const auto& file : fs::directory_iterator(path, e)) {
            real_.remove(file.path());
            break;
          }
        },
        0);
  }
  void make_folder(const fs::path& path) override {
    step(path, "make folder", [&] { real_.make_folder(path); });
  }
  void make_new_folder(const fs::path& path) override {
    step(path, "make folder", [&] { real_.make_new_folder(path); });
  }
  uint64_t free_bytes(const fs::path& path) override { return std::min(free_, real_.free_bytes(path)); }

 private:
  class File final : public OutputFile {
   public:
    File(FaultyFileSystem& owner, fs::path path, std::unique_ptr<OutputFile> real)
        : owner_(owner), path_(std::move(path)), real_(std::move(real)) {}
    void write(std::string_view bytes) override {
      owner_.step(
          path_, "write", [&] { real_->write(bytes); }, [&] { real_->write(bytes.substr(0, bytes.size() / 2)); }, bytes.size());
    }
    void sync() override {
      owner_.step(path_, "sync", [&] { real_->sync(); });
    }
    void close() override {
      owner_.step(path_, "close", [&] { real_->close(); });
    }

   private:
    FaultyFileSystem& owner_;
    fs::path path_;
    std::unique_ptr<OutputFile> real_;
  };

  template <typename Open>
  std::unique_ptr<OutputFile> open(const fs::path& path, const char* what, Open make) {
    std::unique_ptr<OutputFile> file;
    step(path, what, [&] { file = make(); });
    return std::make_unique<File>(*this, path, std::move(file));
  }

  template <typename Do>
  void step(const fs::path& path, const char* what, Do work) {
    step(
        path, what, work, [] {}, 0);
  }
  template <typename Do, typename Half>
  void step(const fs::path& path, const char* what, Do work, Half half, uint64_t wanted) {
    const uint64_t n = ++operations_;
    log_.push_back(std::string(what) + " " + (path.parent_path().filename() / path.filename()).string());
    const bool at = n == fail_at_, behind = n > fail_at_;
    switch (mode_) {
      case Mode::kOnce:
        if (at) fail_write(path, what, error_, wanted);
        break;
      case Mode::kForever:
        if (at || behind) fail_write(path, what, error_, wanted);
        break;
      case Mode::kShortWrite:
        if (at) half();
        if (at || behind) fail_write(path, what, error_, wanted);
        break;
      case Mode::kKill:
        if (at) half();
        if (at || behind) throw Killed();
        break;
      case Mode::kKillAfter:
        if (behind) throw Killed();
        work();
        if (at) throw Killed();
        return;
    }
    work();
  }

  FileSystem& real_ = file_system();
  uint64_t fail_at_, operations_ = 0, free_ = UINT64_MAX;
  std::vector<std::string> log_;
  Mode mode_;
  int error_;
  bool exchange_ = true;
};

/// Puts a FileSystem in place for as long as it lives.
class FaultScope {
 public:
  explicit FaultScope(FileSystem& other) : before_(replace_file_system(&other)) {}
  ~FaultScope() { replace_file_system(before_); }
  FaultScope(const FaultScope&) = delete;
  FaultScope& operator=(const FaultScope&) = delete;

 private:
  FileSystem* before_;
};

}  // namespace attune
