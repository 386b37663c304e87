// Rates of the kernels at the shapes fine-tuning meets: products and attention in GF/s, element-wise work in GB/s, and the machine's
// own limits (a product from cache, a copy) to read them against. --benchmark_filter picks; threads: ATTUNE_THREADS.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <string>
#include <vector>

#include "base/random.h"
#include "kernels/int8_weight.h"

namespace attune {
namespace {

using Floats = std::vector<float>;

Floats filled(int64_t n) {
  Floats v(static_cast<size_t>(n));
  uint64_t x = 1;
  for (float& f : v) f = static_cast<float>(static_cast<double>(mix64(++x) >> 11) * 0x1p-53) - 0.5f;
  return v;
}
Context context() { return {.kernels = &cpu_kernels(), .threads = default_threads()}; }
/// Runs `call` as often as the library asks; rates are those of the fastest time, which other programs disturb least.
template <typename Call>
void measure(benchmark::State& state, double flops, double bytes, const Call& call) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  for (auto _ : state) {
    const auto start = Clock::now();
    call();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  if (flops > 0.0) state.counters["GF/s"] = flops * 1e-9 / best;
  if (bytes > 0.0) state.counters["GB/s"] = bytes * 1e-9 / best;
}

// gemm: op(A) (m, k) op(B) (k, n), trans 0 NN, 1 NT, 2 TN.
void gemm(benchmark::State& state) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2), trans = state.range(3);
  const bool ta = trans == 2, tb = trans == 1;
  const Floats a = filled(m * k), b = filled(n * k);
  Floats c(static_cast<size_t>(m * n));
  const Context ctx = context();
  const float beta = k <= 16 ? 1.0f : 0.0f;  // a low-rank product adds to the dense one
  measure(state, 2.0 * static_cast<double>(m * n * k), 4.0 * static_cast<double>(m * k + n * k + m * n * (beta == 0.0f ? 1 : 2)),
          [&] { ctx.kernels->gemm(ctx, ta, tb, m, n, k, 1.0f, a.data(), ta ? m : k, b.data(), tb ? k : n, beta, c.data(), n); });
}
BENCHMARK(gemm)
    ->ArgNames({"m", "n", "k", "trans"})
    ->ArgsProduct({{1048}, {768}, {768}, {0, 1}})
    ->ArgsProduct({{1048}, {3072}, {768}, {0, 1}})
    ->ArgsProduct({{1048}, {768}, {3072}, {0, 1}})
    ->ArgsProduct({{784}, {384}, {384}, {0, 1}})
    ->ArgsProduct({{784}, {1536}, {384}, {0, 1}})
    ->ArgsProduct({{784}, {384}, {1536}, {0, 1}})
    ->ArgsProduct({{1, 12, 25, 48}, {1536}, {384}, {1}})  // a sentence
    ->ArgsProduct({{1, 4}, {50257}, {768}, {1}})             // a token and the vocabulary: as fast as memory
    ->ArgsProduct({{1048}, {8}, {768}, {0, 1}})  // x A', dy B
    ->ArgsProduct({{1048}, {768}, {8}, {0, 1}})  // (x A') B', (dy B) A
    ->Args({768, 8, 1048, 2})                    // dB = dy' (x A')
    ->Args({8, 768, 1048, 2})                    // dA = (dy B)' x
    ->Args({768, 768, 1048, 2})                  // weight gradients of full fine-tuning
    ->Args({3072, 768, 1048, 2});

// The product with a frozen matrix at 8 bits, quantising its input included; against `gemm` of the same sizes.
void int8_product(benchmark::State& state) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const Floats x = filled(m * k), w = filled(n * k);
  Floats y(static_cast<size_t>(m * n));
  const Context ctx = context();
  const Int8Pair pair = pack_int8(
      n, k, [&](int64_t begin, int64_t end, float* rows) { std::copy(w.data() + begin * k, w.data() + end * k, rows); }, {},
      ctx.kernels->int8_limit, ctx.threads);
  const PackedInt8& p = pair.forward;
  const Int8Product product{view(p),
                            nullptr, 0.0f, y.data(), n};
  measure(state, 2.0 * static_cast<double>(m * n * k), 0.0, [&] {
    ctx.kernels->int8_products(ctx, m, k, {.x = x.data(), .x_pitch = k}, static_cast<int>(state.range(3)), 1, &product);
  });
}
BENCHMARK(int8_product)
    ->ArgNames({"m", "n", "k", "terms"})
    ->ArgsProduct({{1048}, {768}, {768}, {1, 2}})
    ->ArgsProduct({{1048}, {3072}, {768}, {1}})
    ->ArgsProduct({{1048}, {768}, {3072}, {1}})
    ->ArgsProduct({{784}, {384}, {384}, {1, 2}})
    ->ArgsProduct({{784}, {1536}, {384}, {1}})
    ->ArgsProduct({{784}, {384}, {1536}, {1}})
    ->ArgsProduct({{12}, {1536}, {384}, {1}});

// The fastest product there is here: everything in the first cache. Its rate is the roof.
void roof_gemm(benchmark::State& state) {
  const int64_t m = 384, n = 384, k = 384;
  const Floats a = filled(m * k), b = filled(n * k);
  Floats c(static_cast<size_t>(m * n));
  const Context ctx = context();
  measure(state, 2.0 * static_cast<double>(m * n * k), 0.0,
          [&] { ctx.kernels->gemm(ctx, false, false, m, n, k, 1.0f, a.data(), k, b.data(), n, 0.0f, c.data(), n); });
}
BENCHMARK(roof_gemm);

void roof_copy(benchmark::State& state) {
  const int64_t n = state.range(0) << 18;
  const Floats x = filled(n);
  Floats y(x.size());
  const Context ctx = context();
  measure(state, 0.0, 8.0 * static_cast<double>(n), [&] { ctx.kernels->axpby(ctx, n, 1.0f, x.data(), 0.0f, y.data()); });
}
BENCHMARK(roof_copy)->ArgName("MiB")->Arg(1)->Arg(8)->Arg(128);

void roof_read(benchmark::State& state) {
  const int64_t n = state.range(0) << 18;
  const Floats x = filled(n);
  const Context ctx = context();
  measure(state, 0.0, 4.0 * static_cast<double>(n), [&] { benchmark::DoNotOptimize(ctx.kernels->sum_of_squares(ctx, n, x.data())); });
}
BENCHMARK(roof_read)->ArgName("MiB")->Arg(128);

struct Attention {
  int64_t sequences, length, heads, dim, width;
  std::vector<int64_t> starts, q_starts;
  std::vector<uint64_t> row_keys;
  Floats qkv, out, dout, dqkv, lse;
  AttentionShape shape;
  explicit Attention(benchmark::State& state)
      : sequences(std::max<int64_t>(1, 2048 / state.range(0))), length(state.range(0)), heads(12), dim(state.range(1)), width(heads * dim) {
    const int64_t q_len = state.range(3) ? state.range(3) : length;
    for (int64_t b = 0; b <= sequences; ++b) starts.push_back(b * length), q_starts.push_back(b * q_len);
    const int64_t t = sequences * length;
    row_keys.assign(static_cast<size_t>(t), 12345);
    qkv = filled(t * 3 * width), out = filled(t * width), dout = filled(t * width), dqkv = filled(t * 3 * width), lse = filled(t * heads);
    shape = {.sequences = sequences,
             .heads = heads,
             .head_dim = dim,
             .q_starts = q_starts.data(),
             .k_starts = starts.data(),
             .scale = 0.125f,
             .causal = false,
             .dropout = {state.range(2) ? 0.1f : 0.0f, row_keys.data(), 7}};
  }
  double products() const { return 2.0 * static_cast<double>(q_starts.back() * length * width); }  // flops of one product
};
void attention_forward(benchmark::State& state) {
  Attention a(state);
  const Context ctx = context();
  const int64_t p = 3 * a.width;
  measure(state, 2 * a.products(), 0.0, [&] {
    ctx.kernels->attention(ctx, a.shape, a.qkv.data(), p, a.qkv.data() + a.width, p, a.qkv.data() + 2 * a.width, p, a.out.data(), a.width,
                           a.lse.data());
  });
}
void attention_backward(benchmark::State& state) {
  Attention a(state);
  const Context ctx = context();
  const int64_t p = 3 * a.width;
  const float *q = a.qkv.data(), *k = q + a.width, *v = k + a.width;
  float *dq = a.dqkv.data(), *dk = dq + a.width, *dv = dk + a.width;
  ctx.kernels->attention(ctx, a.shape, q, p, k, p, v, p, a.out.data(), a.width, a.lse.data());
  measure(state, 5 * a.products(), 0.0, [&] {
    ctx.kernels->attention_backward(ctx, a.shape, q, p, k, p, v, p, a.out.data(), a.width, a.lse.data(), a.dout.data(), a.width, dq, p, dk,
                                    p, dv, p);
  });
}
void attention_shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"S", "D", "dropout", "queries"});
  for (const int64_t d : {64, 32}) {
    for (const int64_t s : {16, 32, 64, 128, 256, 512}) b->Args({s, d, 0, 0});
    b->Args({128, d, 1, 0})->Args({128, d, 0, 1});
  }
}
BENCHMARK(attention_forward)->Apply(attention_shapes);
BENCHMARK(attention_backward)->Apply(attention_shapes);

constexpr int64_t kTokens = 1048;

void activation_forward(benchmark::State& state) {
  const int64_t c = 3072, n = kTokens * c;
  Floats u = filled(n), y(u.size());
  const Floats bias(static_cast<size_t>(c));
  const Context ctx = context();
  measure(state, 0.0, 12.0 * static_cast<double>(n), [&] {
    ctx.kernels->bias_activation(ctx, kTokens, c, bias.data(), static_cast<Activation>(state.range(0)), u.data(), c, y.data(), c);
  });
}
void activation_backward(benchmark::State& state) {
  const int64_t c = 3072, n = kTokens * c;
  const Floats u = filled(n), dy = filled(n);
  Floats dx(u.size());
  const Context ctx = context();
  measure(state, 0.0, 12.0 * static_cast<double>(n), [&] {
    ctx.kernels->activation_backward(ctx, kTokens, c, static_cast<Activation>(state.range(0)), u.data(), c, dy.data(), c, dx.data(), c);
  });
}
BENCHMARK(activation_forward)->ArgName("act")->DenseRange(1, 5);
BENCHMARK(activation_backward)->ArgName("act")->DenseRange(1, 5);

struct Norm {
  int64_t c, n;
  Floats x, r, s, y, dx, gamma, beta, mean, rstd;
  std::vector<uint64_t> row_keys;
  Dropout drop;
  explicit Norm(benchmark::State& state)
      : c(state.range(0)), n(kTokens * c), x(filled(n)), r(x), s(x), y(x), dx(x), gamma(filled(c)), beta(gamma) {
    mean.resize(kTokens), rstd.resize(kTokens, 1.0f), row_keys.assign(kTokens, 99);
    drop = {state.range(1) ? 0.1f : 0.0f, row_keys.data(), 3};
  }
};
void layer_norm_forward(benchmark::State& state) {
  Norm d(state);
  const Context ctx = context();
  measure(state, 0.0, 16.0 * static_cast<double>(d.n), [&] {
    ctx.kernels->dropout_add_layer_norm(ctx, kTokens, d.c, d.drop, d.x.data(), d.r.data(), d.gamma.data(), d.beta.data(), 1e-5f, d.s.data(),
                                        d.y.data(), d.mean.data(), d.rstd.data());
  });
}
void layer_norm_backward(benchmark::State& state) {
  Norm d(state);
  const Context ctx = context();
  measure(state, 0.0, 16.0 * static_cast<double>(d.n), [&] {
    ctx.kernels->dropout_add_layer_norm_backward(ctx, kTokens, d.c, d.drop, d.s.data(), d.gamma.data(), d.mean.data(), d.rstd.data(),
                                                 d.y.data(), d.r.data(), d.dx.data(), nullptr, nullptr);
  });
}
BENCHMARK(layer_norm_forward)->ArgNames({"C", "dropout"})->ArgsProduct({{384, 768}, {0, 1}});
BENCHMARK(layer_norm_backward)->ArgNames({"C", "dropout"})->ArgsProduct({{384, 768}, {0, 1}});

void bias_backward(benchmark::State& state) {
  const int64_t c = 3072;
  const Floats dy = filled(kTokens * c);
  Floats db(static_cast<size_t>(c));
  const Context ctx = context();
  measure(state, 0.0, 4.0 * static_cast<double>(kTokens * c),
          [&] { ctx.kernels->bias_backward(ctx, kTokens, c, dy.data(), c, db.data()); });
}
BENCHMARK(bias_backward);

void embedding_backward(benchmark::State& state) {
  const int64_t c = 768, v = 30522;
  const Floats dy = filled(kTokens * c);
  Floats table(static_cast<size_t>(v * c));
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < kTokens; ++i) ids.push_back(static_cast<int32_t>(mix64(static_cast<uint64_t>(i)) % v));
  const Context ctx = context();
  measure(state, 0.0, 12.0 * static_cast<double>(kTokens * c),
          [&] { ctx.kernels->embedding_backward(ctx, kTokens, c, v, ids.data(), 0, dy.data(), table.data()); });
}
BENCHMARK(embedding_backward);

void cross_entropy(benchmark::State& state) {
  const int64_t v = 50257, r = 64;
  Floats logits = filled(r * v), loss(static_cast<size_t>(r)), d(logits.size());
  const std::vector<int32_t> labels(static_cast<size_t>(r), 17);
  const Context ctx = context();
  measure(state, 0.0, 8.0 * static_cast<double>(r * v),
          [&] { ctx.kernels->cross_entropy(ctx, r, v, logits.data(), v, labels.data(), nullptr, 0.0f, loss.data(), d.data()); });
}
BENCHMARK(cross_entropy);

void adamw(benchmark::State& state) {
  const int64_t n = int64_t{1} << 24;
  Floats p = filled(n), g = p, m = p, v(p.size(), 0.1f);
  const Context ctx = context();
  const AdamWStep step = {1e-9f, 0.9f, 0.999f, 1e-8f, 0.01f, 0.1f, 0.001f, 1.0f};
  measure(state, 0.0, 28.0 * static_cast<double>(n), [&] { ctx.kernels->adamw(ctx, n, step, p.data(), g.data(), m.data(), v.data()); });
}
BENCHMARK(adamw)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace attune

int main(int argc, char** argv) {
  benchmark::AddCustomContext("kernels", attune::cpu_kernels().name);
  benchmark::AddCustomContext("threads", std::to_string(attune::default_threads()));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
