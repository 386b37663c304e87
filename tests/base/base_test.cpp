// The small ones: errors, size arithmetic, random numbers, suggestions, UTF-8, signals, progress.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <thread>

#include "base/checked.h"
#include "base/log.h"
#include "base/random.h"
#include "base/signals.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "temp_folder.h"

namespace attune {
namespace {

TEST(ErrorTest, Message) {
  const Error e(ErrorCode::kInput, {.id = "x", .where = "f:1", .what = "is wrong", .expected = "A", .got = "B", .hint = "do C"});
  EXPECT_STREQ(e.what(), "f:1: is wrong; expected A, got B\n  hint: do C");
  Problems p;
  for (int i = 0; i < 12; ++i) p.add("p" + std::to_string(i));
  EXPECT_EQ(p.count(), 12u);
  EXPECT_TRUE(p.list().ends_with("\n  - p9\n  ... and 2 more"));
}

TEST(Checked, Edges) {
  EXPECT_EQ(checked_mul(UINT64_MAX, 1), UINT64_MAX);
  EXPECT_FALSE(checked_mul(uint64_t{1} << 32, uint64_t{1} << 32));
  EXPECT_FALSE(checked_add(UINT64_MAX, 1));
  const std::array<int64_t, 2> big = {INT64_MAX, 3}, negative = {2, -1};
  EXPECT_FALSE(checked_product(big));
  EXPECT_FALSE(checked_product(negative));
  EXPECT_EQ(checked_product({}), 1u);
}

TEST(RandomTest, Moments) {
  Random r(mix_key(42, hash_name("x")));
  double sum = 0, squares = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double v = r.normal();
    sum += v;
    squares += v * v;
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.02);
  EXPECT_NEAR(squares / 1e5, 1, 0.02);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(r.below(7), 7u);
}

TEST(Suggest, NearestName) {
  const std::vector<std::string> known = {"learning_rate", "num_train_epochs", "warmup_ratio", "r", "seed", "lora_alpha"};
  EXPECT_EQ(nearest("learning-rate", known), "learning_rate");
  EXPECT_EQ(nearest("LearningRate", known), "learning_rate");
  EXPECT_EQ(nearest("lerning_rate", known), "learning_rate");
  EXPECT_EQ(nearest("laerning_rate", known), "learning_rate");
  EXPECT_EQ(nearest("num_epochs", known), "");
  EXPECT_EQ(nearest("sede", known), "seed");
  EXPECT_EQ(nearest("xyzzy", known), "");
  EXPECT_EQ(nearest("x", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest(std::string(1'000'000, 'a'), known), "");
  EXPECT_EQ(suggestion("sed", known, 2), "did you mean 'seed'? known: learning_rate, num_train_epochs, ... (4 more)");
  EXPECT_EQ(suggestion("zzzzzz", {"a", "b"}), "known: a, b");
}

TEST(Utf8, Grouped) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(Utf8, EveryCodePointRoundTrips) {
  for (uint32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    std::string s;
    append_utf8(s, c);
    uint32_t back = ~c;
    ASSERT_EQ(decode_utf8(s, back), static_cast<int>(s.size()));
    ASSERT_EQ(back, c);
    for (size_t n = 1; n < s.size(); ++n) ASSERT_EQ(decode_utf8(s.substr(0, n), back), 0);
  }
  EXPECT_EQ(first_invalid_utf8(std::string(20, 'a') + "\xff"), 20u);
  EXPECT_TRUE(is_utf8(""));
}

/// A signal to the process, and the time it takes to be noticed.
void send(int signal) {
  ::kill(::getpid(), signal);
  for (int i = 0; i < 500 && pending_signal() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

TEST(Signals, TheFirstIsKeptAndTheSecondInterruptLeaves) {
  EXPECT_EXIT(
      {
        install_signal_handlers();
        if (pending_signal() != 0) ::_exit(1);
        throw_if_interrupted();
        ::raise(SIGPIPE);
        send(SIGTERM);
        send(SIGHUP);
        try {
          throw_if_interrupted();
        } catch (const Interrupted& i) {
          if (i.signal() == SIGTERM && pending_signal() == SIGTERM) ::kill(::getpid(), SIGINT);
        }
        ::sleep(20);
        ::_exit(2);
      },
      ::testing::ExitedWithCode(130), "");
  EXPECT_EXIT(
      {
        install_signal_handlers();
        send(SIGINT);
        ::_exit(pending_signal() == SIGINT ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(Log, PlainLinesWhenNoTerminal) {
  ::testing::internal::CaptureStderr();
  note("hello");
  warning("careful");
  {
    Progress p("train", 10);
    for (int i = 1; i <= 10; ++i) p.update(i, "loss 0.5");
    p.update(10);
  }
  set_verbosity(Verbosity::kQuiet);
  note("hidden");
  warning("shown");
  Progress("hidden", 3).update(3);
  set_verbosity(Verbosity::kNormal);
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(text.starts_with("hello\nwarning: careful\ntrain 100% 10/10  ")) << text;
  EXPECT_TRUE(text.ends_with("loss 0.5\nwarning: shown\n")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_FALSE(stderr_is_colourful());
}

TEST(Log, ABarOnATerminal) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0) GTEST_SKIP() << "no pseudo-terminals here";
  const int slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY);
  ASSERT_GE(slave, 0);
  winsize size{24, 100, 0, 0};
  ::ioctl(slave, TIOCSWINSZ, &size);
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(slave, STDERR_FILENO);
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm", 1);
  const bool colourful = stderr_is_colourful();
  ::setenv("NO_COLOR", "1", 1);
  const bool plain = !stderr_is_colourful();
  {
    Progress p("train", 4);
    p.update(2, "loss \xc3\xa9" + std::string(100, 'x'));
    p.clear();
    p.update(4);
  }
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  ::close(slave);
  std::string text;
  char piece[4096];
  for (ssize_t n; (n = ::read(master, piece, sizeof piece)) > 0;) text.append(piece, static_cast<size_t>(n));  // to the hang-up
  ::close(master);
  ::unsetenv("NO_COLOR");
  EXPECT_TRUE(colourful);
  EXPECT_TRUE(plain);
  EXPECT_TRUE(text.starts_with("\rtrain [============>           ]  50% 2/4  ")) << text;
  const std::string line = text.substr(1, text.find("\033[K") - 1);
  EXPECT_NE(line.find("loss \xc3\xa9xx"), std::string::npos) << line;
  EXPECT_EQ(line.size(), 99 + 1u) << line;  // the width of the terminal less one; the two-byte letter is one column
  EXPECT_NE(text.find("\r\033[K\rtrain [========================] 100% 4/4"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\r\033[K")) << text;
}

}  // namespace
}  // namespace attune
