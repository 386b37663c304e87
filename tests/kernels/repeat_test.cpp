// Determinism: the same bits every time; and, for our own kernels, whatever the number of threads.
#include "kernels/support.h"

namespace attune {
namespace {

ATTUNE_EACH_TABLE(RepeatTest);

// One pass over the kernels that reduce; everything they wrote, in a row.
Floats all_results(const Kernels& k, int threads) {
  const Context ctx = {.kernels = &k, .threads = threads};
  const int64_t t = 701, c = 100, v = 50;
  const auto row_keys = keys(t, 1);
  const Dropout drop = {0.1f, row_keys.data(), 3};
  const Floats x = normals(t * c, 1), r = normals(t * c, 2), gamma = normals(c, 3), beta = normals(c, 4), dy = normals(t * c, 5);
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < t; ++i) ids.push_back(static_cast<int32_t>(mix64(i) % v));
  Floats s(t * c), y(t * c), mean(t), rstd(t), ds(t * c), dx(t * c), dgamma(c), dbeta(c), dbias(c), dtable(v * c), loss(t), dlogits(t * c);
  k.dropout_add_layer_norm(ctx, t, c, drop, x.data(), r.data(), gamma.data(), beta.data(), 1e-5f, s.data(), y.data(), mean.data(),
                           rstd.data());
  k.dropout_add_layer_norm_backward(ctx, t, c, drop, s.data(), gamma.data(), mean.data(), rstd.data(), dy.data(), ds.data(), dx.data(),
                                    dgamma.data(), dbeta.data());
  k.bias_backward(ctx, t, c, dy.data(), c, dbias.data());
  k.embedding_backward(ctx, t, c, v, ids.data(), 0, dy.data(), dtable.data());
  k.cross_entropy(ctx, t, c, x.data(), c, ids.data(), nullptr, 0.1f, loss.data(), dlogits.data());
  const double squares = k.sum_of_squares(ctx, t * c, x.data());
  Floats bits(2);
  std::memcpy(bits.data(), &squares, sizeof squares);
  Floats all;
  for (const Floats* f : {&s, &y, &mean, &rstd, &ds, &dx, &dgamma, &dbeta, &dbias, &dtable, &loss, &dlogits, &bits}) {
    all.insert(all.end(), f->begin(), f->end());
  }
  return all;
}

TEST_P(RepeatTest, SameBitsWhateverTheThreads) {
  const Floats one = all_results(k(), 1);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(same_bits(all_results(k(), 1 + i % 4), one)) << i;
}

TEST_P(RepeatTest, ProductsRepeat) {
  const int64_t m = 257, n = 190, kk = 301;
  const Floats a = normals(m * kk, 1), b = normals(n * kk, 2);
  for (const int threads : {1, 2}) {
    Floats first;
    for (int i = 0; i < 20; ++i) {
      Floats c(m * n);
      k().gemm(ctx(threads), false, true, m, n, kk, 1.0f, a.data(), kk, b.data(), kk, 0.0f, c.data(), n);
      if (i == 0) first = c;
      ASSERT_TRUE(same_bits(c, first)) << threads << " threads, time " << i;
    }
  }
}

}  // namespace
}  // namespace attune
