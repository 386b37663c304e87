#include "peft/method.h"

#include <algorithm>

#include "nn/load_weights.h"

namespace attune {

void PeftMethod::apply(Model& model) {
  require(model_ == nullptr, "a PEFT method is applied once");
  model_ = &model;
  for (const auto& np : named_parameters(model)) set_trainable(*np.parameter, false);
  choose();
  // Random values that stay as they are would only be in the way; the whole model is saved, so training them is safe.
  if (!makes_adapter())
    for (const auto& np : named_parameters(model))
      if (std::find(setup_.newly_initialized.begin(), setup_.newly_initialized.end(), np.name) != setup_.newly_initialized.end() &&
          !trains(np.parameter)) {
        say(np.name + " is newly initialised and is trained");
        train(np, Part::kHead);
      }
}

void PeftMethod::initialize(uint64_t) {}

void PeftMethod::train(const NamedParameter& p, Part part) {
  if (trains(p.parameter)) return;
  trainable_.push_back(p);
  parts_.push_back(part);
  if (!setup_.inference) set_trainable(*p.parameter, true);
}

bool PeftMethod::trains(const Parameter* p) const {
  return std::any_of(trainable_.begin(), trainable_.end(), [&](const NamedParameter& np) { return np.parameter == p; });
}

ParameterCounts PeftMethod::counts() const {
  ParameterCounts c;
  for (size_t i = 0; i < trainable_.size(); ++i) {
    const int64_t n = trainable_[i].parameter->size();
    c.trainable += n;
    if (parts_[i] == Part::kAdapter) c.adapter += n;
    if (parts_[i] == Part::kHead) c.head += n;
  }
  for (const auto& np : named_parameters(*model_)) c.all += np.parameter->size();
  c.all += added_parameters();
  if (makes_adapter()) c.all += c.head;
  return c;
}

TensorMap PeftMethod::adapter_tensors() const { throw Bug("this method makes no adapter"); }
Json PeftMethod::adapter_json() const { throw Bug("this method makes no adapter"); }
void PeftMethod::load_adapter(const TensorMap&, const std::string&) { throw Bug("this method makes no adapter"); }
TensorMap PeftMethod::merged(const Context&) const { return weights_of(*model_); }

}  // namespace attune
