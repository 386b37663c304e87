// A kernel table that times every entry of another: where a step's time goes, seen from outside the kernels.
#pragma once

#include <chrono>
#include <cstdio>
#include <vector>

#include "kernels/kernels.h"

namespace attune::bench {

struct EntryTime {
  const char* name;
  double seconds = 0;
  long calls = 0;
};
inline std::vector<EntryTime>& entry_times() {
  static std::vector<EntryTime> all;
  return all;
}
inline const Kernels*& timed_inner() {
  static const Kernels* inner = nullptr;
  return inner;
}

template <auto Entry, typename Function>
struct Timed;
template <auto Entry, typename Result, typename... Args>
struct Timed<Entry, Result (*)(Args...)> {
  static inline size_t slot = 0;
  static Result call(Args... args) {
    struct Watch {
      std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
      ~Watch() {
        entry_times()[slot].seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        ++entry_times()[slot].calls;
      }
    } watch;
    return (timed_inner()->*Entry)(args...);
  }
};

/// `inner` with a stopwatch around each entry.
inline const Kernels& timed_kernels(const Kernels& inner) {
  static Kernels table;
  table = inner;
  timed_inner() = &inner;
  entry_times().clear();
#define ATTUNE_TIME(entry)                                          \
  {                                                                 \
    using T = Timed<&Kernels::entry, decltype(Kernels::entry)>;     \
    T::slot = entry_times().size();                                 \
    entry_times().push_back({#entry});                              \
    table.entry = T::call;                                          \
  }
  ATTUNE_TIME(gemm) ATTUNE_TIME(bias_activation) ATTUNE_TIME(activation_backward) ATTUNE_TIME(bias_backward)
  ATTUNE_TIME(dropout_add_layer_norm) ATTUNE_TIME(dropout_add_layer_norm_backward) ATTUNE_TIME(dropout) ATTUNE_TIME(embedding)
  ATTUNE_TIME(embedding_backward) ATTUNE_TIME(gather_rows) ATTUNE_TIME(scatter_add_rows) ATTUNE_TIME(attention)
  ATTUNE_TIME(attention_backward) ATTUNE_TIME(cross_entropy) ATTUNE_TIME(axpby) ATTUNE_TIME(sum_of_squares) ATTUNE_TIME(all_finite)
  ATTUNE_TIME(adamw)
#undef ATTUNE_TIME
  return table;
}

inline void reset_entry_times() {
  for (auto& e : entry_times()) e.seconds = 0, e.calls = 0;
}

inline void print_entry_times(int steps) {
  double sum = 0;
  for (const auto& e : entry_times()) sum += e.seconds;
  for (const auto& e : entry_times())
    if (e.calls) std::printf("  %-32s %8.2f ms/step %5.1f%%  %5.1f calls\n", e.name, 1e3 * e.seconds / steps, 100 * e.seconds / sum, static_cast<double>(e.calls) / steps);
}

}  // namespace attune::bench
