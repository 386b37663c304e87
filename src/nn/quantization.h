// Which frozen layers of a model are stored in fewer bits and which multiply in 8 bits, as the `quantization` section says.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/field.h"
#include "nn/backbone.h"
#include "quant/stored_form.h"

namespace attune {

enum class Resident { kInt8, k4Bit };
enum class Compute { kAuto, kF32, kInt8 };

/// How a command that only answers is asked to hold its base.
enum class HoldBase { kAuto, kF32, kInt8, kNf4 };

/// The `quantization` section; also reads the spellings of bitsandbytes and LLaMA-Factory, which settle() turns into `type`.
struct QuantizationConfig {
  StoredForm type = StoredForm::kPlain;   ///< of the frozen base
  bool given = false;                     ///< `type` was asked for, none included: it goes before what a base is held as by itself
  bool double_quant = false;              ///< nf4: block scales at 8 bits too
  Resident resident = Resident::kInt8;    ///< nf4 with 8-bit products: expanded once to int8 (fast), or each time (small)
  bool quantize_embeddings = false;       ///< embedding tables at 8 bits, one scale a row
  std::vector<std::string> skip_modules;  ///< names or ends of paths that stay as they are, beside heads and poolers

  bool load_in_8bit = false, load_in_4bit = false;
  std::string bnb_4bit_quant_type;
  std::optional<int64_t> quantization_bit;

  void fields(FieldList& f);
  /// Other tools' spellings into `type`; returns what contradicts itself, one text each.
  std::vector<std::string> settle();
  /// --quantization of a command that only answers.
  static QuantizationConfig asked(HoldBase form);
  bool on() const { return type != StoredForm::kPlain; }
};

/// "nf4", "int8" or "none".
const char* name_of(StoredForm form);

/// For people, so that the two are never confused: "int8 (LLM.int8 weights)", "nf4 (QLoRA)", "nf4 (QLoRA), double quantisation", "f32".
std::string describe(StoredForm form, bool double_quant);

/// The linear layers of the backbone whose weights do not train, but for poolers and those `skip` names.
std::vector<Linear*> frozen_linears(Model& model, const std::vector<std::string>& skip);

/// The backbone's embedding tables that do not train, but for those `skip` names.
std::vector<Embedding*> frozen_embeddings(Model& model, const std::vector<std::string>& skip);

/// Error(kUsage) "quantization.skip_modules" listing the names that are no module with a linear layer of `model`, heads and poolers
/// included.
void check_skip_modules(Model& model, const std::vector<std::string>& skip);

/// Runs `forward` with F32 products and finds for each layer what to move from its inputs into its weights, so that both quantise well:
/// s_k = sqrt(max|x_k| / max|W_k|) (SmoothQuant, arXiv 2211.10438, alpha 0.5). Layers that read the same input share it.
std::vector<Smoothing> calibrate(const std::vector<Linear*>& layers, int threads, const std::function<void()>& forward);

/// For models that only answer: the forward products of `layers` become 8-bit ones, and every other form of their weights is given up.
void infer_in_int8(const std::vector<Linear*>& layers, const Context& ctx);

/// Products of `layers` become 8-bit ones (weight.h, use_int8). `smoothing` has one entry a layer, or none.
void compute_in_int8(const std::vector<Linear*>& layers, const std::vector<Smoothing>& smoothing, Resident resident, const Context& ctx);

}  // namespace attune
