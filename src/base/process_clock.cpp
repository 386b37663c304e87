#include "base/process_clock.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace attune {

double seconds_since_process_start() {
  char text[1024];
  const int file = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t n = ::read(file, text, sizeof text - 1);
  ::close(file);
  if (n <= 0) return 0;
  text[n] = 0;
  const char* p = std::strrchr(text, ')');  // the name may hold anything; field 3 follows
  unsigned long long ticks = 0;
  for (int field = 2; p && field < 22; ++field) p = std::strchr(p + 1, ' ');
  timespec now{};
  if (!p || std::sscanf(p + 1, "%llu", &ticks) != 1 || ::clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec) - static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace attune
