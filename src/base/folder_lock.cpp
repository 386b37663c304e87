// One writer a run folder. The lock is the kernel's, so it ends with its process; the record in the file is only for the message.
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

#include "base/descriptor.h"
#include "base/error.h"

namespace attune {
namespace {

std::string host_name() {
  char host[256] = "unknown";
  ::gethostname(host, sizeof host - 1);
  return host;
}

std::string holder_record() {
  std::tm local{};
  const std::time_t now = std::time(nullptr);
  ::localtime_r(&now, &local);
  return fmt::format("process {} on {} since {:%Y-%m-%d %H:%M:%S}\n", ::getpid(), host_name(), local);
}

/// The process of a record ran here and is no more; its children may hold the lock until they have ended too.
bool is_gone(const std::string& record) {
  int pid = 0;
  char host[256] = "";
  if (std::sscanf(record.c_str(), "process %d on %255s since", &pid, host) != 2 || pid <= 0 || host != host_name()) return false;
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

/// 0, or the system's error: EWOULDBLOCK where another process has it.
int take(int fd) {
  int rc;
  do rc = ::flock(fd, LOCK_EX | LOCK_NB);
  while (rc != 0 && errno == EINTR);
  return rc == 0 ? 0 : errno;
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
  constexpr int kTries = 500;
  constexpr auto kPause = std::chrono::milliseconds(10);
  int problem = take(fd.get());
  for (int i = 0; i < kTries && problem == EWOULDBLOCK && is_gone(read_record(fd.get())); ++i) {
    std::this_thread::sleep_for(kPause);
    problem = take(fd.get());
  }
  if (problem != 0 && problem != EWOULDBLOCK) fail_write(path, "lock", problem);
  if (problem != 0) {
    fail(ErrorCode::kState, {.id = "run.locked",
                             .where = folder.string(),
                             .what = "is in use by " + read_record(fd.get()),
                             .expected = "",
                             .got = "",
                             .hint = "wait until it ends, or choose another output folder"});
  }
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
