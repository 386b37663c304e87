// What attention's two directions share: the pieces (a sequence and a head), their memory, and products with few rows.
#pragma once

#include "kernels/cpu/attention_plan.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/vector/declare.h"
#include "kernels/cpu/vector/mask.h"
#include "kernels/cpu/vector/math.h"
#include "kernels/cpu/vector/parallel.h"
#include "kernels/cpu/vector/tile.h"

namespace attune::ATTUNE_ISA {
namespace {

constexpr int64_t kBlock = 96;   // queries whose scores are held at once
constexpr int64_t kFewRows = 4;  // up to here packing K and V costs more than it saves

/// One head of one sequence. Heads of a group share the key/value head `kv` and come one after another with the same memory.
struct Piece {
  int64_t head, kv, q_begin, q_len, k_begin, k_len;
  uint64_t dropout_key;
  bool first_of_group, last_of_group;
};

/// How many keys query i of q_len sees.
ATTUNE_INLINE int64_t visible(const AttentionShape& shape, int64_t i, int64_t q_len, int64_t k_len) {
  if (!shape.causal) return k_len;
  const int64_t n = i + 1 + (k_len - q_len);
  return n < 0 ? 0 : n;
}

ATTUNE_INLINE bool takes_few(const Piece& at, int64_t d) { return at.q_len <= kFewRows && d % kLanes == 0; }

ATTUNE_INLINE int64_t aligned(int64_t floats) { return (floats + 15) / 16 * 16; }
/// Floats between two rows of scores; one vector more than needed keeps columns of a power of two apart in the cache.
ATTUNE_INLINE int64_t score_pitch(int64_t keys) { return (vectors_for(keys) + 1) * kLanes; }

/// Asks for columns [column, column + d) of a row; the row's end may be passed. Rows lie kilobytes apart, which no hardware prefetcher
/// follows: while one head is computed, the next head's rows are asked for.
ATTUNE_INLINE void prefetch(const float* x, int64_t row, int64_t pitch, int64_t column, int64_t d) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(x) + static_cast<uintptr_t>(row * pitch + column) * sizeof(float);
  for (int64_t e = 0; e < d; e += 16) __builtin_prefetch(reinterpret_cast<const void*>(at + static_cast<uintptr_t>(e) * sizeof(float)));
}

/// body(piece, memory) for every piece, `each` floats of memory a thread.
template <typename Body>
inline void run_pieces(const Context& ctx, const AttentionShape& shape, const cpu::AttentionPlan& plan, int64_t each, const Body& body) {
  const int threads = plan.work < (1 << 17) || plan.count < 2 ? 1 : ctx.threads;
  float* memory = cpu::scratch(each * threads);
  const int64_t group = shape.group();
  const auto run = [&](const cpu::AttentionTask& task, float* mine) noexcept {
    const int64_t b = task.sequence;
    const int64_t q_begin = shape.q_starts[b], q_len = shape.q_starts[b + 1] - q_begin;
    const int64_t k_begin = shape.k_starts[b], k_len = shape.k_starts[b + 1] - k_begin;
    for (int64_t h = task.head_begin; h < task.head_end; ++h) {
      body(Piece{h, h / group, q_begin, q_len, k_begin, k_len, shape.dropout.module_key + static_cast<uint64_t>(h), h % group == 0, (h + 1) % group == 0},
           mine);
    }
  };
  if (threads == 1) {
    for (int64_t i = 0; i < plan.count; ++i) run(plan.tasks[i], memory);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    float* mine = memory + omp_get_thread_num() * each;
#pragma omp for schedule(dynamic, 1)
    for (int64_t i = 0; i < plan.count; ++i) run(plan.tasks[i], mine);
  }
}

/// C (m, n) = A (m, d) B (n, d)', d in whole vectors, zeros up to the pitch.
inline void row_dots(int64_t m, int64_t n, int64_t d, const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = 0; i < m; ++i) {
      F total = {};
      for (int64_t e = 0; e < d; e += kLanes) total = total + load(a + i * lda + e) * load(b + j * ldb + e);
      c[i * ldc + j] = sum(total);
    }
  }
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = n; j < ldc; ++j) c[i * ldc + j] = 0.0f;
  }
}

}  // namespace
}  // namespace attune::ATTUNE_ISA
