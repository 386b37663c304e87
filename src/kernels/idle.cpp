// A table that computes nothing: what a step allocates and in which order, without its time.
#include "kernels/kernels.h"

namespace attune {
namespace {

template <typename Result, typename... Arguments>
void rest(Result (*&entry)(Arguments...)) {
  if (entry != nullptr) entry = [](Arguments...) { return Result(); };
}

}  // namespace

Kernels idle_kernels(const Kernels& like) {
  Kernels k = like;
  k.name = "idle";
  rest(k.gemm);
  rest(k.int8_products);
  rest(k.bias_activation);
  rest(k.activation_backward);
  rest(k.bias_backward);
  rest(k.dropout_add_layer_norm);
  rest(k.dropout_add_layer_norm_backward);
  rest(k.rms_norm);
  rest(k.rms_norm_backward);
  rest(k.rotary);
  rest(k.gated);
  rest(k.gated_backward);
  rest(k.dropout);
  rest(k.embedding);
  rest(k.embedding_backward);
  rest(k.gather_rows);
  rest(k.scatter_add_rows);
  rest(k.attention);
  rest(k.attention_backward);
  rest(k.cross_entropy);
  rest(k.axpby);
  rest(k.sum_of_squares);
  rest(k.all_finite);
  rest(k.adamw);
  return k;
}

}  // namespace attune
