// Full fine-tuning: every parameter trains, except the layers and embeddings that are told to stay.
#include "peft/model_parts.h"

namespace attune {
namespace {

class Full : public PeftMethod {
 public:
  using PeftMethod::PeftMethod;

 protected:
  void choose() override {
    const FrozenParts frozen(options(), model().info(), setup().origin);
    const auto head = head_parameters(model());
    for (const auto& np : named_parameters(model()))
      if (!frozen.contains(np)) train(np, head.contains(np.parameter) ? Part::kHead : Part::kBase);
  }
};

}  // namespace

extern const MethodEntry kFull;
const MethodEntry kFull{"full", "all weights",
                        [](PeftSetup s) -> std::unique_ptr<PeftMethod> { return std::make_unique<Full>(std::move(s)); }};

}  // namespace attune
