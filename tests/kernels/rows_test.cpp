// Dropout masks, embeddings, gathered rows: against the reference and bit for bit.
#include "kernels/support.h"

namespace attune {
namespace {

ATTUNE_EACH_TABLE(RowsTest);

TEST_P(RowsTest, DropoutMaskIsTheSameEverywhere) {
  for (const int64_t c : kWidths) {
    for (const float p : {0.0f, 1e-6f, 0.1f, 0.5f, 0.9f, 0.99999994f, 1.0f}) {
      const int64_t t = 41, x_pitch = c + 4, y_pitch = c + 1;
      const auto row_keys = keys(t, 3);
      const Dropout drop = {p, row_keys.data(), 0x1234567890abcdefu};
      const Floats x(t * x_pitch, 1.0f);
      Floats a(t * y_pitch, 5.0f), b = a;
      ref().dropout(ctx(), t, c, drop, x.data(), x_pitch, a.data(), y_pitch);
      k().dropout(ctx(), t, c, drop, x.data(), x_pitch, b.data(), y_pitch);
      ASSERT_TRUE(same_bits(a, b)) << "C " << c << " p " << p;
      Floats in_place = x;
      k().dropout(ctx(), t, c, drop, in_place.data(), x_pitch, in_place.data(), x_pitch);
      for (int64_t i = 0; i < t; ++i) ASSERT_EQ(0, std::memcmp(&in_place[i * x_pitch], &b[i * y_pitch], c * sizeof(float)));
    }
  }
}

TEST_P(RowsTest, DropoutKeepsItsShare) {
  const int64_t t = 200, c = 500;
  const auto row_keys = keys(t, 9);
  const Floats x(t * c, 1.0f);
  Floats y(t * c);
  k().dropout(ctx(), t, c, {0.3f, row_keys.data(), 5}, x.data(), c, y.data(), c);
  double kept = 0.0;
  for (const float v : y) kept += v != 0.0f;
  EXPECT_NEAR(kept / static_cast<double>(t * c), 0.7, 4.0 * std::sqrt(0.21 / static_cast<double>(t * c)));  // four deviations
}

TEST_P(RowsTest, EmbeddingAndItsBackward) {
  for (const int64_t c : kWidths) {
    for (const int64_t t : {0, 1, 83}) {
      const int64_t v = 23;
      std::vector<int32_t> ids;
      Random random(4);
      for (int64_t i = 0; i < t; ++i) ids.push_back(static_cast<int32_t>(random.below(v)));
      const Floats table = normals(v * c, 1), dy = normals(t * c, 2);
      for (const float beta : {0.0f, 1.0f, 0.5f}) {
        Floats a = beta == 0.0f ? Floats(t * c, NAN) : normals(t * c, 3), b = a;
        ref().embedding(ctx(), t, c, ids.data(), table.data(), beta, a.data());
        k().embedding(ctx(), t, c, ids.data(), table.data(), beta, b.data());
        expect_near(b, a, tolerance::kFunction, "y");
      }
      for (const int32_t skip : {-1, 3}) {
        Floats a = normals(v * c, 5), b = a;
        ref().embedding_backward(ctx(), t, c, v, ids.data(), skip, dy.data(), a.data());
        k().embedding_backward(ctx(), t, c, v, ids.data(), skip, dy.data(), b.data());
        EXPECT_TRUE(same_bits(a, b));  // additions in the order of t
      }
    }
  }
}

TEST_P(RowsTest, GatherAndScatter) {
  for (const int64_t c : kWidths) {
    const std::vector<int64_t> rows = {5, 0, 12, 3};
    const int64_t x_pitch = c + 2, y_pitch = c + 3, n = 13, r = 4;
    const Floats x = normals(n * x_pitch, 1), dy = normals(r * y_pitch, 2);
    Floats a(r * y_pitch, 5.0f), b = a;
    ref().gather_rows(ctx(), r, c, rows.data(), x.data(), x_pitch, a.data(), y_pitch);
    k().gather_rows(ctx(), r, c, rows.data(), x.data(), x_pitch, b.data(), y_pitch);
    EXPECT_TRUE(same_bits(a, b));
    Floats da = x, db = x;
    ref().scatter_add_rows(ctx(), r, c, rows.data(), dy.data(), y_pitch, da.data(), x_pitch);
    k().scatter_add_rows(ctx(), r, c, rows.data(), dy.data(), y_pitch, db.data(), x_pitch);
    EXPECT_TRUE(same_bits(da, db));
    k().gather_rows(ctx(), 0, c, rows.data(), x.data(), x_pitch, nullptr, y_pitch);
  }
}

}  // namespace
}  // namespace attune
