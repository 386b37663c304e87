// One writer a folder, across processes (reliability D11).
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temp_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;
using testing::TempFolder;

TEST(FolderLockTest, TheSecondIsToldWhoHoldsIt) {
  TempFolder t;
  {
    FolderLock lock(t.path());
    const Error e = error_of([&] { FolderLock second(t.path()); });
    EXPECT_EQ(e.info().id, "run.locked");
    EXPECT_EQ(e.code(), ErrorCode::kState);
    EXPECT_NE(std::string(e.what()).find("process " + std::to_string(::getpid()) + " on "), std::string::npos) << e.what();
  }
  FolderLock again(t.path());
}

TEST(FolderLockTest, EndsWithItsProcessHoweverThatEnds) {
  TempFolder t;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      FolderLock lock(t.path());
      if (::write(ends[1], "x", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    } catch (...) {
    }
    ::_exit(1);
  }
  char ready;
  ASSERT_EQ(::read(ends[0], &ready, 1), 1);
  const Error e = error_of([&] { FolderLock second(t.path()); });
  EXPECT_EQ(e.info().id, "run.locked");
  EXPECT_NE(std::string(e.what()).find("process " + std::to_string(child)), std::string::npos) << e.what();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(error_id([&] { FolderLock third(t.path()); }), "");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FolderLockTest, ChildrenOfAKilledHolderAreWaitedFor) {
  TempFolder t;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      FolderLock lock(t.path());
      if (::fork() == 0) {  // ends after its parent, and has the lock until then
        ::usleep(300000);
        ::_exit(0);
      }
      if (::write(ends[1], "x", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    } catch (...) {
    }
    ::_exit(1);
  }
  char ready;
  ASSERT_EQ(::read(ends[0], &ready, 1), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(error_id([&] { FolderLock after(t.path()); }), "");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FolderLockTest, APartialOfALivingProcessStays) {
  TempFolder t;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    FolderCommit c(t / "out", false);
    if (::write(ends[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char ready;
  ASSERT_EQ(::read(ends[0], &ready, 1), 1);
  remove_stale_partials(t.path());
  EXPECT_EQ(list_folder(t.path()).size(), 1u);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  remove_stale_partials(t.path());
  EXPECT_TRUE(list_folder(t.path()).empty());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FolderLockTest, Refusals) {
  TempFolder t;
  EXPECT_EQ(error_id([&] { FolderLock lock(t / "nowhere"); }), "file.unwritable");
  testing::put(t / "target", "x");
  fs::create_symlink(t / "target", t / ".lock");
  EXPECT_EQ(error_id([&] { FolderLock lock(t.path()); }), "file.unwritable");
  EXPECT_EQ(read_file(t / "target"), "x");
}

}  // namespace
}  // namespace attune
