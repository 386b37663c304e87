#include "nn/recompute.h"

namespace attune {

Var run_layer(const Context& ctx, const Var& x, const LayerFunction& layer) {
  if (ctx.tape == nullptr || !ctx.tape->recomputes()) return layer(ctx, x);
  // Recorded and forgotten: whether backward reaches the layer is what its ops decide, not what this file would have to guess.
  Tape forgotten;
  Context once = ctx;
  once.tape = &forgotten;
  Var out = layer(once, x);
  if (!out.wants_grad()) return out;
  ctx.tape->record({out.grad}, [x, layer, training = ctx.training, dy = out.grad](const Context& back) {
    Tape tape;
    Context again = back;
    again.tape = &tape;
    again.training = training;
    layer(again, x).grad->add(back, std::move(dy->value()));
    tape.backward(back);
  });
  return out;
}

}  // namespace attune
