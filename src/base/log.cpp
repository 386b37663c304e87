#include "base/log.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/utf8.h"

namespace attune {
namespace {

std::atomic<Verbosity> g_verbosity{Verbosity::kNormal};

/// One call a line, so that lines of several threads do not mix.
void to_stderr(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

size_t terminal_width() {
  winsize w{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

std::string clock_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 360000) return "--:--";
  const auto s = static_cast<int64_t>(seconds + 0.5);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60) : fmt::format("{:02}:{:02}", s / 60, s % 60);
}

std::string rate_text(double per_second) {
  if (per_second >= 10) return fmt::format("{:.0f}/s", per_second);
  if (per_second >= 1) return fmt::format("{:.1f}/s", per_second);
  return per_second > 0 ? fmt::format("{:.1f} s each", 1 / per_second) : "";
}

/// At most `columns` characters, never half of one.
std::string cut(const std::string& s, size_t columns) {
  size_t at = 0;
  for (size_t used = 0; at < s.size() && used < columns; ++used) {
    uint32_t c;
    at += static_cast<size_t>(std::max(1, decode_utf8(std::string_view(s).substr(at), c)));
  }
  return s.substr(0, at);
}

}  // namespace

void set_verbosity(Verbosity v) { g_verbosity = v; }
Verbosity verbosity() { return g_verbosity; }

bool stderr_is_colourful() {
  const char* no = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return stderr_is_terminal() && (!no || !*no) && (!term || std::string_view(term) != "dumb");
}

void note(const std::string& text) {
  if (verbosity() != Verbosity::kQuiet) to_stderr(fmt::format("{}\n", text));
}

void warning(const std::string& text) {
  to_stderr(fmt::format("{}{}\n", stderr_is_colourful() ? "\033[33mwarning:\033[0m " : "warning: ", text));
}

Progress::Progress(std::string title, int64_t total)
    : title_(std::move(title)), total_(total), terminal_(stderr_is_terminal()), begin_(Clock::now()), last_(begin_) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
  if (drawn_) to_stderr("\r\033[K");
  drawn_ = false;
}

void Progress::update(int64_t done, const std::string& text) {
  if (verbosity() == Verbosity::kQuiet) return;
  using Seconds = std::chrono::duration<double>;
  const Clock::time_point now = Clock::now();
  const bool end = total_ > 0 && done >= total_;
  const double elapsed = Seconds(now - begin_).count();
  const double since = Seconds(now - last_).count();
  const double share = total_ > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total_), 0.0, 1.0) : 0.0;
  if (terminal_) {
    if (drawn_ && !end && since < 0.1) return;
  } else {  // a line at each tenth, but neither more often than once a second nor more rarely than every ten
    const auto tenth = static_cast<int64_t>(share * 10);
    const bool reached = tenth > tenth_ && since >= 1.0;
    if (!(reached || since >= 10.0 || (end && !ended_))) return;
    tenth_ = tenth;
  }
  if (end) ended_ = true;
  last_ = now;
  const double rate = elapsed > 0 ? static_cast<double>(done) / elapsed : 0;
  std::string line = title_;
  line += ' ';
  if (total_ > 0) {
    if (terminal_) {
      constexpr int kWidth = 24;
      const int full = static_cast<int>(share * kWidth);
      line += '[';
      for (int i = 0; i < kWidth; ++i) line += i < full ? '=' : i == full ? '>' : ' ';
      line += "] ";
    }
    line += fmt::format("{:3.0f}% {}/{}", std::floor(share * 100), done, total_);
    if (rate > 0) line += fmt::format("  {}  {} left", rate_text(rate), clock_text(static_cast<double>(total_ - done) / rate));
  } else {
    line += fmt::format("{}", done);
    if (rate > 0) line += "  " + rate_text(rate);
  }
  if (!text.empty()) line += "  " + text;
  if (terminal_) {
    to_stderr(fmt::format("\r{}\033[K", cut(line, terminal_width() - 1)));
    drawn_ = true;
  } else {
    to_stderr(line + "\n");
  }
}

}  // namespace attune
