// A row's 8-bit products are the same bits wherever the row stands: among others, in tiles of any height, or alone.
#include <gtest/gtest.h>

#include "nn/product.h"
#include "support/random_tensor.h"

namespace attune {
namespace {

using testing::random_tensor;

TEST(Int8Rows, DoNotDependOnTheirPlace) {
  Context ctx;
  ctx.kernels = &cpu_kernels();
  ctx.threads = 1;
  for (const auto& [in, out] : {std::pair<int64_t, int64_t>{32, 64}, {30, 50}, {384, 96}})
    for (const int terms : {1, 2}) {
      Weight w(out, in);
      w.f32.var.data = random_tensor({out, in}, 1, 0.1);
      use_int8(w, {}, ctx.kernels->int8_limit, true, 1);
      w.terms = terms;
      const Tensor bias = random_tensor({out}, 2), x = random_tensor({15, in}, 3);  // two tiles of six rows, one of two, one of one
      Tensor together({15, out});
      const ProductOutput all{&w, bias.f32(), together.f32(), out};
      products(ctx, x, {&all, 1});
      for (int64_t r = 0; r < 15; ++r) {
        Tensor alone({1, out});
        const ProductOutput one{&w, bias.f32(), alone.f32(), out};
        products(ctx, x.row_range(r, 1), {&one, 1});
        for (int64_t n = 0; n < out; ++n) ASSERT_EQ(alone.f32()[n], together.f32()[r * out + n]) << "row " << r << ", output " << n << ", " << terms;
      }
    }
}

}  // namespace
}  // namespace attune
