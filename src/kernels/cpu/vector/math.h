// exp, tanh and the normal distribution's tail on vectors; a few units in the last place, NaN goes through.
#pragma once

#include "kernels/cpu/vector/vec.h"

namespace attune::ATTUNE_ISA {
namespace {

/// e^x for x up to 88: x = n ln 2 + f, |f| <= ln 2 / 2, polynomial of Cephes (Moshier) for e^f. 0 below -87.3 (no denormals).
ATTUNE_INLINE F vexp_below_88(F x) {
  const F y = vmax(set1(-87.3f), x);  // second operand: NaN passes
  const F n = round_nearest(y * 1.44269504088896341f);
  F f = y - n * 0.693359375f;
  f = f + n * 2.12194440e-4f;
  F p = f * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * f + 8.3334519073e-3f;
  p = p * f + 4.1665795894e-2f;
  p = p * f + 1.6666665459e-1f;
  p = p * f + 5.0000001201e-1f;
  p = p * (f * f) + (f + 1.0f);
  return x < set1(-87.3f) ? F{} : times_power_of_2(p, n);
}
/// e^x; stays at e^88 above 88.
ATTUNE_INLINE F vexp(F x) { return vexp_below_88(vmin(set1(88.0f), x)); }

/// Rational approximation of Eigen's ptanh (odd degree 13 over even degree 6), saturated where f32 is 1.
ATTUNE_INLINE F vtanh(F x) {
  const F y = vmin(set1(7.90531110763549805f), vmax(set1(-7.90531110763549805f), x));
  const F z = y * y;
  F p = z * -2.76076847742355e-16f + 2.00018790482477e-13f;
  p = p * z + -8.60467152213735e-11f;
  p = p * z + 5.12229709037114e-08f;
  p = p * z + 1.48572235717979e-05f;
  p = p * z + 6.37261928875436e-04f;
  p = p * z + 4.89352455891786e-03f;
  F q = z * 1.19825839466702e-06f + 1.18534705686654e-04f;
  q = q * z + 2.26843463243900e-03f;
  q = q * z + 4.89352518554385e-03f;
  return y * p / q;
}

/// For a = |x|: *density = e^(-a^2/2) and the tail Phi(-a) = density * t * poly(t), t = 1 / (1 + 0.35 a). The polynomial is a
/// relative minimax fit of erfcx over a in [0, 14], error 3.2e-8.
ATTUNE_INLINE F normal_tail(F x, F* density) {
  const F a = vabs(x);
  const F t = 1.0f / (a * 0.35f + 1.0f);
  F p = t * -0.029145928099751472f + 0.14397168159484863f;
  p = p * t + -0.2557142376899719f;
  p = p * t + 0.1591741293668747f;
  p = p * t + -0.023109814152121544f;
  p = p * t + 0.105507992208004f;
  p = p * t + 0.11983287334442139f;
  p = p * t + 0.13986186683177948f;
  p = p * t + 0.13962140679359436f;
  *density = vexp(x * x * -0.5f);
  return *density * t * p;
}

ATTUNE_INLINE F gelu(F x) {
  F density;
  const F part = x * normal_tail(x, &density);
  return x < F{} ? part : x - part;
}
ATTUNE_INLINE F gelu_slope(F x) {
  F density;
  const F tail = normal_tail(x, &density);
  return (x < F{} ? tail : 1.0f - tail) + x * density * 0.39894228040143268f;
}

/// 0.5 (1 + tanh(w)) = 1 / (1 + e^(-2 w)).
ATTUNE_INLINE F logistic(F x) { return 1.0f / (vexp(-x) + 1.0f); }
ATTUNE_INLINE F gelu_new(F x) { return x * logistic(x * (x * x * 0.044715f + 1.0f) * 1.5957691216057308f); }
/// The slope of logistic is s (1 - s) = s (e^-x s): no cancellation where s is nearly 1.
ATTUNE_INLINE F gelu_new_slope(F x) {
  const F e = vexp(x * (x * x * 0.044715f + 1.0f) * -1.5957691216057308f), s = 1.0f / (e + 1.0f);
  return s + x * (s * (e * s)) * 1.5957691216057308f * (x * x * 0.134145f + 1.0f);
}
ATTUNE_INLINE F relu(F x) { return x < F{} ? F{} : x; }
ATTUNE_INLINE F relu_slope(F x) { return x > F{} ? set1(1.0f) : F{}; }
ATTUNE_INLINE F silu(F x) { return x * logistic(x); }
ATTUNE_INLINE F silu_slope(F x) {
  const F e = vexp(-x), s = 1.0f / (e + 1.0f);
  return s * (x * (e * s) + 1.0f);
}
ATTUNE_INLINE F tanh_slope(F x) {
  const F t = vtanh(x);
  return 1.0f - t * t;
}

}  // namespace
}  // namespace attune::ATTUNE_ISA
