// Dropout, embeddings and rows picked out of matrices.
#include "kernels/cpu/vector/declare.h"
#include "kernels/cpu/vector/mask.h"
#include "kernels/cpu/vector/parallel.h"

namespace attune::ATTUNE_ISA {
namespace {

ATTUNE_INLINE void copy_row(int64_t c, const float* from, float* to) {
  lanes(
      c, [=](int64_t j) { store(to + j, load(from + j)); }, [=](int64_t j, int64_t n) { store_part(to + j, load_part(from + j, n), n); });
}
ATTUNE_INLINE void add_row(int64_t c, const float* from, float* to) {
  lanes(
      c, [=](int64_t j) { store(to + j, load(to + j) + load(from + j)); },
      [=](int64_t j, int64_t n) { store_part(to + j, load_part(to + j, n) + load_part(from + j, n), n); });
}

}  // namespace

void dropout(const Context& ctx, int64_t t, int64_t c, const Dropout& drop, const float* x, int64_t x_pitch, float* y, int64_t y_pitch) {
  const Mask mask = mask_of(drop);
  const uint64_t key = drop.module_key;
  parallel_rows(ctx, t, c, [=](int64_t i) {
    const float* from = x + i * x_pitch;
    float* to = y + i * y_pitch;
    if (!mask.row_keys) return copy_row(c, from, to);
    const RowMask row = row_mask(mask, key, i);
    lanes(
        c, [=](int64_t j) { store(to + j, load(from + j) * keep_factor(row, j)); },
        [=](int64_t j, int64_t n) { store_part(to + j, load_part(from + j, n) * keep_factor(row, j), n); });
  });
}

void embedding(const Context& ctx, int64_t t, int64_t c, const int32_t* ids, const float* table, float beta, float* y) {
  parallel_rows(ctx, t, c, [=](int64_t i) {
    const float* from = table + static_cast<int64_t>(ids[i]) * c;
    float* to = y + i * c;
    if (beta == 0.0f) return copy_row(c, from, to);
    lanes(
        c, [=](int64_t j) { store(to + j, load(to + j) * beta + load(from + j)); },
        [=](int64_t j, int64_t n) { store_part(to + j, load_part(to + j, n) * beta + load_part(from + j, n), n); });
  });
}

// Columns are shared out, so additions to a row keep the order of t.
void embedding_backward(const Context& ctx, int64_t t, int64_t c, int64_t, const int32_t* ids, int32_t skip, const float* dy,
                        float* dtable) {
  parallel_ranges(team(ctx, t * c), c, 4 * kLanes, [=](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < t; ++i) {
      if (ids[i] != skip) add_row(end - begin, dy + i * c + begin, dtable + static_cast<int64_t>(ids[i]) * c + begin);
    }
  });
}

void gather_rows(const Context& ctx, int64_t r, int64_t c, const int64_t* rows, const float* x, int64_t x_pitch, float* y,
                 int64_t y_pitch) {
  parallel_rows(ctx, r, c, [=](int64_t i) { copy_row(c, x + rows[i] * x_pitch, y + i * y_pitch); });
}

void scatter_add_rows(const Context& ctx, int64_t r, int64_t c, const int64_t* rows, const float* dy, int64_t dy_pitch, float* dx,
                      int64_t dx_pitch) {
  parallel_rows(ctx, r, c, [=](int64_t i) { add_row(c, dy + i * dy_pitch, dx + rows[i] * dx_pitch); });
}

}  // namespace attune::ATTUNE_ISA
