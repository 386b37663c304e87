// The head alone: the backbone is a fixed feature extractor.
#include "peft/model_parts.h"

namespace attune {
namespace {

class HeadOnly : public PeftMethod {
 public:
  using PeftMethod::PeftMethod;

 protected:
  void choose() override {
    const auto head = head_parameters(model());
    require_own_weights(head, setup().origin);
    for (const auto& np : named_parameters(model()))
      if (head.contains(np.parameter)) train(np, Part::kHead);
  }
};

}  // namespace

extern const MethodEntry kHeadOnly;
const MethodEntry kHeadOnly{"none", "the head alone",
                            [](PeftSetup s) -> std::unique_ptr<PeftMethod> { return std::make_unique<HeadOnly>(std::move(s)); }};

}  // namespace attune
