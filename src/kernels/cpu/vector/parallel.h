// Loops over rows on the team's threads. Work is cut by index, never by who is free, unless a kernel says otherwise.
#pragma once

#include <omp.h>

#include "kernels/cpu/vector/vec.h"
#include "kernels/kernels.h"

namespace attune::ATTUNE_ISA {
namespace {

constexpr int64_t kWorthThreads = 1 << 15;  // elements; below, starting a team costs more than it saves

inline int team(const Context& ctx, int64_t elements) { return elements < kWorthThreads ? 1 : ctx.threads; }

/// body(begin, end) over [0, n) in one contiguous piece a thread, cut at multiples of `grain`.
template <typename Body>
inline void parallel_ranges(int threads, int64_t n, int64_t grain, const Body& body) noexcept {
  if (threads <= 1 || n <= grain) {
    if (n > 0) body(int64_t{0}, n);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const int64_t parts = omp_get_num_threads(), me = omp_get_thread_num(), grains = (n + grain - 1) / grain;
    const int64_t begin = grains * me / parts * grain;
    int64_t end = grains * (me + 1) / parts * grain;
    if (end > n) end = n;
    if (begin < end) body(begin, end);
  }
}

/// body(row) for each row.
template <typename Body>
inline void parallel_rows(const Context& ctx, int64_t rows, int64_t cols, const Body& body) noexcept {
  parallel_ranges(team(ctx, rows * cols), rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

/// body(index, count) over the lanes of a row: count is kLanes except at the end.
template <typename Whole, typename Part>
ATTUNE_INLINE void lanes(int64_t n, const Whole& whole, const Part& part) {
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) whole(j);
  if (j < n) part(j, n - j);
}

}  // namespace
}  // namespace attune::ATTUNE_ISA
