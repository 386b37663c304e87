#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <thread>

#include "base/signals.h"
#include "temp_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;
using testing::put;
using testing::TempFolder;

TEST(ReadFile, ContentAndLimits) {
  TempFolder t;
  const std::string bytes("a\0b\r\n\xff", 6);
  put(t / "a", bytes);
  put(t / "empty", "");
  EXPECT_EQ(read_file(t / "a"), bytes);
  EXPECT_EQ(read_file(t / "a", 6), bytes);
  EXPECT_EQ(error_id([&] { read_file(t / "a", 5); }), "file.too_large");
  EXPECT_EQ(read_file(t / "empty", 0), "");
  EXPECT_EQ(attune::file_size(t / "a"), 6u);
  EXPECT_FALSE(read_file("/proc/self/status").empty());  // says its size is 0
  EXPECT_EQ(error_id([] { read_file("/proc/self/status", 10); }), "file.too_large");
}

TEST(ReadFile, WhatIsNoFile) {
  TempFolder t;
  ASSERT_EQ(::mkfifo((t / "pipe").c_str(), 0600), 0);
  fs::create_symlink("loop", t / "loop");
  fs::create_symlink("nowhere", t / "dangling");
  put(t / "file", "x");
  struct {
    fs::path path;
    const char* id;
  } const cases[] = {{t.path(), "file.folder"},
                     {t / "pipe", "file.special"},
                     {"/dev/null", "file.special"},
                     {"/dev/zero", "file.special"},
                     {t / "missing", "file.missing"},
                     {t / "file" / "below", "file.missing"},
                     {t / "loop", "file.missing"},
                     {t / "dangling", "file.missing"},
                     {"", "file.missing"},
                     {t / std::string(300, 'a'), "file.missing"},
                     {std::string("a\0b", 3), "file.missing"},
                     {"-", "file.missing"}};
  for (const auto& c : cases) {
    EXPECT_EQ(error_id([&] { read_file(c.path); }), c.id) << c.path;
    EXPECT_EQ(error_id([&] { for_each_line(c.path, [](auto, auto) { return false; }); }), c.path == "-" ? "" : c.id) << c.path;
    char byte;
    EXPECT_EQ(error_id([&] { read_range(c.path, 0, 1, &byte); }), c.id) << c.path;
    EXPECT_EQ(error_id([&] { sha256_file(c.path); }), c.id) << c.path;
  }
  EXPECT_TRUE(file_exists(t / "file"));
  EXPECT_FALSE(file_exists(t.path()));
  EXPECT_FALSE(file_exists(t / "dangling"));
  EXPECT_TRUE(folder_exists(t.path()));
  EXPECT_FALSE(folder_exists(t / "file"));
}

TEST(ReadFile, UnreadableIsAnIoError) {
  TempFolder t;
  put(t / "secret", "x");
  ::chmod(t.path().c_str(), 0755);
  ::chmod((t / "secret").c_str(), 0);
  EXPECT_EXIT(
      {
        if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);  // root may read everything
        try {
          read_file(t / "secret");
        } catch (const Error& e) {
          ::_exit(e.info().id == "file.unreadable" && e.code() == ErrorCode::kIo ? 0 : 3);
        }
        ::_exit(4);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(ReadFile, AFileThatShrinksWhileReadIsAnErrorOrAWholeFile) {
  TempFolder t;
  const std::string big(8 << 20, 'x');
  std::atomic<bool> stop = false;
  put(t / "f", big);
  std::thread changer([&] {
    while (!stop) {
      if (::truncate((t / "f").c_str(), 1000) != 0) break;
      put(t / "f", big);
    }
  });
  for (int i = 0; i < 60; ++i) {
    const std::string id = error_id([&] { read_file(t / "f"); });
    EXPECT_TRUE(id == "" || id == "file.truncated") << id;
    std::string out(4 << 20, '\0');
    const std::string range = error_id([&] { read_range(t / "f", 4 << 20, out.size(), out.data()); });
    EXPECT_TRUE(range == "" || range == "file.truncated") << range;
  }
  stop = true;
  changer.join();
}

TEST(ReadRange, Edges) {
  TempFolder t;
  put(t / "a", "0123456789");
  std::string out(4, '?');
  read_range(t / "a", 3, 4, out.data());
  EXPECT_EQ(out, "3456");
  read_range(t / "a", 6, 4, out.data());
  EXPECT_EQ(out, "6789");
  read_range(t / "a", 10, 0, nullptr);
  EXPECT_EQ(error_id([&] { read_range(t / "a", 7, 4, out.data()); }), "file.truncated");
  EXPECT_EQ(error_id([&] { read_range(t / "a", 11, 0, out.data()); }), "file.truncated");
  EXPECT_EQ(error_id([&] { read_range(t / "a", UINT64_MAX, 2, out.data()); }), "file.truncated");
  EXPECT_EQ(error_id([&] { read_range(t / "a", 0, UINT64_MAX, out.data()); }), "file.truncated");
}

std::vector<std::string> lines_of(const fs::path& path, uint64_t max = 100) {
  std::vector<std::string> lines;
  for_each_line(
      path,
      [&](std::string_view l, uint64_t n) {
        lines.emplace_back(l);
        EXPECT_EQ(n, lines.size());
        return true;
      },
      max);
  return lines;
}

TEST(ForEachLine, LineEnds) {
  TempFolder t;
  using Lines = std::vector<std::string>;
  struct {
    std::string text;
    Lines lines;
  } const cases[] = {{"", {}},
                     {"\n", {""}},
                     {"a", {"a"}},
                     {"a\n", {"a"}},
                     {"a\nb", {"a", "b"}},
                     {"a\r\nb\r\n", {"a", "b"}},
                     {"\n\na", {"", "", "a"}},
                     {"a\rb\n", {"a\rb"}},
                     {"\r\n", {""}},
                     {"a\r", {"a"}},
                     {std::string("a\0b\n", 4), {std::string("a\0b", 3)}},
                     {"a\r\r\n", {"a\r"}}};
  for (const auto& c : cases) {
    put(t / "f", c.text);
    EXPECT_EQ(lines_of(t / "f"), c.lines) << c.text;
  }
}

TEST(ForEachLine, LinesAcrossBuffers) {
  TempFolder t;
  std::string text;
  std::vector<std::string> expected;
  for (size_t n : {65535u, 65536u, 65537u, 0u, 1u, 200000u, 131072u}) {
    expected.emplace_back(n, static_cast<char>('a' + expected.size()));
    text += expected.back() + "\r\n";
  }
  put(t / "f", text);
  EXPECT_EQ(lines_of(t / "f", 1 << 20), expected);
}

TEST(ForEachLine, LimitAndStop) {
  TempFolder t;
  put(t / "f", "ok\n" + std::string(101, 'x') + "\n");
  const Error e = error_of([&] { lines_of(t / "f"); });
  EXPECT_EQ(e.info().id, "line.too_long");
  EXPECT_TRUE(e.info().where.ends_with("f:2")) << e.info().where;
  put(t / "f", std::string(300'000, 'x'));
  EXPECT_EQ(error_id([&] { lines_of(t / "f", 299'999); }), "line.too_long");
  EXPECT_EQ(error_id([&] { lines_of(t / "f", 300'000); }), "");
  put(t / "g", "1\n2\n3\n");
  int seen = 0;
  for_each_line(t / "g", [&](auto, auto) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
}

TEST(ForEachLine, StandardInput) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int saved = ::dup(STDIN_FILENO);
  ::dup2(ends[0], STDIN_FILENO);
  ASSERT_EQ(::write(ends[1], "a\nb", 3), 3);
  ::close(ends[1]);
  EXPECT_EQ(lines_of("-"), (std::vector<std::string>{"a", "b"}));
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  ::close(ends[0]);
}

TEST(ForEachLine, ASignalEndsTheWaitForStandardInput) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::dup2(ends[0], STDIN_FILENO);
    install_signal_handlers();
    ::alarm(20);
    try {
      for_each_line("-", [](auto, auto) { return ::kill(::getpid(), SIGINT) == 0; });  // the writer stays open and silent
    } catch (const Interrupted& i) {
      ::_exit(i.signal() == SIGINT ? 0 : 1);
    } catch (...) {
    }
    ::_exit(2);
  }
  ASSERT_EQ(::write(ends[1], "line\n", 5), 5);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  ::close(ends[0]);
  ::close(ends[1]);
}

std::string gzip(std::string_view text) {
  std::string out(text.size() + 200, '\0');
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

TEST(ReadFileGz, PackedPlainAndDamaged) {
  TempFolder t;
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i * 7919 % 10007) + "\n";
  const std::string packed = gzip(text);
  put(t / "a.gz", packed);
  put(t / "b.txt", packed);
  put(t / "plain", text);
  put(t / "two.gz", packed + gzip("more"));
  put(t / "padded.gz", packed + std::string(512, '\0'));
  put(t / "empty_member.gz", gzip(""));
  EXPECT_EQ(read_file_gz(t / "a.gz"), text);
  EXPECT_EQ(read_file_gz(t / "b.txt"), text);
  EXPECT_EQ(read_file_gz(t / "plain"), text);
  EXPECT_EQ(read_file_gz(t / "two.gz"), text + "more");
  EXPECT_EQ(read_file_gz(t / "padded.gz"), text);
  EXPECT_EQ(read_file_gz(t / "empty_member.gz"), "");
  EXPECT_EQ(read_file_gz(t / "a.gz", text.size()), text);
  EXPECT_EQ(error_id([&] { read_file_gz(t / "a.gz", text.size() - 1); }), "file.too_large");

  put(t / "c.gz", "no gzip");
  EXPECT_EQ(error_id([&] { read_file_gz(t / "c.gz"); }), "gzip.damaged");
  put(t / "c.gz", "");
  EXPECT_EQ(error_id([&] { read_file_gz(t / "c.gz"); }), "gzip.damaged");
  put(t / "c.gz", packed + "garbage");
  EXPECT_EQ(error_id([&] { read_file_gz(t / "c.gz"); }), "gzip.damaged");
  for (size_t n = 2; n < packed.size(); n += 1 + packed.size() / 50) {
    put(t / "cut.gz", packed.substr(0, n));
    EXPECT_EQ(error_id([&] { read_file_gz(t / "cut.gz"); }), "gzip.damaged") << n;
  }
  for (size_t at = 10; at < packed.size(); at += 1 + packed.size() / 50) {
    std::string flipped = packed;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x55);
    put(t / "flipped.gz", flipped);
    EXPECT_EQ(error_id([&] { read_file_gz(t / "flipped.gz"); }), "gzip.damaged") << at;
  }
}

TEST(ListFolder, SortedNamesOrAnError) {
  TempFolder t;
  put(t / "b", "");
  put(t / "a", "");
  fs::create_directory(t / "c");
  EXPECT_EQ(list_folder(t.path()), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(error_id([&] { list_folder(t / "d"); }), "file.missing");
  EXPECT_EQ(error_id([&] { list_folder(t / "a"); }), "file.not_folder");
}

TEST(Sha256Test, KnownDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  TempFolder t;
  const std::string big(3'000'001, 'q');
  put(t / "f", big);
  EXPECT_EQ(sha256_file(t / "f"), sha256_hex(big));
  Sha256 h;
  h.update("a");
  h.update("bc", 2);
  EXPECT_EQ(h.hex(), sha256_hex("abc"));
}

}  // namespace
}  // namespace attune
