// A kernel table that times every entry of another and counts the work it is given: where a step's time goes, and how much of it the
// work alone would take, seen from outside the kernels.
#pragma once

#include <chrono>
#include <cstdio>
#include <vector>

#include "kernels/kernels.h"

namespace attune::bench {

/// What a call has to do: operations (two a multiply-add) of products and of attention, and bytes of everything else, each array once.
struct Work {
  double products = 0, int8_products = 0, attention = 0, bytes = 0;
  Work& operator+=(const Work& o) {
    products += o.products, int8_products += o.int8_products, attention += o.attention, bytes += o.bytes;
    return *this;
  }
};

struct EntryTime {
  const char* name;
  double seconds = 0;
  long calls = 0;
  Work work = {};
};
inline std::vector<EntryTime>& entry_times() {
  static std::vector<EntryTime> all;
  return all;
}
inline const Kernels*& timed_inner() {
  static const Kernels* inner = nullptr;
  return inner;
}

/// Work of a call by entry; an entry without its own line counts nothing.
template <auto Entry>
struct WorkOf {
  template <typename... Args>
  static Work of(const Args&...) {
    return {};
  }
};
inline Work passes(int64_t t, int64_t c, double arrays) { return {.bytes = 4.0 * static_cast<double>(t) * static_cast<double>(c) * arrays}; }
/// Operations of one product over all heads, with every key a query sees (causal: half, about).
inline double attention_product(const AttentionShape& s) {
  double pairs = 0;
  for (int64_t b = 0; b < s.sequences; ++b) pairs += static_cast<double>((s.q_starts[b + 1] - s.q_starts[b]) * (s.k_starts[b + 1] - s.k_starts[b]));
  return 2.0 * pairs * static_cast<double>(s.heads * s.head_dim) * (s.causal ? 0.5 : 1.0);
}
template <>
struct WorkOf<&Kernels::gemm> {
  static Work of(const Context&, bool, bool, int64_t m, int64_t n, int64_t k, float, const float*, int64_t, const float*, int64_t, float, float*, int64_t) {
    return {.products = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k)};
  }
};
template <>
struct WorkOf<&Kernels::int8_products> {
  static Work of(const Context&, int64_t t, int64_t k, const Int8Source&, int terms, int count, const Int8Product* products) {
    double outputs = 0;
    for (int i = 0; i < count; ++i) outputs += static_cast<double>(products[i].w.n);
    return {.int8_products = 2.0 * terms * static_cast<double>(t) * static_cast<double>(k) * outputs};
  }
};
template <>
struct WorkOf<&Kernels::attention> {
  static Work of(const Context&, const AttentionShape& s, const float*, int64_t, const float*, int64_t, const float*, int64_t, float*, int64_t, float*) {
    return {.attention = 2 * attention_product(s)};
  }
};
template <>
struct WorkOf<&Kernels::attention_backward> {
  static Work of(const Context&, const AttentionShape& s, const float*, int64_t, const float*, int64_t, const float*, int64_t, const float*, int64_t, const float*,
                 const float*, int64_t, float* dq, int64_t, float* dk, int64_t, float* dv, int64_t) {
    const int products = (dq || dk ? 2 : 1) + (dq ? 1 : 0) + (dk ? 1 : 0) + (dv ? 1 : 0);  // the probabilities again, their gradient, and one a result
    return {.attention = products * attention_product(s)};
  }
};
template <>
struct WorkOf<&Kernels::bias_activation> {
  static Work of(const Context&, int64_t t, int64_t c, const float* bias, Activation act, float* u, int64_t, float* y, int64_t) {
    return passes(t, c, act == Activation::kNone || y == u ? 2 : bias ? 3 : 2);
  }
};
template <>
struct WorkOf<&Kernels::activation_backward> {
  static Work of(const Context&, int64_t t, int64_t c, Activation, const float*, int64_t, const float*, int64_t, float*, int64_t) { return passes(t, c, 3); }
};
template <>
struct WorkOf<&Kernels::bias_backward> {
  static Work of(const Context&, int64_t t, int64_t c, const float*, int64_t, float*) { return passes(t, c, 1); }
};
template <>
struct WorkOf<&Kernels::dropout_add_layer_norm> {
  static Work of(const Context&, int64_t t, int64_t c, const Dropout&, const float*, const float* residual, const float*, const float*, float, float*, float*, float*,
                 float*) {
    return passes(t, c, residual ? 4 : 3);
  }
};
template <>
struct WorkOf<&Kernels::dropout_add_layer_norm_backward> {
  static Work of(const Context&, int64_t t, int64_t c, const Dropout&, const float*, const float*, const float*, const float*, const float*, float* ds, float* dx,
                 float*, float*) {
    return passes(t, c, dx && dx != ds ? 4 : 3);
  }
};
template <>
struct WorkOf<&Kernels::dropout> {
  static Work of(const Context&, int64_t t, int64_t c, const Dropout&, const float*, int64_t, float*, int64_t) { return passes(t, c, 2); }
};
template <>
struct WorkOf<&Kernels::embedding> {
  static Work of(const Context&, int64_t t, int64_t c, const int32_t*, const float*, float beta, float*) { return passes(t, c, beta == 0.0f ? 2 : 3); }
};
template <>
struct WorkOf<&Kernels::embedding_backward> {
  static Work of(const Context&, int64_t t, int64_t c, int64_t, const int32_t*, int32_t, const float*, float*) { return passes(t, c, 3); }
};
template <>
struct WorkOf<&Kernels::gather_rows> {
  static Work of(const Context&, int64_t r, int64_t c, const int64_t*, const float*, int64_t, float*, int64_t) { return passes(r, c, 2); }
};
template <>
struct WorkOf<&Kernels::scatter_add_rows> {
  static Work of(const Context&, int64_t r, int64_t c, const int64_t*, const float*, int64_t, float*, int64_t) { return passes(r, c, 3); }
};
template <>
struct WorkOf<&Kernels::cross_entropy> {
  static Work of(const Context&, int64_t r, int64_t v, const float*, int64_t, const int32_t*, const float*, float, float*, float* d) { return passes(r, v, d ? 2 : 1); }
};
template <>
struct WorkOf<&Kernels::axpby> {
  static Work of(const Context&, int64_t n, float, const float*, float beta, float*) { return passes(n, 1, beta == 0.0f ? 2 : 3); }
};
template <>
struct WorkOf<&Kernels::sum_of_squares> {
  static Work of(const Context&, int64_t n, const float*) { return passes(n, 1, 1); }
};
template <>
struct WorkOf<&Kernels::all_finite> {
  static Work of(const Context&, int64_t n, const float*) { return passes(n, 1, 1); }
};
template <>
struct WorkOf<&Kernels::adamw> {
  static Work of(const Context&, int64_t n, const AdamWStep&, float*, const float*, float*, float*) { return passes(n, 1, 7); }
};

template <auto Entry, typename Function>
struct Timed;
template <auto Entry, typename Result, typename... Args>
struct Timed<Entry, Result (*)(Args...)> {
  static inline size_t slot = 0;
  static Result call(Args... args) {
    entry_times()[slot].work += WorkOf<Entry>::of(args...);
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
  ATTUNE_TIME(gemm) ATTUNE_TIME(int8_products) ATTUNE_TIME(bias_activation) ATTUNE_TIME(activation_backward) ATTUNE_TIME(bias_backward)
  ATTUNE_TIME(dropout_add_layer_norm) ATTUNE_TIME(dropout_add_layer_norm_backward) ATTUNE_TIME(dropout) ATTUNE_TIME(embedding)
  ATTUNE_TIME(embedding_backward) ATTUNE_TIME(gather_rows) ATTUNE_TIME(scatter_add_rows) ATTUNE_TIME(attention)
  ATTUNE_TIME(attention_backward) ATTUNE_TIME(cross_entropy) ATTUNE_TIME(axpby) ATTUNE_TIME(sum_of_squares) ATTUNE_TIME(all_finite)
  ATTUNE_TIME(adamw)
#undef ATTUNE_TIME
  return table;
}

inline void reset_entry_times() {
  for (auto& e : entry_times()) e.seconds = 0, e.calls = 0, e.work = {};
}

inline Work total_work() {
  Work sum;
  for (const auto& e : entry_times()) sum += e.work;
  return sum;
}

inline void print_entry_times(int steps) {
  double sum = 0;
  for (const auto& e : entry_times()) sum += e.seconds;
  for (const auto& e : entry_times()) {
    if (!e.calls) continue;
    const double operations = e.work.products + e.work.int8_products + e.work.attention;
    std::printf("  %-32s %8.2f ms/step %5.1f%%  %5.1f calls  %6.1f %s\n", e.name, 1e3 * e.seconds / steps, 100 * e.seconds / sum, static_cast<double>(e.calls) / steps,
                1e-9 * (operations > 0 ? operations : e.work.bytes) / e.seconds, operations > 0 ? "GF/s" : "GB/s");
  }
}

}  // namespace attune::bench
