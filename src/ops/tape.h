// Reverse-mode differentiation over coarse ops. An op computes its output with kernels and, when some input needs a gradient,
// records one closure; what backward needs is named in the closure's captures, so memory is visible. Nothing is recorded where no
// input needs a gradient: a frozen part costs no memory and backward stops at the lowest trainable layer.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernels/kernels.h"
#include "tensor/tensor.h"

namespace attune {

/// One key a row: made of seed, epoch, row id and token position; what dropout masks hang on (Dropout in kernels.h).
using TokenKeys = std::shared_ptr<const std::vector<uint64_t>>;

/// The gradient of one value. A parameter's stays between steps and is added to; an activation's is made when first written and
/// dropped once its producer's backward has run.
class Gradient {
 public:
  /// Where a kernel with a `beta` argument puts its contribution: beta 0 the first time, 1 afterwards.
  struct Target {
    float* data;
    int64_t pitch;
    float beta;
  };
  Target target(const Context&, const Shape& shape);
  /// Adds a finished contribution; the first one is taken over without a copy.
  void add(const Context&, Tensor contribution);
  bool written() const { return !value_.empty(); }
  const Tensor& value() const { return value_; }
  Tensor& value() { return value_; }
  void drop() { value_ = Tensor(); }

  /// A parameter's: zeros of class kGradients.
  static std::shared_ptr<Gradient> of_parameter(const Shape& shape);
  bool is_parameter() const { return parameter_; }

 private:
  void make_unique(const Context&);
  Tensor value_;
  bool parameter_ = false;
};

/// A value in a forward pass: data, the place of its gradient (null: none wanted), and the dropout keys of its rows.
struct Var {
  Tensor data;
  std::shared_ptr<Gradient> grad;
  TokenKeys keys;

  Var() = default;
  explicit Var(Tensor t, TokenKeys k = nullptr) : data(std::move(t)), keys(std::move(k)) {}
  bool wants_grad() const { return grad != nullptr; }
  int64_t rows() const { return data.rows(); }
  int64_t cols() const { return data.cols(); }
};

class Tape {
 public:
  /// `recompute`: layers keep only their input and run again in backward (nn/recompute.h).
  explicit Tape(bool recompute = false) : recompute_(recompute) {}
  /// `backward` runs when at least one of `outputs` has received a gradient; afterwards their gradients are dropped.
  void record(std::vector<std::shared_ptr<Gradient>> outputs, std::function<void(const Context&)> backward);
  /// Walks back from values whose gradients have been set, and empties the tape.
  void backward(const Context&);
  void clear() { steps_.clear(); }
  size_t size() const { return steps_.size(); }
  bool recomputes() const { return recompute_; }

 private:
  struct Step {
    std::vector<std::shared_ptr<Gradient>> outputs;
    std::function<void(const Context&)> backward;
  };
  std::vector<Step> steps_;
  bool recompute_;
};

/// Gives `out` a gradient when recording is on and `needed`; true when the caller must record.
bool start_recording(const Context&, bool needed, Var& out);

}  // namespace attune
