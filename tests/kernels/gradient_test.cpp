// The reference's backward kernels against central differences of its forward kernels: the specification itself is checked here.
#include <functional>

#include "kernels/support.h"

namespace attune {
namespace {

const Context kContext = {.kernels = &reference_kernels()};
const Kernels& kRef = reference_kernels();

// d loss / d x[i] for each i, where loss = sum of weights . outputs as `outputs` computes them from x.
Floats differences(Floats x, const Floats& weights, const std::function<Floats(const Floats&)>& outputs) {
  const auto loss = [&] {
    const Floats y = outputs(x);
    double sum = 0.0;
    for (size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(y[i]) * weights[i];
    return sum;
  };
  Floats d(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const float old = x[i];
    x[i] = old + 1e-2f;
    const double right = loss(), at_right = x[i];
    x[i] = old - 1e-2f;
    d[i] = static_cast<float>((right - loss()) / (at_right - x[i]));
    x[i] = old;
  }
  return d;
}

TEST(GradientTest, Activations) {
  for (const Activation act :
       {Activation::kNone, Activation::kGelu, Activation::kGeluNew, Activation::kRelu, Activation::kSilu, Activation::kTanh}) {
    Floats x = normals(40, 1), dy = normals(40, 2), dx(40);
    for (float& v : x) v += v < 0.0f ? -0.02f : 0.02f;  // away from relu's corner
    kRef.activation_backward(kContext, 1, 40, act, x.data(), 40, dy.data(), 40, dx.data(), 40);
    expect_near(dx,
                differences(x, dy,
                            [&](Floats u) {
                              Floats y = u;
                              kRef.bias_activation(kContext, 1, 40, nullptr, act, u.data(), 40, y.data(), 40);
                              return y;
                            }),
                tolerance::kDifference, "dx");
  }
}

TEST(GradientTest, LayerNorm) {
  const int64_t t = 3, c = 7;
  const auto row_keys = keys(t, 1);
  const Dropout drop = {0.3f, row_keys.data(), 9};
  const Floats x = normals(t * c, 1), res = normals(t * c, 2), gamma = normals(c, 3), beta = normals(c, 4), dy = normals(t * c, 5);
  Floats s(t * c), mean(t), rstd(t);
  const auto forward = [&](const Floats& x_, const Floats& res_, const Floats& gamma_, const Floats& beta_) {
    Floats y(t * c);
    kRef.dropout_add_layer_norm(kContext, t, c, drop, x_.data(), res_.data(), gamma_.data(), beta_.data(), 1e-5f, s.data(), y.data(),
                                mean.data(), rstd.data());
    return y;
  };
  forward(x, res, gamma, beta);
  Floats ds(t * c), dx(t * c), dgamma(c), dbeta(c);
  kRef.dropout_add_layer_norm_backward(kContext, t, c, drop, s.data(), gamma.data(), mean.data(), rstd.data(), dy.data(), ds.data(),
                                       dx.data(), dgamma.data(), dbeta.data());
  expect_near(ds, differences(res, dy, [&](const Floats& v) { return forward(x, v, gamma, beta); }), tolerance::kDifference, "ds");
  expect_near(dx, differences(x, dy, [&](const Floats& v) { return forward(v, res, gamma, beta); }), tolerance::kDifference, "dx");
  expect_near(dgamma, differences(gamma, dy, [&](const Floats& v) { return forward(x, res, v, beta); }), tolerance::kDifference, "dgamma");
  expect_near(dbeta, differences(beta, dy, [&](const Floats& v) { return forward(x, res, gamma, v); }), tolerance::kDifference, "dbeta");
}

TEST(GradientTest, RmsNorm) {
  const int64_t t = 3, c = 7;
  const Floats x = normals(t * c, 1), gamma = normals(c, 2), dy = normals(t * c, 3);
  Floats rstd(t), dx(t * c), dgamma(c);
  const auto forward = [&](const Floats& x_, const Floats& gamma_) {
    Floats y(t * c);
    kRef.rms_norm(kContext, t, c, x_.data(), gamma_.data(), 1e-5f, y.data(), rstd.data());
    return y;
  };
  forward(x, gamma);
  kRef.rms_norm_backward(kContext, t, c, x.data(), gamma.data(), rstd.data(), dy.data(), dx.data(), dgamma.data());
  expect_near(dx, differences(x, dy, [&](const Floats& v) { return forward(v, gamma); }), tolerance::kDifference, "dx");
  expect_near(dgamma, differences(gamma, dy, [&](const Floats& v) { return forward(x, v); }), tolerance::kDifference, "dgamma");
}

TEST(GradientTest, Gated) {
  const int64_t n = 30;
  const Floats gate = normals(n, 1), up = normals(n, 2), dy = normals(n, 3);
  Floats dgate(n), dup(n);
  kRef.gated_backward(kContext, 1, n, Activation::kSilu, gate.data(), n, up.data(), n, dy.data(), n, dgate.data(), dup.data(), n);
  const auto forward = [&](const Floats& g, const Floats& u) {
    Floats y(n);
    kRef.gated(kContext, 1, n, Activation::kSilu, g.data(), n, u.data(), n, y.data(), n);
    return y;
  };
  expect_near(dgate, differences(gate, dy, [&](const Floats& v) { return forward(v, up); }), tolerance::kDifference, "dgate");
  expect_near(dup, differences(up, dy, [&](const Floats& v) { return forward(gate, v); }), tolerance::kDifference, "dup");
}

TEST(GradientTest, Attention) {
  for (const int64_t kv_heads : {2, 1})
  for (const bool causal : {false, true}) {
    const int64_t heads = 2, d = 3, width = heads * d, kv_width = kv_heads * d, tq = 6, tk = 8;
    const int64_t q_starts[] = {0, 4, tq}, k_starts[] = {0, 4, tk};
    const auto row_keys = keys(tq, 1);
    const AttentionShape shape = {.sequences = 2,
                                  .heads = heads,
                                  .head_dim = d,
                                  .q_starts = q_starts,
                                  .k_starts = k_starts,
                                  .scale = 0.6f,
                                  .causal = causal,
                                  .dropout = {0.2f, row_keys.data(), 5},
                                  .kv_heads = kv_heads};
    const Floats q = normals(tq * width, 1), k = normals(tk * kv_width, 2), v = normals(tk * kv_width, 3), dout = normals(tq * width, 4);
    Floats lse(tq * heads);
    const auto forward = [&](const Floats& q_, const Floats& k_, const Floats& v_) {
      Floats out(tq * width);
      kRef.attention(kContext, shape, q_.data(), width, k_.data(), kv_width, v_.data(), kv_width, out.data(), width, lse.data());
      return out;
    };
    const Floats out = forward(q, k, v);
    Floats dq(tq * width), dk(tk * kv_width), dv(tk * kv_width);
    kRef.attention_backward(kContext, shape, q.data(), width, k.data(), kv_width, v.data(), kv_width, out.data(), width, lse.data(), dout.data(),
                            width, dq.data(), width, dk.data(), kv_width, dv.data(), kv_width);
    expect_near(dq, differences(q, dout, [&](const Floats& x) { return forward(x, k, v); }), tolerance::kDifference, "dq");
    expect_near(dk, differences(k, dout, [&](const Floats& x) { return forward(q, x, v); }), tolerance::kDifference, "dk");
    expect_near(dv, differences(v, dout, [&](const Floats& x) { return forward(q, k, x); }), tolerance::kDifference, "dv");
  }
}

TEST(GradientTest, CrossEntropy) {
  const int64_t r = 4, v = 5;
  const Floats logits = normals(r * v, 1), weight = {0.5f, 1.0f, 2.0f, 0.7f, 1.3f};
  const std::vector<int32_t> labels = {0, 3, -100, 4};
  for (const float smoothing : {0.0f, 0.2f}) {
    Floats loss(r), d(r * v);
    kRef.cross_entropy(kContext, r, v, logits.data(), v, labels.data(), weight.data(), smoothing, loss.data(), d.data());
    expect_near(d,
                differences(logits, Floats(r, 1.0f),
                            [&](const Floats& x) {
                              Floats l(r);
                              kRef.cross_entropy(kContext, r, v, x.data(), v, labels.data(), weight.data(), smoothing, l.data(), nullptr);
                              return l;
                            }),
                tolerance::kDifference, "dlogits");
  }
}

TEST(GradientTest, SumsAndScatters) {
  const int64_t t = 5, c = 3, v = 4;
  const std::vector<int32_t> ids = {1, 3, 1, 0, 2};
  const Floats table = normals(v * c, 1), dy = normals(t * c, 2), bias = normals(c, 3);
  Floats dtable(v * c), dbias(c);
  kRef.embedding_backward(kContext, t, c, v, ids.data(), -1, dy.data(), dtable.data());
  expect_near(dtable,
              differences(table, dy,
                          [&](const Floats& x) {
                            Floats y(t * c);
                            kRef.embedding(kContext, t, c, ids.data(), x.data(), 0.0f, y.data());
                            return y;
                          }),
              tolerance::kDifference, "dtable");
  kRef.bias_backward(kContext, t, c, dy.data(), c, dbias.data());
  expect_near(dbias,
              differences(bias, dy,
                          [&](const Floats& x) {
                            Floats u(t * c), y(t * c);
                            kRef.bias_activation(kContext, t, c, x.data(), Activation::kNone, u.data(), c, y.data(), c);
                            return u;
                          }),
              tolerance::kDifference, "dbias");
}

}  // namespace
}  // namespace attune
