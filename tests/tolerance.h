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
/// An 8-bit product against the same in f32, as |difference| / |product|: rounding inputs at 127 steps to the largest of 128 normal
/// values (about 2.7 deviations) and weights at 127 or, without saturation-free sums, 63 steps leaves 0.6 % each, or 1.3 % of the latter.
constexpr double kInt8Product = 0.025;
/// Gradients through two such products and an activation's slope: three to four roundings of kInt8Product's kind.
constexpr double kInt8Gradient = 0.05;
/// The same through a ReLU: where its input is about zero, rounding turns the slope from 0 to 1.
constexpr double kInt8Kink = 0.12;
/// Two 8-bit products of inputs that differ in their last bits: now and then a code is another, by 1 of 127 steps.
constexpr double kInt8Flips = 0.01;
/// Losses of the first five steps of a tiny model with 8-bit products against the same in f32: gradients 1-3 % off.
constexpr double kInt8Start = 0.02;
/// The same steps by two tables: only now and then a code is another.
constexpr double kInt8StartFlips = 0.01;
/// All twenty: at these learning rates the adapter's path turns, and the loss with it.
constexpr double kInt8Curve = 0.05;
/// A product of three factors taken in another order.
constexpr double kRescaled = 3e-7;
/// Central differences in f32 arguments of a double function: truncation h^2 with h = 1e-2 on smooth functions, and f32 outputs.
constexpr double kDifference = 2e-3;

}  // namespace attune::tolerance
