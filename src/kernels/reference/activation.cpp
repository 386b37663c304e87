// Bias and activation. gelu(x) = x Phi(x) (Hendrycks and Gimpel, 2016); gelu_new its tanh form, as GPT-2 uses it.
#include "kernels/reference/reference.h"

namespace attune::reference {

namespace {
constexpr double kSqrtHalf = 0.70710678118654752440;
constexpr double kInvSqrt2Pi = 0.39894228040143267794;
constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kCubic = 0.044715;
}  // namespace

double activate(Activation act, double x) {
  switch (act) {
    case Activation::kNone:
      return x;
    case Activation::kGelu:
      return 0.5 * x * (1.0 + std::erf(x * kSqrtHalf));
    case Activation::kGeluNew:
      return 0.5 * x * (1.0 + std::tanh(kSqrt2OverPi * (x + kCubic * x * x * x)));
    case Activation::kRelu:
      return x < 0.0 ? 0.0 : x;
    case Activation::kSilu:
      return x / (1.0 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
  }
  return x;
}

double activate_slope(Activation act, double x) {
  switch (act) {
    case Activation::kNone:
      return 1.0;
    case Activation::kGelu:
      return 0.5 * (1.0 + std::erf(x * kSqrtHalf)) + x * kInvSqrt2Pi * std::exp(-0.5 * x * x);
    case Activation::kGeluNew: {
      const double t = std::tanh(kSqrt2OverPi * (x + kCubic * x * x * x));
      return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * kSqrt2OverPi * (1.0 + 3.0 * kCubic * x * x);
    }
    case Activation::kRelu:
      return x > 0.0 ? 1.0 : 0.0;
    case Activation::kSilu: {
      const double s = 1.0 / (1.0 + std::exp(-x));
      return s * (1.0 + x * (1.0 - s));
    }
    case Activation::kTanh: {
      const double t = std::tanh(x);
      return 1.0 - t * t;
    }
  }
  return 1.0;
}

void bias_activation(const Context&, int64_t t, int64_t c, const float* bias, Activation act, float* u, int64_t u_pitch, float* y,
                     int64_t y_pitch) {
  for (int64_t i = 0; i < t; ++i) {
    for (int64_t j = 0; j < c; ++j) {
      float& x = u[i * u_pitch + j];
      if (bias) x += bias[j];
      if (act != Activation::kNone) y[i * y_pitch + j] = static_cast<float>(activate(act, x));
    }
  }
}

void activation_backward(const Context&, int64_t t, int64_t c, Activation act, const float* u, int64_t u_pitch, const float* dy,
                         int64_t dy_pitch, float* dx, int64_t dx_pitch) {
  for (int64_t i = 0; i < t; ++i) {
    for (int64_t j = 0; j < c; ++j) {
      dx[i * dx_pitch + j] = static_cast<float>(dy[i * dy_pitch + j] * activate_slope(act, u[i * u_pitch + j]));
    }
  }
}

void bias_backward(const Context&, int64_t t, int64_t c, const float* dy, int64_t dy_pitch, float* dbias) {
  for (int64_t j = 0; j < c; ++j) {
    double sum = 0.0;
    for (int64_t i = 0; i < t; ++i) sum += dy[i * dy_pitch + j];
    dbias[j] = static_cast<float>(dbias[j] + sum);
  }
}

}  // namespace attune::reference
