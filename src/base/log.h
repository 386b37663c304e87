// What a person reads while the program works: notes, warnings and progress on stderr. Results go to stdout, never through here.
#pragma once

#include <chrono>
#include <string>

namespace attune {

enum class Verbosity { kQuiet, kNormal };
void set_verbosity(Verbosity v);
Verbosity verbosity();

void note(const std::string& text);     ///< silent with --quiet
void warning(const std::string& text);  ///< "warning: ..." in yellow on a terminal; always shown
/// True when stderr is a terminal and NO_COLOR is unset.
bool stderr_is_colourful();

/// A bar with count, rate, time left and a free text on a terminal; plain lines now and then otherwise; nothing with --quiet.
class Progress {
 public:
  Progress(std::string title, int64_t total);
  ~Progress();
  /// `done` units so far; `text` stands after the bar ("loss 0.412  12.1k tok/s").
  void update(int64_t done, const std::string& text = "");
  /// Takes the bar away so that a line can be printed; the next update draws it again.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string title_;
  int64_t total_;
  bool terminal_, drawn_ = false, ended_ = false;
  int64_t tenth_ = 0;
  Clock::time_point begin_, last_;
};

}  // namespace attune
