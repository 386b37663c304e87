// The commit protocol under every failure: one operation, all from one on, half written, killed before and after (reliability D2, D4).
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/json.h"
#include "base/manifest.h"
#include "temp_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;
using testing::put;
using testing::TempFolder;
using Mode = FaultyFileSystem::Mode;
constexpr Mode kModes[] = {Mode::kOnce, Mode::kForever, Mode::kShortWrite, Mode::kKill, Mode::kKillAfter};

/// Everything below a folder: relative path -> content.
std::map<std::string, std::string> snapshot(const fs::path& folder) {
  std::map<std::string, std::string> files;
  if (!fs::exists(folder)) return files;
  for (const auto& e : fs::recursive_directory_iterator(folder)) {
    if (e.is_regular_file()) files[e.path().lexically_relative(folder).string()] = read_file(e.path());
  }
  return files;
}

/// True when `work` succeeded, false when it failed as it should: an Error with all facts, or Killed.
template <typename Work>
bool survives(const FaultyFileSystem& faulty, Work work) {
  try {
    work();
    return true;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kIo);
    EXPECT_EQ(e.info().id, "disk.full");
    EXPECT_NE(e.info().where, "");
    EXPECT_NE(std::string(e.what()).find("No space left on device"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("bytes free"), std::string::npos) << e.what();
  } catch (const Killed&) {
  }
  EXPECT_TRUE(faulty.failed());
  return false;
}

TEST(WriteFileAtomically, ContentReplacementAndNoLeftovers) {
  TempFolder t;
  write_file_atomically(t / "a", "one");
  EXPECT_EQ(read_file(t / "a"), "one");
  write_file_atomically(t / "a", std::string("t\0wo", 4));
  EXPECT_EQ(read_file(t / "a"), std::string("t\0wo", 4));
  struct stat s;
  ASSERT_EQ(::stat((t / "a").c_str(), &s), 0);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(s.st_mode & 0777, 0644 & ~mask);
  write_file_atomically(t / std::string(255, 'n'), "long name");
  EXPECT_EQ(read_file(t / std::string(255, 'n')), "long name");
  EXPECT_THROW(write_file_atomically(t / "a",
                                     [](OutputFile& f) {
                                       f.write("half");
                                       throw std::runtime_error("no more");
                                     }),
               std::runtime_error);
  EXPECT_EQ(read_file(t / "a").size(), 4u);
  EXPECT_EQ(list_folder(t.path()).size(), 2u);
}

TEST(WriteFileAtomically, ALinkIsReplacedNotFollowed) {
  TempFolder t;
  put(t / "precious", "precious");
  fs::create_symlink(t / "precious", t / "link");
  write_file_atomically(t / "link", "new");
  EXPECT_EQ(read_file(t / "precious"), "precious");
  EXPECT_EQ(read_file(t / "link"), "new");
  EXPECT_FALSE(fs::is_symlink(t / "link"));
}

TEST(WriteFileAtomically, Refusals) {
  TempFolder t;
  fs::create_directory(t / "folder");
  EXPECT_EQ(error_id([&] { write_file_atomically(t / "folder", "x"); }), "file.unwritable");
  const Error e = error_of([&] { write_file_atomically(t / "missing" / "a", "x"); });
  EXPECT_EQ(e.info().id, "file.unwritable");
  EXPECT_EQ(e.code(), ErrorCode::kIo);
  EXPECT_NE(std::string(e.what()).find("No such file or directory"), std::string::npos) << e.what();
  EXPECT_EQ(error_id([] { write_file_atomically("/proc/attune", "x"); }), "file.unwritable");
}

TEST(WriteFileAtomically, AReaderOfTheOldFileKeepsItsBytes) {
  TempFolder t;
  const std::string old(100'000, 'o');
  write_file_atomically(t / "a", old);
  const int fd = ::open((t / "a").c_str(), O_RDONLY);
  for (int i = 0; i < 100; ++i) write_file_atomically(t / "a", std::string(static_cast<size_t>(i) * 1000, 'n'));
  std::string seen(old.size(), '\0');
  EXPECT_EQ(::pread(fd, seen.data(), seen.size(), 0), static_cast<ssize_t>(old.size()));
  EXPECT_EQ(seen, old);
  ::close(fd);
}

TEST(WriteFileAtomically, EveryFaultLeavesOldOrNewContent) {
  for (const Mode mode : kModes) {
    for (const bool existing : {true, false}) {
      bool finished = false;
      for (uint64_t n = 1; !finished; ++n) {
        ASSERT_LT(n, 50u);
        TempFolder t;
        if (existing) put(t / "a", "old");
        FaultyFileSystem faulty(n, mode);
        {
          FaultScope scope(faulty);
          survives(faulty, [&] {
            write_file_atomically(t / "a", [](OutputFile& f) {
              f.write("new ");
              f.write("content");
            });
          });
          finished = !faulty.failed();
        }
        const std::string now = file_exists(t / "a") ? read_file(t / "a") : "none";
        EXPECT_TRUE(now == "new content" || (!finished && now == (existing ? "old" : "none"))) << n << ": " << now;
        remove_stale_partials(t.path());
        EXPECT_LE(list_folder(t.path()).size(), 1u) << n;
        if (mode == Mode::kOnce) {
          EXPECT_LE(snapshot(t.path()).size(), 1u) << "left over at " << n;
        }
      }
    }
  }
}

void save(const fs::path& target, const std::string& content, int64_t step, bool replace) {
  FolderCommit c(target, replace);
  c.add("a.bin", [&](OutputFile& f) {
    f.write(content);
    f.write("!");
  });
  c.add("sub/b.json", "{}");
  c.commit(step);
}

TEST(FolderCommitTest, ManifestAndContent) {
  TempFolder t;
  save(t / "deep" / "out", "hello", 40, false);
  const fs::path out = t / "deep" / "out";
  EXPECT_EQ(list_folder(t / "deep"), (std::vector<std::string>{"out"}));
  EXPECT_EQ(list_folder(out), (std::vector<std::string>{"a.bin", "manifest.json", "sub"}));
  const Json m = read_json(out / "manifest.json");
  EXPECT_EQ(m.at("format_version"), 1);
  EXPECT_EQ(m.at("step"), 40);
  EXPECT_EQ(m.at("files").size(), 2u);
  EXPECT_EQ(m.at("files")[0], Json({{"name", "a.bin"}, {"sha256", sha256_hex("hello!")}, {"size", 6}}));
  const ManifestCheck check = check_manifest(out, true);
  EXPECT_TRUE(check.present);
  EXPECT_EQ(check.step, 40);
  EXPECT_TRUE(check.problems.empty());
  struct stat s;
  ASSERT_EQ(::stat(out.c_str(), &s), 0);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(s.st_mode & 0777, 0777 & ~mask);
}

TEST(FolderCommitTest, WithoutCommitNothingIsLeft) {
  TempFolder t;
  {
    FolderCommit c(t / "out", false);
    c.add("a", "x");
    EXPECT_EQ(c.bytes(), 1u);
    EXPECT_EQ(list_folder(t.path()).size(), 1u);
    EXPECT_FALSE(folder_exists(t / "out"));
  }
  EXPECT_TRUE(list_folder(t.path()).empty());
}

TEST(FolderCommitTest, WhatIsThereAlready) {
  TempFolder t;
  fs::create_directory(t / "empty");
  save(t / "empty", "x", 1, false);
  EXPECT_EQ(error_id([&] { save(t / "empty", "y", 2, false); }), "folder.exists");
  save(t / "empty", "y", 2, true);
  EXPECT_EQ(read_file(t / "empty" / "a.bin"), "y!");
  EXPECT_EQ(list_folder(t.path()), (std::vector<std::string>{"empty"}));  // the old content is gone

  put(t / "empty" / "notes.txt", "mine");
  const Error foreign = error_of([&] { save(t / "empty", "z", 3, true); });
  EXPECT_EQ(foreign.info().id, "folder.foreign");
  EXPECT_EQ(foreign.code(), ErrorCode::kState);
  EXPECT_NE(std::string(foreign.what()).find("notes.txt"), std::string::npos);
  EXPECT_EQ(read_file(t / "empty" / "notes.txt"), "mine");

  put(t / "theirs" / "model.bin", "theirs");
  EXPECT_EQ(error_id([&] { save(t / "theirs", "z", 3, true); }), "folder.foreign");
  put(t / "file", "x");
  EXPECT_EQ(error_id([&] { save(t / "file", "z", 3, true); }), "folder.exists");
  fs::create_symlink(t / "theirs", t / "link");
  EXPECT_EQ(error_id([&] { save(t / "link", "z", 3, true); }), "folder.exists");
  EXPECT_EQ(error_id([&] { save("/", "z", 3, true); }), "folder.name");
  EXPECT_EQ(error_id([&] { save(t / "x" / "..", "z", 3, true); }), "folder.foreign");
  save(t.path().string() + "/slash/", "s", 1, false);
  EXPECT_EQ(read_file(t / "slash" / "a.bin"), "s!");
}

TEST(FolderCommitTest, SomebodyElseComesFirst) {
  TempFolder t;
  FolderCommit c(t / "out", false);
  c.add("a", "x");
  put(t / "out" / "theirs", "theirs");
  EXPECT_EQ(error_id([&] { c.commit(); }), "folder.exists");
  EXPECT_EQ(read_file(t / "out" / "theirs"), "theirs");
}

TEST(FolderCommitTest, WrongUseIsABug) {
  TempFolder t;
  FolderCommit c(t / "out", false);
  c.add("a", "x");
  for (const char* name : {"a", "", "../b", "/b", "manifest.json", "a/../b"}) EXPECT_THROW(c.add(name, "x"), Bug) << name;
  c.commit();
  EXPECT_THROW(c.add("b", "x"), Bug);
  EXPECT_THROW(c.commit(), Bug);
}

TEST(FolderCommitTest, EveryFaultLeavesOldOrNewContent) {
  for (const bool exchange : {true, false}) {
    for (const Mode mode : kModes) {
      for (const bool existing : {true, false}) {
        bool finished = false;
        for (uint64_t n = 1; !finished; ++n) {
          ASSERT_LT(n, 100u);
          SCOPED_TRACE(::testing::Message() << "mode " << static_cast<int>(mode) << " existing " << existing << " operation " << n
                                            << " exchange " << exchange);
          TempFolder t;
          if (existing) save(t / "out", "old", 1, false);
          const auto before = snapshot(t / "out");
          FaultyFileSystem faulty(n, mode);
          if (!exchange) faulty.forbid_exchange();
          {
            FaultScope scope(faulty);
            survives(faulty, [&] { save(t / "out", "new", 2, true); });
            finished = !faulty.failed();
          }
          remove_stale_partials(t.path());  // what the next run does first
          EXPECT_LE(list_folder(t.path()).size(), 1u);
          EXPECT_TRUE(!finished || list_folder(t.path()).size() == 1);
          const ManifestCheck check = check_manifest(t / "out", true);
          if (check.present && check.step == 2) {
            EXPECT_TRUE(check.problems.empty());
            EXPECT_EQ(read_file(t / "out" / "a.bin"), "new!");
          } else {
            EXPECT_FALSE(finished);
            EXPECT_EQ(snapshot(t / "out"), before);
          }
        }
      }
    }
  }
}

// What a power cut may take away is what was not synced before the rename: the order is the promise.
TEST(FolderCommitTest, EverythingIsSyncedBeforeTheNameAppears) {
  TempFolder t;
  FaultyFileSystem watch;
  {
    FaultScope scope(watch);
    save(t / "out", "content", 1, false);
    write_file_atomically(t / "file", "content");
  }
  std::vector<std::string> log = watch.log();
  for (std::string& line : log) {  // the random parts and the test's folder out
    if (const size_t at = line.find(".partial-"); at != std::string::npos) line.replace(at + 9, 16, "X");
    const std::string parent = t.path().parent_path().filename().string() + "/" + t.path().filename().string();
    if (const size_t at = line.find(parent); at != std::string::npos) line.replace(at, parent.size(), "T");
    if (const size_t at = line.find(t.path().filename().string()); at != std::string::npos)
      line.replace(at, t.path().filename().string().size(), "T");
  }
  EXPECT_EQ(log, (std::vector<std::string>{"make folder T",
                                           "make folder T/.out.partial-X",
                                           "create .out.partial-X/a.bin",
                                           "write .out.partial-X/a.bin",
                                           "write .out.partial-X/a.bin",
                                           "sync .out.partial-X/a.bin",
                                           "close .out.partial-X/a.bin",
                                           "make folder .out.partial-X/sub",
                                           "create sub/b.json",
                                           "write sub/b.json",
                                           "sync sub/b.json",
                                           "close sub/b.json",
                                           "create .out.partial-X/manifest.json",
                                           "write .out.partial-X/manifest.json",
                                           "sync .out.partial-X/manifest.json",
                                           "close .out.partial-X/manifest.json",
                                           "sync folder .out.partial-X/sub",
                                           "sync folder T/.out.partial-X",
                                           "rename T/out",
                                           "sync folder T",
                                           "create T/.file.partial-X",
                                           "write T/.file.partial-X",
                                           "sync T/.file.partial-X",
                                           "close T/.file.partial-X",
                                           "rename T/file",
                                           "sync folder T"}));
}

TEST(FolderCommitTest, AFailureCleansUpAtOnce) {
  for (uint64_t n = 1;; ++n) {
    ASSERT_LT(n, 100u);
    TempFolder t;
    save(t / "out", "old", 1, false);
    FaultyFileSystem faulty(n, Mode::kOnce);
    FaultScope scope(faulty);
    const bool done = survives(faulty, [&] { save(t / "out", "new", 2, true); });
    if (!faulty.failed()) break;
    // Once the new folder has its name, a failing sync or removal cannot take that back; the rest goes with the next clean-up.
    if (!done && check_manifest(t / "out", false).step == 1) {
      EXPECT_EQ(list_folder(t.path()), (std::vector<std::string>{"out"})) << n;
    }
  }
}

TEST(RemoveStalePartials, OnlyOurOwnAndOnlyTheDead) {
  TempFolder t;
  const std::string tail = "0123456789abcdef";
  put(t / (".x.partial-" + tail) / "a", "dead folder");
  put(t / (".y.partial-" + tail), "dead file");
  const std::vector<std::string> foreign = {
      "x.partial-" + tail, ".x.partial-0123",  ".x.partial-" + tail + "0", ".x.partial-0123456789abcdeg",
      ".x.part-" + tail,   ".partial-" + tail, "partial-" + tail};
  for (const std::string& name : foreign) put(t / name, "foreign");
  put(t / "precious" / "a", "precious");
  fs::create_symlink(t / "precious", t / (".z.partial-" + tail));
  FolderCommit alive(t / "alive", false);
  alive.add("a", "x");
  const size_t before = list_folder(t.path()).size();
  remove_stale_partials(t.path());
  EXPECT_EQ(list_folder(t.path()).size(), before - 2);
  for (const std::string& name : foreign) EXPECT_TRUE(file_exists(t / name)) << name;
  EXPECT_TRUE(file_exists(t / "precious" / "a"));
  alive.commit();
  remove_stale_partials(t / "nowhere");
}

TEST(RemoveStalePartials, PutsBackAFolderWhoseReplacementWasCutShort) {
  TempFolder t;
  const std::string tail = "0123456789abcdef";
  put(t / (".out.replaced-" + tail) / "a", "old");
  put(t / "other" / "a", "new");
  put(t / (".other.replaced-" + tail) / "a", "old");
  remove_stale_partials(t.path());
  EXPECT_EQ(read_file(t / "out" / "a"), "old");
  EXPECT_EQ(read_file(t / "other" / "a"), "new");
  EXPECT_EQ(list_folder(t.path()), (std::vector<std::string>{"other", "out"}));
}

TEST(Disk, ARealSmallVolumeFillsUp) {
  const fs::path full = "/dev/full";  // every write fails with ENOSPC
  if (!fs::exists(full)) GTEST_SKIP() << "no /dev/full";
  const std::unique_ptr<OutputFile> f = file_system().append(full);
  const Error e = error_of([&] { f->write("1234567"); });
  EXPECT_EQ(e.info().id, "disk.full");
  EXPECT_EQ(e.code(), ErrorCode::kIo);
  EXPECT_NE(std::string(e.what()).find("/dev/full: cannot write: No space left on device (wanted 7 bytes, "), std::string::npos)
      << e.what();
}

TEST(Disk, CreatingNeverFollowsALink) {
  TempFolder t;
  put(t / "precious", "precious");
  fs::create_symlink(t / "precious", t / "a");
  fs::create_symlink(t / "new", t / "b");
  EXPECT_EQ(error_id([&] { file_system().create(t / "a"); }), "file.unwritable");
  EXPECT_EQ(error_id([&] { file_system().create(t / "b"); }), "file.unwritable");
  EXPECT_EQ(error_id([&] { file_system().create(t / "precious"); }), "file.unwritable");  // exclusive
  EXPECT_EQ(error_id([&] { file_system().make_new_folder(t.path()); }), "file.unwritable");
  EXPECT_EQ(error_id([&] { file_system().append(t / "a"); }), "file.unwritable");
  EXPECT_EQ(read_file(t / "precious"), "precious");
  EXPECT_FALSE(file_exists(t / "new"));
}

TEST(Disk, AppendAddsAtTheEnd) {
  TempFolder t;
  for (int i = 0; i < 3; ++i) {
    const auto f = file_system().append(t / "log");
    f->write("x\n");
    f->close();
  }
  EXPECT_EQ(read_file(t / "log"), "x\nx\nx\n");
  EXPECT_GT(file_system().free_bytes(t / "not" / "there" / "yet"), 0u);
}

}  // namespace
}  // namespace attune
