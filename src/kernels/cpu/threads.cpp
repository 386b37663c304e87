// How many threads to use: ATTUNE_THREADS, else OMP_NUM_THREADS, else the cores this process may run on.
#include <sched.h>

#include <cstdlib>
#include <string>

#include "base/error.h"
#include "kernels/kernels.h"

namespace attune {

namespace {

constexpr int kMostThreads = 1024;

// The leading number of s ("4,2" is OpenMP's form for nested levels); 0 when there is none.
int leading_count(const char* s) {
  char* end = nullptr;
  const long n = std::strtol(s, &end, 10);
  if (end == s || (*end != '\0' && *end != ',') || n < 1 || n > kMostThreads) return 0;
  return static_cast<int>(n);
}

int count_threads() {
  if (const char* s = std::getenv("ATTUNE_THREADS"); s && *s) {
    const int n = leading_count(s);
    if (n == 0) {
      fail(ErrorCode::kUsage, {.id = "kernels.threads",
                               .where = "ATTUNE_THREADS",
                               .what = "not a number of threads",
                               .expected = "1 to " + std::to_string(kMostThreads),
                               .got = s,
                               .hint = {}});
    }
    return n;
  }
  if (const char* s = std::getenv("OMP_NUM_THREADS"); s && *s) {
    if (const int n = leading_count(s)) return n;
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
  return 1;
}

}  // namespace

int default_threads() {
  static const int threads = count_threads();
  return threads;
}

}  // namespace attune
