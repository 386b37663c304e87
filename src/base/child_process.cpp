#include "base/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/signals.h"

namespace attune {
namespace {

int run(const std::function<int()>& body, const fs::path& failure) {
  std::string text;
  int status = static_cast<int>(ErrorCode::kInternal);
  try {
    return body();
  } catch (const Error& e) {
    status = static_cast<int>(e.code());
    text = e.what();
  } catch (const Interrupted& e) {
    return 128 + e.signal();
  } catch (const std::bad_alloc&) {
    status = static_cast<int>(ErrorCode::kMemory);
    text = "out of memory";
  } catch (const std::exception& e) {
    text = std::string("internal: ") + e.what();
  }
  warning(text);
  try {
    write_file_atomically(failure, text + "\n");
  } catch (const Error&) {
    // The log has it.
  }
  return status;
}

}  // namespace

ChildProcess::ChildProcess(const std::function<int()>& body, const fs::path& log, const fs::path& failure) {
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (out < 0) fail(ErrorCode::kIo, {.id = "file.unwritable", .where = log.string(), .what = std::strerror(errno)});
  std::fflush(stdout);
  std::fflush(stderr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(128 + SIGKILL);  // it ended in between
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    install_signal_handlers();
    const int status = run(body, failure);
    std::fflush(stdout);
    std::fflush(stderr);
    ::_exit(status);
  }
  const int problem = errno;
  ::close(out);
  if (pid_ < 0) fail(ErrorCode::kIo, {.id = "process.fork", .what = std::string("no process can be started: ") + std::strerror(problem)});
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<int> ChildProcess::poll() {
  int status = 0;
  require(pid_ > 0, "a process that has not been waited for");
  const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
  pid_ = -1;
  if (ended < 0) return 128 + SIGKILL;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int ChildProcess::wait() {
  for (;;) {
    if (const auto status = poll()) return *status;
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void ChildProcess::interrupt() {
  if (pid_ > 0) ::kill(pid_, SIGINT);
}

}  // namespace attune
