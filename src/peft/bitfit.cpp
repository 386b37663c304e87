// BitFit (Ben Zaken et al., arXiv 2106.10199): every bias trains, and the head.
#include "peft/model_parts.h"

namespace attune {
namespace {

class BitFit : public PeftMethod {
 public:
  using PeftMethod::PeftMethod;

 protected:
  void choose() override {
    const auto head = head_parameters(model());
    for (const auto& np : named_parameters(model())) {
      if (head.contains(np.parameter))
        train(np, Part::kHead);
      else if (np.name.ends_with(".bias"))
        train(np, Part::kAdapter);
    }
    if (trainable().empty())
      fail(setup().origin.code, {.id = "peft.no_biases", .where = setup().origin.where, .what = "this model has no biases and no head of its own, so there is nothing to train", .hint = "choose another method: lora or full"});
  }
};

}  // namespace

extern const MethodEntry kBitFit;
const MethodEntry kBitFit{"bitfit", "all biases and the head",
                          [](PeftSetup s) -> std::unique_ptr<PeftMethod> { return std::make_unique<BitFit>(std::move(s)); }};

}  // namespace attune
