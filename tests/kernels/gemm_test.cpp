// Products against the reference: all transpositions, pitches, thin and odd sizes, alpha and beta.
#include "kernels/support.h"

namespace attune {
namespace {

ATTUNE_EACH_TABLE(GemmTest);

struct Size {
  int64_t m, n, k;
};

void compare(const Kernels& k, const Size& s, bool ta, bool tb, float alpha, float beta, int threads) {
  const Context ctx = {.kernels = &k, .threads = threads};
  const int64_t lda = (ta ? s.m : s.k) + 3, ldb = (tb ? s.k : s.n) + 1, ldc = s.n + 2;
  const Floats a = normals((ta ? s.k : s.m) * lda, 1), b = normals((tb ? s.n : s.k) * ldb, 2);
  Floats c1 = beta == 0.0f ? Floats(s.m * ldc, 3.0f) : normals(s.m * ldc, 3), c2 = c1;
  if (beta == 0.0f) {  // never read: NaN may lie there
    for (int64_t i = 0; i < s.m; ++i) std::fill_n(&c2[i * ldc], s.n, NAN);
  }
  reference_kernels().gemm(ctx, ta, tb, s.m, s.n, s.k, alpha, a.data(), lda, b.data(), ldb, beta, c1.data(), ldc);
  k.gemm(ctx, ta, tb, s.m, s.n, s.k, alpha, a.data(), lda, b.data(), ldb, beta, c2.data(), ldc);
  expect_near(c2, c1, tolerance::kProduct,
              "C " + std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) + (ta ? " T" : " N") + (tb ? "T" : "N"),
              std::sqrt(1.0 + static_cast<double>(s.k)) * 0.3);
}

TEST_P(GemmTest, MatchesReference) {
  const Size sizes[] = {{1, 1, 1},    {0, 3, 4},     {3, 0, 4},     {5, 7, 3},     {17, 31, 13},   {64, 64, 64},   {61, 97, 101},
                        {1, 384, 96}, {130, 8, 384}, {130, 384, 8}, {384, 8, 130}, {8, 384, 130},  {67, 1, 33},    {67, 2, 768},
                        {33, 16, 65}, {129, 4, 17},  {129, 17, 4},  {4, 129, 17},  {1000, 12, 77}, {77, 40, 1000}, {13, 77, 1000}};
  for (const Size& s : sizes) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        compare(k(), s, ta, tb, 1.0f, 0.0f, 2);
        compare(k(), s, ta, tb, 0.5f, 1.0f, 1);
        compare(k(), s, ta, tb, -2.0f, 0.25f, 3);
      }
    }
  }
}

TEST_P(GemmTest, EmptyInnerDimensionScalesC) {
  Floats c = {1.0f, 2.0f}, a(1), b(1);
  k().gemm(ctx(), false, false, 1, 2, 0, 1.0f, a.data(), 1, b.data(), 2, 0.5f, c.data(), 2);
  EXPECT_THAT(c, testing::ElementsAre(0.5f, 1.0f));
  k().gemm(ctx(), false, false, 1, 2, 0, 1.0f, a.data(), 1, b.data(), 2, 0.0f, c.data(), 2);
  EXPECT_THAT(c, testing::ElementsAre(0.0f, 0.0f));
}

}  // namespace
}  // namespace attune
