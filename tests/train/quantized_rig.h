// A rig whose frozen layers are stored and multiplied as a run with a `quantization` section has them.
#pragma once

#include <string>
#include <vector>

#include "nn/quantization.h"
#include "train/int8_check.h"
#include "train/rig.h"

namespace attune::testing {

struct Precision {
  StoredForm form = StoredForm::kPlain;
  bool double_quant = false;
  bool eight_bit = false;  ///< products
  Resident resident = Resident::kInt8;
  std::string name() const {
    return std::string(name_of(form)) + (double_quant ? "_double" : "") + (eight_bit ? "_int8_products" : "") +
           (resident == Resident::k4Bit ? "_4bit" : "");
  }
};

inline std::vector<Linear*> frozen_layers(Rig& rig) { return frozen_linears(*rig.model, {}); }

/// Calibration and self-check as app/ does them.
inline Int8Check multiply_in_8_bits(Rig& rig, Resident resident = Resident::kInt8) {
  const auto layers = frozen_layers(rig);
  const Batch sample = first_rows(rig.job, 1024);
  const auto smoothing = calibrate(layers, rig.job.context.threads, [&] { rig.model->forward(rig.job.context, sample); });
  compute_in_int8(layers, smoothing, resident, rig.job.context);
  return check_int8(rig.job, layers);
}

/// Needs the job's plan. The result is empty without 8-bit products.
inline Int8Check hold(Rig& rig, const Precision& p) {
  if (p.form != StoredForm::kPlain)
    for (Linear* l : frozen_layers(rig)) {
      Tensor values = std::move(l->weight.f32.var.data);
      l->weight.f32.var.data = Tensor();
      store(l->weight, std::move(values), p.form, p.double_quant, 1, l->path());
    }
  return p.eight_bit ? multiply_in_8_bits(rig, p.resident) : Int8Check{};
}

}  // namespace attune::testing
