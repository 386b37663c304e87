// The reference table.
#include "kernels/reference/reference.h"

namespace attune {

const Kernels& reference_kernels() {
  static constexpr Kernels kTable = {
      .name = "reference",
      .int8_limit = 127,
      .int8_fast = false,
      .gemm = reference::gemm,
      .int8_products = reference::int8_products,
      .bias_activation = reference::bias_activation,
      .activation_backward = reference::activation_backward,
      .bias_backward = reference::bias_backward,
      .dropout_add_layer_norm = reference::dropout_add_layer_norm,
      .dropout_add_layer_norm_backward = reference::dropout_add_layer_norm_backward,
      .rms_norm = reference::rms_norm,
      .rms_norm_backward = reference::rms_norm_backward,
      .rotary = reference::rotary,
      .gated = reference::gated,
      .gated_backward = reference::gated_backward,
      .dropout = reference::dropout,
      .embedding = reference::embedding,
      .embedding_backward = reference::embedding_backward,
      .gather_rows = reference::gather_rows,
      .scatter_add_rows = reference::scatter_add_rows,
      .attention = reference::attention,
      .attention_backward = reference::attention_backward,
      .cross_entropy = reference::cross_entropy,
      .axpby = reference::axpby,
      .sum_of_squares = reference::sum_of_squares,
      .all_finite = reference::all_finite,
      .adamw = reference::adamw,
  };
  return kTable;
}

}  // namespace attune
