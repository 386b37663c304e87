// One writer a folder, across processes (reliability D11).
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "temp_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;
using testing::TempFolder;

/// A process that has done something and waits to be killed.
class Waiting {
 public:
  template <typename Action>
  explicit Waiting(Action action) {
    int ends[2];
    if (::pipe(ends) != 0) throw Bug("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      try {
        const auto held = action();
        if (::write(ends[1], "x", 1) != 1) ::_exit(1);
        for (;;) ::pause();
      } catch (...) {
      }
      ::_exit(1);
    }
    ::close(ends[1]);
    char ready;
    EXPECT_EQ(::read(ends[0], &ready, 1), 1);
    ::close(ends[0]);
  }
  pid_t pid() const { return pid_; }
  void kill() const {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = -1;
};

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
  const Waiting holder([&] { return std::make_unique<FolderLock>(t.path()); });
  const Error e = error_of([&] { FolderLock second(t.path()); });
  EXPECT_EQ(e.info().id, "run.locked");
  EXPECT_NE(std::string(e.what()).find("process " + std::to_string(holder.pid())), std::string::npos) << e.what();
  holder.kill();
  EXPECT_EQ(error_id([&] { FolderLock third(t.path()); }), "");
}

TEST(FolderLockTest, ChildrenOfAKilledHolderAreWaitedFor) {
  TempFolder t;
  const Waiting holder([&] {
    auto lock = std::make_unique<FolderLock>(t.path());
    if (::fork() == 0) {  // ends after its parent, and has the lock until then
      ::usleep(300000);
      ::_exit(0);
    }
    return lock;
  });
  holder.kill();
  EXPECT_EQ(error_id([&] { FolderLock after(t.path()); }), "");
}

TEST(FolderLockTest, APartialOfALivingProcessStays) {
  TempFolder t;
  const Waiting writer([&] { return std::make_unique<FolderCommit>(t / "out", false); });
  remove_stale_partials(t.path());
  EXPECT_EQ(list_folder(t.path()).size(), 1u);
  writer.kill();
  remove_stale_partials(t.path());
  EXPECT_TRUE(list_folder(t.path()).empty());
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
