// A stored matrix and the forms products read it in.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "nn/module.h"
#include "quant/int8.h"
#include "quant/nf4.h"
#include "quant/packed_int8.h"
#include "quant/stored_form.h"

namespace attune {

/// A matrix [out, in] of a linear layer. Its values live in one stored form: `f32`, or int8 or NF4 codes, whose F32 source is released.
/// Products run on the values in F32 (codes are expanded for the time of a product), or on 8-bit forms made once from the values.
/// Quantised weights are frozen.
struct Weight {
  Weight(int64_t out_features, int64_t in_features) : out(out_features), in(in_features), f32(Shape{out_features, in_features}) {}

  int64_t out, in;
  Parameter f32;                                           ///< not loaded when the stored form is another
  std::variant<std::monostate, Int8Matrix, Nf4Matrix> codes;  ///< monostate: in f32, or only in `int8`
  std::optional<Int8Pair> int8;                            ///< what 8-bit products read
  Smoothing smoothing;                                     ///< of the forward product
  int int8_limit = 0;  ///< above 0: products are 8-bit ones, packed each time where `int8` is not there
  int terms = 1;       ///< of 8-bit products (kernels.h)
  bool blank = false;  ///< memory without values: rows() leaves them as they are
  bool exact = false;  ///< F32 products all the same: the self-check's reference, or its verdict
  Tensor* observed = nullptr;  ///< calibration: (in) takes the largest magnitudes of the layer's inputs

  StoredForm form() const;
  bool eight_bit() const { return int8_limit > 0 && !exact; }
  /// Values of rows [begin, end). Thread-safe.
  void rows(int64_t begin, int64_t end, float* to) const;
  Tensor values(int threads) const;  ///< (out, in), class kActivations
  int64_t bytes() const;             ///< of every form it is held in
};

/// Takes values over in a stored form. Error(kInput) "quant.not_finite" naming `where`.
void store(Weight& w, Tensor values, StoredForm form, bool double_quant, int threads, const std::string& where);
/// Products become 8-bit ones. resident: the forms are made now and kept, and codes they can stand for are dropped; else each product
/// makes its own from the codes.
void use_int8(Weight& w, Smoothing smoothing, int limit, bool resident, int threads);

/// The memory of a weight in a form, nothing in it; `int8`: of its resident 8-bit forms too. For dry runs: values are not looked at.
void hold_blank(Weight& w, StoredForm form, bool double_quant, int int8_limit, bool resident);

}  // namespace attune
