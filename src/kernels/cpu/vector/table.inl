// The table of one instruction set.
#include "kernels/cpu/tables.h"
#include "kernels/cpu/vector/declare.h"

#define ATTUNE_TEXT_OF(x) #x
#define ATTUNE_TEXT(x) ATTUNE_TEXT_OF(x)

namespace attune::ATTUNE_ISA {

constinit const Kernels kTable = {
    .name = "cpu-" ATTUNE_TEXT(ATTUNE_ISA),
    .int8_limit = kInt8Limit,
    .int8_fast = false,
    .gemm = gemm,
    .int8_products = int8_products,
    .bias_activation = bias_activation,
    .activation_backward = activation_backward,
    .bias_backward = bias_backward,
    .dropout_add_layer_norm = dropout_add_layer_norm,
    .dropout_add_layer_norm_backward = dropout_add_layer_norm_backward,
    .rms_norm = rms_norm,
    .rms_norm_backward = rms_norm_backward,
    .rotary = rotary,
    .gated = gated,
    .gated_backward = gated_backward,
    .dropout = dropout,
    .embedding = embedding,
    .embedding_backward = embedding_backward,
    .gather_rows = gather_rows,
    .scatter_add_rows = scatter_add_rows,
    .attention = attention,
    .attention_backward = attention_backward,
    .cross_entropy = cross_entropy,
    .axpby = axpby,
    .sum_of_squares = sum_of_squares,
    .all_finite = all_finite,
    .adamw = adamw,
};

}  // namespace attune::ATTUNE_ISA
