#include "app/module_ranking.h"

#include <algorithm>
#include <cmath>

#include "app/load_model.h"
#include "data/packing.h"
#include "peft/targets.h"
#include "train/finite.h"

namespace attune {
namespace {

std::vector<Linear*> layers_named(const NameSelection& target, Model& model, const OpenedModel& opened) {
  TargetQuery query;
  query.target = target;
  query.defaults = opened.architecture->default_lora_targets;
  query.aliases = opened.architecture->target_aliases;
  query.origin = {ErrorCode::kUsage, "peft.target_modules"};
  return find_targets(model, query).layers;
}

double norm(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

TaskSettings settings_for(const RunConfig& config, const SharedInputs& shared) { return training_settings(config, shared.opened, shared.data.labels); }

}  // namespace

std::vector<RankedModule> rank_modules(const RunConfig& given, const SharedInputs& shared, int64_t batches) {
  RunConfig config = given;
  config.peft = {};
  config.peft.method = "full";
  const Context base = make_context(config.threads);
  LoadedModel m = load_for_training(shared.opened, settings_for(config, shared), config.peft, static_cast<uint64_t>(config.training.seed), config.strict, {{}, base.threads});
  NameSelection all;
  all.pattern = "all-linear";
  std::vector<RankedModule> ranked;
  const std::vector<Linear*> layers = layers_named(all, *m.model, m.opened);
  for (const Linear* l : layers) ranked.push_back({l->path(), 0, norm(l->weight.f32.var.data.span()), 0});
  const auto seed = static_cast<uint64_t>(config.training.seed);
  const auto plan = make_epoch_plan(config.training, shared.data.train.examples, seed, true)(0);
  for (size_t b = 0; b < plan.size() && b < static_cast<size_t>(batches); ++b) {
    const Batch batch = pack(shared.data.train.examples, plan[b]);
    Tape tape;
    Context ctx = base;
    ctx.tape = &tape;
    m.task->loss(ctx, *m.model, batch, nullptr, {});
    tape.backward(ctx);
    for (size_t i = 0; i < layers.size(); ++i) ranked[i].gradient += norm(layers[i]->weight.f32.var.grad->value().span());
    zero_gradients(m.method->trainable());
  }
  for (RankedModule& r : ranked) r.score = r.gradient * r.weight;
  std::stable_sort(ranked.begin(), ranked.end(), [](const RankedModule& a, const RankedModule& b) { return a.score > b.score; });
  return ranked;
}

size_t adapted_layers(const RunConfig& config, const SharedInputs& shared) {
  const TaskSettings settings = settings_for(config, shared);
  const auto model = shared.opened.architecture->make(shared.opened.config, find_task(settings.task).head, make_task(settings)->outputs());
  return layers_named(config.peft.target_modules, *model, shared.opened).size();
}

}  // namespace attune
