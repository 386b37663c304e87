// Freezing: everything trains but the given layers and embeddings; with nothing given, the whole backbone is frozen and the head trains.
#include "peft/model_parts.h"

namespace attune {
namespace {

class Freeze : public PeftMethod {
 public:
  using PeftMethod::PeftMethod;

 protected:
  void choose() override {
    const FrozenParts frozen(options(), model().info(), setup().origin);
    const auto head = head_parameters(model());
    if (frozen.none()) require_own_weights(head, setup().origin);
    for (const auto& np : named_parameters(model())) {
      const bool of_head = head.contains(np.parameter);
      if (of_head || (!frozen.none() && !frozen.contains(np))) train(np, of_head ? Part::kHead : Part::kBase);
    }
  }
};

}  // namespace

extern const MethodEntry kFreeze;
const MethodEntry kFreeze{"freeze",
                          "all weights but freeze_layers, freeze_first_layers, freeze_embeddings; the head alone when none is given",
                          [](PeftSetup s) -> std::unique_ptr<PeftMethod> { return std::make_unique<Freeze>(std::move(s)); }};

}  // namespace attune
