// Attention over packed sequences against the reference.
#include "kernels/support.h"

namespace attune {
namespace {

ATTUNE_EACH_TABLE(AttentionTest);

struct Case {
  std::vector<int64_t> q_lens, k_lens;
  int64_t heads, dim;
  bool causal;
  float p;
  int64_t kv_heads = 0;
};

struct Results {
  Floats out, lse, dq, dk, dv;
};

Results run(const Kernels& k, const Case& s, int threads, bool want_q = true, bool want_k = true, bool want_v = true) {
  const Context ctx = {.kernels = &k, .threads = threads};
  std::vector<int64_t> q_starts = {0}, k_starts = {0};
  for (const int64_t n : s.q_lens) q_starts.push_back(q_starts.back() + n);
  for (const int64_t n : s.k_lens) k_starts.push_back(k_starts.back() + n);
  const int64_t tq = q_starts.back(), tk = k_starts.back(), width = s.heads * s.dim, kv_width = (s.kv_heads > 0 ? s.kv_heads : s.heads) * s.dim;
  const int64_t kv_pitch = 2 * kv_width + 1, q_pitch = width + 5, o_pitch = width + 2;  // keys and values side by side
  const Floats q = normals(tq * q_pitch, 1), kv = normals(tk * kv_pitch, 2), dout = normals(tq * o_pitch, 3);
  const auto row_keys = keys(tq, 4);
  AttentionShape shape = {.sequences = static_cast<int64_t>(s.q_lens.size()),
                          .heads = s.heads,
                          .head_dim = s.dim,
                          .q_starts = q_starts.data(),
                          .k_starts = k_starts.data(),
                          .scale = 1.0f / std::sqrt(static_cast<float>(s.dim)),
                          .causal = s.causal,
                          .dropout = {s.p, row_keys.data(), 99},
                          .kv_heads = s.kv_heads};
  Results r = {Floats(tq * o_pitch, 7.0f), Floats(tq * s.heads, 7.0f), Floats(tq * q_pitch, 7.0f), Floats(tk * kv_pitch, 7.0f),
               Floats(tk * kv_pitch, 7.0f)};
  k.attention(ctx, shape, q.data(), q_pitch, kv.data(), kv_pitch, kv.data() + kv_width, kv_pitch, r.out.data(), o_pitch, r.lse.data());
  Floats again(tq * o_pitch, 7.0f);
  k.attention(ctx, shape, q.data(), q_pitch, kv.data(), kv_pitch, kv.data() + kv_width, kv_pitch, again.data(), o_pitch, nullptr);
  EXPECT_TRUE(same_bits(again, r.out));
  // The backward pass is compared on the reference's forward results, so that only its own error shows.
  Floats out(tq * o_pitch), lse(tq * s.heads);
  reference_kernels().attention(ctx, shape, q.data(), q_pitch, kv.data(), kv_pitch, kv.data() + kv_width, kv_pitch, out.data(), o_pitch,
                                lse.data());
  k.attention_backward(ctx, shape, q.data(), q_pitch, kv.data(), kv_pitch, kv.data() + kv_width, kv_pitch, out.data(), o_pitch, lse.data(),
                       dout.data(), o_pitch, want_q ? r.dq.data() : nullptr, q_pitch, want_k ? r.dk.data() : nullptr, kv_pitch,
                       want_v ? r.dv.data() : nullptr, kv_pitch);
  return r;
}

std::string describe(const Case& s) {
  std::string t = (s.kv_heads > 0 ? "KV " + std::to_string(s.kv_heads) + " " : "") +
      "D " + std::to_string(s.dim) + " H " + std::to_string(s.heads) + " p " + std::to_string(s.p) + (s.causal ? " causal" : "");
  for (size_t i = 0; i < s.q_lens.size(); ++i) t += " " + std::to_string(s.q_lens[i]) + "/" + std::to_string(s.k_lens[i]);
  return t;
}

void compare(const Kernels& k, const Case& s) {
  const Results want = run(reference_kernels(), s, 1), got = run(k, s, 2);
  const std::string at = " " + describe(s);
  expect_near(got.out, want.out, tolerance::kSoftmax, "out" + at);
  expect_near(got.lse, want.lse, tolerance::kSoftmax, "lse" + at);
  expect_near(got.dq, want.dq, tolerance::kAttentionGradient, "dq" + at);
  expect_near(got.dk, want.dk, tolerance::kAttentionGradient, "dk" + at);
  expect_near(got.dv, want.dv, tolerance::kAttentionGradient, "dv" + at);
}

TEST_P(AttentionTest, SelfAttentionOfEveryHeadSize) {
  for (const int64_t dim : {1, 3, 8, 16, 24, 31, 32, 33, 48, 64, 65, 80, 96, 128}) {
    for (const bool causal : {false, true}) {
      for (const float p : {0.0f, 0.2f}) compare(k(), {{1, 17, 0, 40, 5}, {1, 17, 0, 40, 5}, 3, dim, causal, p});
    }
  }
}

TEST_P(AttentionTest, EveryLengthToSeventy) {
  for (int64_t n = 1; n <= 70; ++n) compare(k(), {{n}, {n}, 2, 32, n % 2 == 0, n % 3 == 0 ? 0.1f : 0.0f});
}

TEST_P(AttentionTest, LongSequences) {
  for (const int64_t dim : {32, 64}) {
    for (const bool causal : {false, true}) compare(k(), {{300, 97, 131}, {300, 97, 131}, 2, dim, causal, 0.1f});
  }
}

TEST_P(AttentionTest, FewQueriesOfManyKeys) {
  for (const bool causal : {false, true}) {
    for (const int64_t dim : {5, 32, 64}) {
      compare(k(), {{1, 1, 1, 1}, {9, 1, 130, 33}, 3, dim, causal, 0.1f});
      compare(k(), {{2, 5, 20}, {50, 64, 100}, 3, dim, causal, 0.0f});
    }
  }
}

TEST_P(AttentionTest, HeadsThatShareKeysAndValues) {
  for (const int64_t dim : {6, 16, 32, 64}) {
    for (const auto& [heads, kv] : std::vector<std::pair<int64_t, int64_t>>{{4, 2}, {9, 3}, {3, 1}, {6, 6}}) {
      for (const bool causal : {false, true}) {
        compare(k(), {{1, 17, 0, 120, 5}, {1, 17, 3, 120, 5}, heads, dim, causal, 0.1f, kv});
        compare(k(), {{1, 2, 4}, {9, 130, 33}, heads, dim, causal, 0.0f, kv});
      }
    }
  }
  const Case s = {{64, 3, 1}, {64, 3, 40}, 6, 32, true, 0.1f, 2};
  const Results one = run(k(), s, 1);
  for (const int threads : {2, 3, 4}) {
    const Results more = run(k(), s, threads);
    EXPECT_TRUE(same_bits(one.out, more.out) && same_bits(one.dq, more.dq) && same_bits(one.dk, more.dk) && same_bits(one.dv, more.dv));
  }
}

TEST_P(AttentionTest, MoreQueriesThanKeys) {
  compare(k(), {{9, 40}, {4, 7}, 2, 16, false, 0.0f});
  compare(k(), {{9, 40}, {0, 0}, 2, 16, false, 0.0f});       // nothing to see: zeros, lse = -inf
  compare(k(), {{9, 40, 3}, {4, 7, 1}, 2, 16, true, 0.1f});  // the first queries see nothing
  compare(k(), {{0, 0}, {4, 7}, 2, 16, false, 0.0f});        // unseen keys get zero gradients
}

TEST_P(AttentionTest, NullGradientsAreNotWanted) {
  const Case s = {{30, 3, 70, 1}, {30, 3, 70, 12}, 2, 32, false, 0.1f};
  const Results all = run(k(), s, 2);
  for (int mask = 0; mask < 8; ++mask) {
    const Results some = run(k(), s, 2, mask & 1, mask & 2, mask & 4);
    EXPECT_TRUE(!(mask & 1) || same_bits(some.dq, all.dq)) << mask;
    EXPECT_TRUE(!(mask & 2) || same_bits(some.dk, all.dk)) << mask;
    EXPECT_TRUE(!(mask & 4) || same_bits(some.dv, all.dv)) << mask;
  }
}

TEST_P(AttentionTest, BitsDoNotDependOnThreadsOrNeighbours) {
  const Case s = {{64, 3, 17, 200, 1, 31}, {64, 3, 17, 200, 40, 31}, 3, 32, false, 0.1f};
  const Results one = run(k(), s, 1);
  for (const int threads : {2, 3, 4}) {
    const Results more = run(k(), s, threads);
    EXPECT_TRUE(same_bits(one.out, more.out) && same_bits(one.lse, more.lse) && same_bits(one.dq, more.dq) && same_bits(one.dk, more.dk) &&
                same_bits(one.dv, more.dv));
  }
}

TEST_P(AttentionTest, LargeScoresStayFinite) {
  const int64_t n = 20, d = 16;
  const Floats q = normals(n * d, 1, 40.0), kv = normals(n * d, 2, 40.0);
  const int64_t starts[] = {0, n};
  const AttentionShape shape = {
      .sequences = 1, .heads = 1, .head_dim = d, .q_starts = starts, .k_starts = starts, .scale = 1.0f, .dropout = {}};
  Floats out(n * d), want(n * d);
  k().attention(ctx(), shape, q.data(), d, kv.data(), d, kv.data(), d, out.data(), d, nullptr);
  ref().attention(ctx(), shape, q.data(), d, kv.data(), d, kv.data(), d, want.data(), d, nullptr);
  expect_near(out, want, 1e-2, "out", 40.0);  // scores of 6000 carry an f32 error of 5e-4 each
}

}  // namespace
}  // namespace attune
