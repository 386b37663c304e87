// The commands of docs/tasks run as they stand: every line of a page's sh blocks, in order, in a folder that has the repository's examples
// and models. A page that needs a model which is not there is skipped and says so.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "program.h"

namespace attune::e2e {
namespace {

const fs::path kSource = ATTUNE_SOURCE_DIR;

std::vector<std::string> pages() {
  std::vector<std::string> names;
  for (const auto& e : fs::directory_iterator(kSource / "docs/tasks"))
    if (e.path().extension() == ".md") names.push_back(e.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// Commands of the page's ```sh blocks; a line that ends in a backslash goes on in the next.
std::vector<std::string> commands(const std::string& page) {
  std::ifstream in(kSource / "docs/tasks" / (page + ".md"));
  std::vector<std::string> all;
  std::string command;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```sh";
    } else if (inside && !line.empty() && !line.starts_with("#")) {
      const bool more = line.ends_with("\\");
      command += more ? line.substr(0, line.size() - 1) : line;
      if (more) continue;
      all.push_back(std::move(command));
      command.clear();
    }
  }
  return all;
}

std::string name_of(const ::testing::TestParamInfo<std::string>& page) {
  std::string name = page.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

class TaskPage : public ::testing::TestWithParam<std::string> {};

TEST_P(TaskPage, CommandsRun) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the pages train real models: the release build runs them, the other tests train small ones here";
#endif
  const auto all = commands(GetParam());
  ASSERT_FALSE(all.empty()) << "a page without commands";
  for (const std::string& c : all)
    for (size_t at = c.find("models/"); at != std::string::npos; at = c.find("models/", at + 1)) {
      const std::string model = c.substr(at, c.find_first_of(" \"'", at) - at);
      if (!fs::exists(kSource / model)) GTEST_SKIP() << model << " is not there (scripts/get-base-model, scripts/get-smollm2)";
    }
  Folder f;
  for (const char* part : {"examples", "models"})
    if (fs::exists(kSource / part)) fs::create_directory_symlink(kSource / part, f.path(part));
  fs::create_directory(f.path("bin"));
  fs::create_symlink(program(), f.path("bin") / "attune");
  for (const std::string& c : all) {
    const std::string line = "cd " + f.path().string() + " && export PATH=" + f.path("bin").string() + ":$PATH && { " + c + " ; } > out.txt 2> err.txt";
    ASSERT_EQ(std::system(line.c_str()), 0) << c << "\n" << f.read("err.txt") << f.read("out.txt");
  }
}

INSTANTIATE_TEST_SUITE_P(All, TaskPage, ::testing::ValuesIn(pages()), name_of);

}  // namespace
}  // namespace attune::e2e
