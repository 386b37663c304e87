// What this machine can do at best, measured in this run, and how long a given amount of work would take at that.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "kernels/int8_weight.h"
#include "timed_kernels.h"

namespace attune::bench {

/// Operations, operations, operations and bytes a second. 0: there is no such kernel.
struct Rates {
  double products = 0, int8_products = 0, attention = 0, bandwidth = 0;
};

/// Runs `call` (doing `amount`) for `seconds` and takes the fastest.
template <typename Call>
double best_rate(double amount, double seconds, const Call& call) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); };
  const auto begin = Clock::now();
  double least = 1e30;
  do {
    const auto one = Clock::now();
    call();
    least = std::min(least, since(one));
  } while (since(begin) < seconds);
  return amount / least;
}

/// The fastest of a product in the first caches and of the large ones a step meets.
inline double product_rate(const Context& ctx, double seconds) {
  double best = 0;
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{384, 384, 384}, {1024, 768, 768}, {2048, 3072, 768}}) {
    const std::vector<float> a(static_cast<size_t>(m * k), 0.5f), b(static_cast<size_t>(n * k), 0.25f);
    std::vector<float> c(static_cast<size_t>(m * n));
    best = std::max(best, best_rate(2.0 * static_cast<double>(m * n * k), seconds, [&] {
      ctx.kernels->gemm(ctx, false, false, m, n, k, 1.0f, a.data(), k, b.data(), n, 0.0f, c.data(), n);
    }));
  }
  return best;
}

/// The same of 8-bit products, quantisation of the input included.
inline double int8_product_rate(const Context& ctx, double seconds) {
  double best = 0;
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{1024, 384, 384}, {1024, 768, 768}, {2048, 3072, 768}}) {
    const std::vector<float> x(static_cast<size_t>(m * k), 0.5f);
    std::vector<float> y(static_cast<size_t>(m * n));
    const PackedInt8 w = pack_int8_forward(
        n, k, [k = k](int64_t begin, int64_t end, float* rows) { std::fill_n(rows, (end - begin) * k, 0.25f); }, {}, ctx.kernels->int8_limit, ctx.threads);
    const Int8Product product{view(w), nullptr, 0.0f, y.data(), n};
    best = std::max(best, best_rate(2.0 * static_cast<double>(m * n * k), seconds, [&] {
      ctx.kernels->int8_products(ctx, m, k, {.x = x.data(), .x_pitch = k}, 1, 1, &product);
    }));
  }
  return best;
}

/// Forward and backward together on long sequences, where the kernel is at its best: its own rate, not the machine's.
inline double attention_rate(const Context& ctx, double seconds, int64_t heads, int64_t dim) {
  const int64_t sequences = 4, length = 512, width = heads * dim, t = sequences * length;
  std::vector<int64_t> starts;
  for (int64_t b = 0; b <= sequences; ++b) starts.push_back(b * length);
  std::vector<float> qkv(static_cast<size_t>(3 * t * width), 0.01f), out(static_cast<size_t>(t * width)), dout(out.size(), 0.01f), dqkv(qkv.size()), lse(static_cast<size_t>(t * heads));
  const AttentionShape shape{.sequences = sequences, .heads = heads, .head_dim = dim, .q_starts = starts.data(), .k_starts = starts.data(), .scale = 0.125f, .causal = false, .dropout = {}};
  const float *q = qkv.data(), *k = q + width, *v = k + width;
  float* d = dqkv.data();
  const int64_t p = 3 * width;
  return best_rate(7 * attention_product(shape), seconds, [&] {
    ctx.kernels->attention(ctx, shape, q, p, k, p, v, p, out.data(), width, lse.data());
    ctx.kernels->attention_backward(ctx, shape, q, p, k, p, v, p, out.data(), width, lse.data(), dout.data(), width, d, p, d + width, p, d + 2 * width, p);
  });
}

/// A copy too large for any cache: bytes read and written.
inline double bandwidth(const Context& ctx, double seconds) {
  const int64_t n = int64_t{1} << 26;
  const std::vector<float> x(static_cast<size_t>(n), 1.0f);
  std::vector<float> y(x.size(), 0.0f);
  return best_rate(8.0 * static_cast<double>(n), seconds, [&] { ctx.kernels->axpby(ctx, n, 1.0f, x.data(), 0.0f, y.data()); });
}

inline Rates measure_rates(const Context& ctx, int64_t heads, int64_t dim, double seconds = 0.5) {
  return {product_rate(ctx, seconds), int8_product_rate(ctx, seconds), attention_rate(ctx, seconds, heads, dim), bandwidth(ctx, seconds)};
}
inline Rates best_of(const Rates& a, const Rates& b) {
  return {std::max(a.products, b.products), std::max(a.int8_products, b.int8_products), std::max(a.attention, b.attention), std::max(a.bandwidth, b.bandwidth)};
}

/// Seconds the work takes at these rates, one part after another.
struct Floor {
  double products, int8_products, attention, traffic;
  double total() const { return products + int8_products + attention + traffic; }
};
inline Floor floor_of(const Work& w, const Rates& r) {
  const auto part = [](double amount, double rate) { return amount > 0 ? amount / rate : 0; };
  return {part(w.products, r.products), part(w.int8_products, r.int8_products), part(w.attention, r.attention), part(w.bytes, r.bandwidth)};
}

}  // namespace attune::bench
