// A file descriptor that closes itself, and the one message for failed system calls. For files*.cpp, folder_lock.cpp and run_program.cpp only.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/files.h"

namespace attune {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// Error(kIo) "disk.full" (no space, quota) or "file.unwritable": path, operation, system text, bytes wanted and free.
[[noreturn]] void fail_write(const fs::path& path, std::string_view operation, int error, uint64_t wanted = 0);
/// Error(kInput) "file.missing" or Error(kIo) "file.unreadable".
[[noreturn]] void fail_read(const fs::path& path, std::string_view operation, int error);
/// Opens a regular file for reading: "file.missing", "file.folder", "file.special" (pipes and devices never block), "file.unreadable".
Descriptor open_for_reading(const fs::path& path, uint64_t* size = nullptr);
/// As read(2) without interruptions; the number of bytes, 0 at the end.
size_t read_some(int fd, void* out, size_t bytes, const fs::path& path);
/// 16 random hexadecimal digits from the kernel.
std::string random_suffix();
/// `.NAME.partial-<random>` beside `target`.
fs::path partial_beside(const fs::path& target);

}  // namespace attune
