// One writer a run folder. The lock is the kernel's, so it ends with its process; the record in the file is only for the message.
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/descriptor.h"
#include "base/error.h"

namespace attune {
namespace {

std::string holder_record() {
  char host[256] = "unknown";
  ::gethostname(host, sizeof host - 1);
  std::tm local{};
  const std::time_t now = std::time(nullptr);
  ::localtime_r(&now, &local);
  return fmt::format("process {} on {} since {:%Y-%m-%d %H:%M:%S}\n", ::getpid(), host, local);
}

std::string read_record(int fd) {
  char text[512];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  std::string s(text, n > 0 ? static_cast<size_t>(n) : 0);
  s = s.substr(0, s.find('\n'));
  for (char& c : s) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return s.empty() ? "another process" : s;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder) {
  const fs::path path = folder / ".lock";
  Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644));
  if (!fd) fail_write(path, "open the lock", errno);
  int rc;
  do rc = ::flock(fd.get(), LOCK_EX | LOCK_NB);
  while (rc != 0 && errno == EINTR);
  if (rc != 0 && errno == EWOULDBLOCK) {
    fail(ErrorCode::kState, {.id = "run.locked",
                             .where = folder.string(),
                             .what = "is in use by " + read_record(fd.get()),
                             .expected = "",
                             .got = "",
                             .hint = "wait until it ends, or choose another output folder"});
  }
  if (rc != 0) fail_write(path, "lock", errno);
  const std::string record = holder_record();
  // A full disk must not stop a run here: the record only helps the other's message.
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), record.data(), record.size(), 0) < 0) errno = 0;
  descriptor_ = fd.release();
}

FolderLock::~FolderLock() {
  if (descriptor_ < 0) return;
  if (::ftruncate(descriptor_, 0) != 0) errno = 0;
  ::close(descriptor_);
}

}  // namespace attune
