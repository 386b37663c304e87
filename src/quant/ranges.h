// The one way this layer uses several threads: contiguous ranges of independent pieces, so the result does not depend on their number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

namespace attune {

/// f(begin, end) over ranges that cover [0, n), on at most `threads` threads, the caller's among them. `f` must not throw.
template <typename F>
void for_ranges(int64_t n, int threads, const F& f) {
  const int64_t parts = std::clamp<int64_t>(threads, 1, std::max<int64_t>(n, 1));
  const auto bound = [&](int64_t part) { return n / parts * part + std::min(part, n % parts); };
  std::vector<std::jthread> others;
  others.reserve(static_cast<size_t>(parts - 1));
  for (int64_t part = 1; part < parts; ++part) {
    try {
      others.emplace_back([&f, begin = bound(part), end = bound(part + 1)] { f(begin, end); });
    } catch (const std::system_error&) {  // the system gives no more threads: slower, not wrong
      f(bound(part), bound(part + 1));
    }
  }
  f(0, bound(1));
}

}  // namespace attune
