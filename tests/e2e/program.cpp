#include "program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace attune::e2e {
namespace {

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream s;
  s << in.rdbuf();
  return s.str();
}

int open_for_writing(const fs::path& path) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) throw std::runtime_error("cannot open " + path.string());
  return fd;
}

pid_t launch(const fs::path& folder, const std::vector<std::string>& args, const RunOptions& options, int in, int out, int err) {
  std::vector<std::string> words{program()};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  for (char** v = environ; *v; ++v) variables.emplace_back(*v);
  for (const auto& [k, v] : options.env) variables.push_back(k + "=" + v);
  std::vector<char*> envp;
  // getenv takes the first of two entries of one name: ours.
  for (auto v = variables.rbegin(); v != variables.rend(); ++v) envp.push_back(v->data());
  envp.push_back(nullptr);
  pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    if (options.file_limit > 0) {
      ::signal(SIGXFSZ, SIG_IGN);
      rlimit limit{static_cast<rlim_t>(options.file_limit), static_cast<rlim_t>(options.file_limit)};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    if (::chdir(folder.c_str()) != 0) ::_exit(127);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  if (pid < 0) throw std::runtime_error("fork failed");
  return pid;
}

}  // namespace

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "attune-e2e-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a temporary folder");
  root_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& bytes) const {
  fs::create_directories((root_ / name).parent_path());
  std::ofstream(root_ / name, std::ios::binary) << bytes;
  return name;
}

std::string Folder::read(const std::string& name) const { return read_all(root_ / name); }

Outcome Folder::run(const std::vector<std::string>& args, const RunOptions& options) const {
  // Through files, outside of the folder: no pipe can fill up and tests see the folder as the program left it.
  std::string base = root_.string();
  fs::path in = base + ".in", out = base + ".out", err = base + ".err";
  std::ofstream(in, std::ios::binary) << options.input;
  int i = ::open(in.c_str(), O_RDONLY | O_CLOEXEC), o = open_for_writing(options.stdout_to.empty() ? out : fs::path(options.stdout_to)),
      e = open_for_writing(err);
  Outcome r;
  r.status = wait_for(launch(root_, args, options, i, o, e));
  for (int fd : {i, o, e}) ::close(fd);
  if (options.stdout_to.empty()) r.out = read_all(out);
  r.err = read_all(err);
  for (const auto& f : {in, out, err}) fs::remove(f);
  return r;
}

pid_t Folder::start(const std::vector<std::string>& args, const std::string& log) const {
  int i = ::open("/dev/null", O_RDONLY | O_CLOEXEC), o = ::open("/dev/null", O_WRONLY | O_CLOEXEC), e = open_for_writing(root_ / log);
  pid_t pid = launch(root_, args, {}, i, o, e);
  for (int fd : {i, o, e}) ::close(fd);
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string program() {
  const char* named = std::getenv("ATTUNE_BIN");
  return fs::absolute(named ? fs::path(named) : fs::path(ATTUNE_BINARY_DIR) / "attune").string();
}

std::string golden_model(const std::string& name) { return (fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/models" / name).string(); }
std::string golden_adapter(const std::string& name) { return (fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/adapters" / name).string(); }

std::string review_csv(int rows, int from) {
  const char* words[] = {"bad", "not good , not bad", "great"};
  const char* things[] = {"film", "movie", "plot", "actor", "acting"};
  const char* labels[] = {"negative", "neutral", "positive"};
  std::string csv = "text,label\n";
  for (int i = from; i < from + rows; ++i) {
    std::string tail(static_cast<size_t>(i / 15 % 5), '!');
    csv += "\"the " + std::string(things[i / 3 % 5]) + " was " + words[i % 3] + " " + tail + " " + std::to_string(i / 75) + "\"," +
           labels[i % 3] + "\n";
  }
  return csv;
}

}  // namespace attune::e2e
