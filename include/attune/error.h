// The two kinds of failure. `Error`: the user can fix it. `Bug`: we must. Both are thrown where the knowledge is and caught
// only in main, the request handler and the thread boundary.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace attune {

/// What went wrong, as a process exit status (docs/design.md, section 1).
enum class ErrorCode : int {
  kInternal = 1,   ///< a Bug
  kUsage = 2,      ///< command line or configuration
  kInput = 3,      ///< a file's content: data, model, adapter
  kIo = 4,         ///< disk full, denied, network
  kNumerical = 5,  ///< NaN, diverged
  kMemory = 6,     ///< memory limit
  kState = 7,      ///< lock held, run folder in use, resume mismatch
  kGate = 8,       ///< a verification or gate failed
};

/// The parts of one message: `where: what; expected A, got B; hint`. Empty parts are left out.
struct ErrorInfo {
  std::string id{};        ///< stable id tests compare exactly, for example "safetensors.R12"
  std::string where{};     ///< file with line, byte offset or JSON path; config key; module path
  std::string what{};      ///< one sentence without a full stop
  std::string expected{};  ///< optional
  std::string got{};       ///< optional
  std::string hint{};      ///< one next step
};

class Error : public std::exception {
 public:
  Error(ErrorCode code, ErrorInfo info);
  ErrorCode code() const { return code_; }
  const ErrorInfo& info() const { return info_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorCode code_;
  ErrorInfo info_;
  std::string text_;
};

[[noreturn]] void fail(ErrorCode code, ErrorInfo info);

/// A broken promise inside the program; `what()` names file and line.
class Bug : public std::logic_error {
 public:
  Bug(const std::string& what, const char* file = __builtin_FILE(), int line = __builtin_LINE());
};

/// Throws Bug unless `ok`. For our own invariants only, never for input.
inline void require(bool ok, const char* what, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (!ok) throw Bug(what, file, line);
}

/// A run stopped by SIGINT or SIGTERM after its checkpoint was written; main leaves with 128 + signal.
class Interrupted : public std::exception {
 public:
  explicit Interrupted(int signal) : signal_(signal) {}
  int signal() const { return signal_; }
  const char* what() const noexcept override { return "interrupted"; }

 private:
  int signal_;
};

/// Collects every problem of one file so that they are reported at once: the first ten, then a count.
class Problems {
 public:
  void add(std::string text) { ++count_; if (first_.size() < kShown) first_.push_back(std::move(text)); }
  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }
  /// "\n  - a\n  - b\n  ... and 3 more"
  std::string list() const;

 private:
  static constexpr size_t kShown = 10;
  size_t count_ = 0;
  std::vector<std::string> first_;
};

}  // namespace attune
