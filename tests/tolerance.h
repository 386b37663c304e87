// Every tolerance the tests use, each with its reason. A difference is |got - want| <= tolerance * (scale + |want|), with scale 1
// unless a test says otherwise. f32 rounds at 6e-8 of a value.
#pragma once

namespace attune::tolerance {

/// One vector function (exp, gelu, tanh) against double: polynomials of a few 1e-7 relative, at most 1.5e-7 where the value is about 1.
constexpr double kFunction = 6e-7;
/// The slope of one: terms cancel where the slope crosses zero, and tanh reaches 1 a few units early.
constexpr double kSlope = 2.5e-6;
/// A product over up to 1000 terms of size 1: random-walk rounding of sqrt(1000) * 6e-8, times six for the worst of many elements
/// (oneDNN's plain form, on old CPUs, adds all terms one after another).
constexpr double kProduct = 1.2e-5;
/// A row reduced to a mean and a deviation, then rescaled (layer norm): two sums and a square root.
constexpr double kNorm = 4e-6;
/// Attention and cross-entropy: a product, an exponential of it, a weighted mean.
constexpr double kSoftmax = 4e-6;
/// Attention's backward pass: probabilities recomputed from a rounded log-sum-exp, then two products with cancelling terms.
constexpr double kAttentionGradient = 2e-5;
/// Sums over a column of up to 2000 rows in f32.
constexpr double kColumnSum = 1e-5;
/// One AdamW step: a division by the square root of a moment.
constexpr double kOptimizer = 1e-6;
/// Central differences in f32 arguments of a double function: truncation h^2 with h = 1e-2 on smooth functions, and f32 outputs.
constexpr double kDifference = 2e-3;

}  // namespace attune::tolerance
