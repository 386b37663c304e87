// Quantised matrices as named tensors, the way bitsandbytes 0.50 puts them into a checkpoint. For a layer P:
//   NF4   P.weight U8 [ceil(n / 2), 1], P.weight.absmax, P.weight.quant_map, P.weight.quant_state.bitsandbytes__nf4 (JSON as U8 bytes) and,
//         with double quantisation, P.weight.nested_absmax and P.weight.nested_quant_map
//   int8  P.weight I8 [out, in], P.SCB, P.weight_format
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "quant/int8.h"
#include "quant/nf4.h"
#include "quant/stored_form.h"
#include "tensor/tensor.h"

namespace attune {

/// How a checkpoint stores the weight of `layer`, from the names it holds. kNf4 also for what only nf4_from_tensors can refuse (fp4).
StoredForm stored_form(const std::function<bool(const std::string&)>& has, const std::string& layer);

/// Every name `form` may use for `layer` (kPlain: the weight alone); those without double quantisation are absent from some files.
std::vector<std::string> stored_names(StoredForm form, const std::string& layer);

/// The shape of the weight, from the state of NF4's tensors alone: two sizes, each 1 or more; the matrix itself is not looked at.
/// Error(kInput) as nf4_from_tensors.
Shape nf4_shape(const TensorMap& tensors, const std::string& layer, const std::string& where);

/// The tensors share storage with `m` where they can. `dtype` is the type the weight had and bitsandbytes gives back: "float32",
/// "float16" or "bfloat16".
TensorMap to_tensors(const Nf4Matrix& m, const std::string& layer, const std::string& dtype = "float32");
TensorMap to_tensors(const Int8Matrix& m, const std::string& layer);

/// The reverse, for a weight that must be [out, in]. Nothing in `tensors` is trusted: types, shapes, the JSON and the range of every
/// scale are checked. Shares storage with tensors of MemoryClass::kQuantized and copies others. Error(kInput) "quant.tensors" naming
/// `where` (the file) and the tensor, or "json.*" for a state that is no JSON.
Nf4Matrix nf4_from_tensors(const TensorMap& tensors, const std::string& layer, int64_t out, int64_t in, const std::string& where);
Int8Matrix int8_from_tensors(const TensorMap& tensors, const std::string& layer, int64_t out, int64_t in, const std::string& where);

}  // namespace attune
