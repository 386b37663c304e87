// Runs the program in a folder of its own and keeps what it said. ATTUNE_BIN names the program, else the one this build made.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace attune::e2e {

namespace fs = std::filesystem;

struct Outcome {
  int status = -1;  ///< exit status; 128 + signal when a signal ended it
  std::string out, err;
};

struct RunOptions {
  std::string input = {};                       ///< standard input
  std::map<std::string, std::string> env = {};  ///< added to the environment
  int64_t file_limit = 0;                       ///< bytes a file may reach, as on a full disk; 0: no limit
  std::string stdout_to = {};                   ///< a file instead of the pipe
};

/// A fresh folder, removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path path(const std::string& name = "") const { return name.empty() ? root_ : root_ / name; }
  std::string write(const std::string& name, const std::string& bytes) const;  ///< returns the name
  std::string read(const std::string& name) const;
  bool has(const std::string& name) const { return fs::exists(root_ / name); }
  /// Runs the program here.
  Outcome run(const std::vector<std::string>& args, const RunOptions& options = {}) const;
  /// Starts it and returns its process id; stderr goes to the file `log`.
  pid_t start(const std::vector<std::string>& args, const std::string& log) const;

 private:
  fs::path root_;
};

/// Waits; status as in Outcome.
int wait_for(pid_t pid);
std::string program();
/// A model of tests/golden/models.
std::string golden_model(const std::string& name);
std::string golden_adapter(const std::string& name);
/// `rows` rows of text and label (negative, neutral, positive), as the golden models' vocabulary has the words.
std::string review_csv(int rows, int from = 0);

}  // namespace attune::e2e
