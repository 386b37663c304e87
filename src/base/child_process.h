// Work in a process of its own, forked from this one: it has everything that is in memory here, one copy of it, and nothing it does or
// breaks comes back but its exit status and the files it writes. Start none after a kernel has run on several threads (OpenMP's threads
// are not forked).
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <utility>

#include "base/files.h"

namespace attune {

class ChildProcess {
 public:
  /// `body` returns the exit status; Error, Interrupted and other exceptions become their statuses, with the text in `failure` (written
  /// when there is one) and in `log`, where standard output and error of the process go. It ends when this process ends.
  ChildProcess(const std::function<int()>& body, const fs::path& log, const fs::path& failure);
  /// Ends a process that is still running.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept { return std::swap(pid_, other.pid_), *this; }

  /// The exit status (128 + signal where one ended it) once it has ended.
  std::optional<int> poll();
  /// Waits for that; Interrupted when a signal comes to this process first.
  int wait();
  /// Asks it to stop as Ctrl-C does.
  void interrupt();

 private:
  pid_t pid_ = -1;
};

}  // namespace attune
