// A folder for one test, removed with it. In memory where the system offers that: the fault loops sync thousands of times.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "base/error.h"
#include "base/files.h"

namespace attune::testing {

class TempFolder {
 public:
  TempFolder() {
    const fs::path parent = !::getenv("TMPDIR") && ::access("/dev/shm", W_OK) == 0 ? fs::path("/dev/shm") : fs::temp_directory_path();
    std::string pattern = (parent / "attune_test_XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw Bug("mkdtemp");
    path_ = fs::canonical(pattern);
  }
  ~TempFolder() {
    std::error_code e;
    fs::remove_all(path_, e);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const fs::path& path() const { return path_; }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

/// Writes without the code under test.
inline void put(const fs::path& path, std::string_view bytes) {
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  std::ofstream f(path, std::ios::binary);
  f.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(f.good()) << path;
}

/// The id of the Error that `work` throws, "" when it throws none.
template <typename Work>
std::string error_id(Work work) {
  try {
    work();
  } catch (const Error& e) {
    return e.info().id;
  }
  return "";
}

/// The Error that `work` throws; the test fails when it throws none.
template <typename Work>
Error error_of(Work work) {
  try {
    work();
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(ErrorCode::kInternal, {.id = "none", .where = "", .what = "", .expected = "", .got = "", .hint = ""});
}

}  // namespace attune::testing
