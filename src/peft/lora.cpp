// LoRA (Hu et al., arXiv 2106.09685) with PEFT's meaning of every option: y = base(x) + s * B(A(dropout(x))), s = alpha / r, or
// alpha / sqrt(r) with use_rslora (arXiv 2312.03732). A is [r, in], B [out, r]; B starts at zero, so training starts at the base.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "nn/load_weights.h"
#include "peft/adapter_keys.h"
#include "peft/lora_config.h"
#include "peft/method.h"
#include "peft/targets.h"

namespace attune {
namespace {

/// What PEFT adds to modules_to_save by itself.
std::vector<std::string> automatic_saved(const std::string& task_type) {
  if (task_type == "SEQ_CLS" || task_type == "TOKEN_CLS") return {"classifier", "score"};
  if (task_type == "QUESTION_ANS") return {"qa_outputs"};
  return {};
}

class Lora : public PeftMethod {
 public:
  explicit Lora(PeftSetup s) : PeftMethod(std::move(s)), written_(setup().adapter) {
    if (!setup().loaded) check_lora_init(options(), setup().origin);
  }
  bool makes_adapter() const override { return true; }

  void initialize(uint64_t seed) override {
    for (Linear* l : layers_) {
      LowRankDelta& d = *l->deltas.back();
      fill(d.a, l->path() + ".lora_A.weight", seed, true);
      fill(d.b, l->path() + ".lora_B.weight", seed, false);
    }
  }

  TensorMap adapter_tensors() const override { return keys_.tensors(); }
  Json adapter_json() const override { return adapter_config_json(written_); }
  void load_adapter(const TensorMap& tensors, const std::string& where) override {
    const bool biases =
        std::any_of(keys_.expected().begin(), keys_.expected().end(), [](const auto& e) { return e.first.ends_with(".base_layer.bias"); });
    keys_.load(tensors, where,
               biases && options().bias == LoraBias::kLoraOnly
                   ? "peft up to 0.20.0 loses the trained biases of bias=lora_only when it saves; save the adapter again with peft 0.21"
                   : "the adapter belongs to another base, or its adapter_config.json was changed");
  }

  TensorMap merged(const Context& ctx) const override {
    TensorMap all = weights_of(model());
    Problems infinite;
    for (const Linear* l : layers_) {
      const LowRankDelta& d = *l->deltas.back();
      Tensor change({l->out(), l->in()});
      ctx.kernels->gemm(ctx, false, false, l->out(), l->in(), d.r, d.scale, d.b.var.data.f32(), d.r, d.a.var.data.f32(), l->in(), 0.0f,
                        change.f32(), l->in());
      change = checkpoint_form(l->weight.f32, change);
      Tensor& w = all.at(l->path() + ".weight");
      w = w.clone(MemoryClass::kWeights);
      ctx.kernels->axpby(ctx, w.size(), 1.0f, change.f32(), 1.0f, w.f32());
    }
    for (const auto& [name, t] : all)
      if (!ctx.kernels->all_finite(ctx, t.size(), t.f32())) infinite.add(name);
    if (!infinite.empty())
      fail(ErrorCode::kNumerical, {.id = "peft.merge_not_finite",
                                   .where = setup().origin.where,
                                   .what = fmt::format("{} merged tensor(s) hold NaN or infinity{}", infinite.count(), infinite.list()),
                                   .hint = "the adapter's or the base's numbers are damaged; nothing was written"});
    return all;
  }

 protected:
  void choose() override {
    auto saved = automatic_saved(setup().adapter.task_type);
    const std::vector<std::string> automatic = saved;
    saved.insert(saved.end(), options().modules_to_save.begin(), options().modules_to_save.end());
    save_random_parts(saved);
    std::sort(saved.begin(), saved.end());
    saved.erase(std::unique(saved.begin(), saved.end()), saved.end());
    check_saved(saved, automatic);

    const TargetQuery query{options().target_modules,
                            options().exclude_modules,
                            options().layers_to_transform,
                            options().layers_pattern,
                            saved,
                            setup().default_targets,
                            setup().target_aliases,
                            setup().origin};
    Targets found = find_targets(model(), query);
    for (auto& text : found.notes) say(std::move(text));
    written_.options.target_modules = found.written;
    written_.options.modules_to_save = saved;
    layers_ = std::move(found.layers);
    settle_orientation();
    add_pairs();
    train_in_order(saved_modules(model(), saved));
  }

  int64_t added_parameters() const override {
    int64_t n = 0;
    for (const Linear* l : layers_) n += l->deltas.back()->a.size() + l->deltas.back()->b.size();
    return n;
  }

 private:
  /// PEFT's fan_in_fan_out says that the layers are Conv1D, whose weights checkpoints hold as [in, out]; it corrects a wrong value too.
  void settle_orientation() {
    const bool conv = std::any_of(layers_.begin(), layers_.end(), [](const Linear* l) { return l->weight.f32.transposed; });
    if (options().fan_in_fan_out && !conv)
      say("fan_in_fan_out is true, but this model's layers are stored [out, in]; taken as false, as peft does");
    written_.options.fan_in_fan_out = conv;
  }

  void add_pairs() const {
    const PatternTable<int64_t> ranks(options().rank_pattern, "rank_pattern", setup().origin);
    const PatternTable<double> alphas(options().alpha_pattern, "alpha_pattern", setup().origin);
    for (Linear* l : layers_) {
      const int64_t r = ranks.find(l->path(), options().r);
      require(r >= 1, "a rank of at least 1");
      const double divisor = options().use_rslora ? std::sqrt(static_cast<double>(r)) : static_cast<double>(r);
      const double scale = alphas.find(l->path(), options().lora_alpha) / divisor;
      l->deltas.push_back(
          std::make_unique<LowRankDelta>(l->out(), l->in(), r, static_cast<float>(scale), static_cast<float>(options().lora_dropout)));
      assign_paths(*l->deltas.back(), l->path());
    }
  }

  /// The adapter's tensors in the order of the model: pairs behind their layer, biases as `bias` says, saved modules whole.
  void train_in_order(const std::vector<Module*>& saved) {
    for (const auto& np : named_parameters(model())) {
      const bool of_saved = is_inside(np.owner->path(), saved);
      const bool targeted = std::find(layers_.begin(), layers_.end(), np.owner) != layers_.end();
      const bool is_bias = np.name.ends_with(".bias");
      if (of_saved) {
        train(np, Part::kHead);
        keys_.expect(np.name, np.parameter, true);
      } else if (is_bias && (options().bias == LoraBias::kAll || (options().bias == LoraBias::kLoraOnly && targeted))) {
        train(np, Part::kAdapter);
        keys_.expect(targeted ? np.owner->path() + ".base_layer.bias" : np.name, np.parameter, false);
      }
      if (!targeted || is_bias) continue;
      LowRankDelta& d = *static_cast<Linear*>(np.owner)->deltas.back();
      for (const auto& [name, p] : d.parameters()) {
        const std::string path = np.owner->path() + "." + name;
        train({path, p, &d}, Part::kAdapter);
        keys_.expect(path, p, false);
      }
    }
  }

  /// Random parts of the base go into the adapter when they stand apart (a pooler); anything else cannot be reproduced.
  void save_random_parts(std::vector<std::string>& saved) {
    const auto& random = setup().newly_initialized;
    if (random.empty()) return;
    const auto is_random = [&](const std::string& name) { return std::find(random.begin(), random.end(), name) != random.end(); };
    const std::vector<Module*> known = saved_modules(model(), saved);
    Problems lost;
    for (const auto& np : named_parameters(model())) {
      if (!is_random(np.name) || is_inside(np.owner->path(), known)) continue;
      const std::string prefix = model().head() ? model().prefix() + "." : "";
      const std::string inner = np.name.starts_with(prefix) ? np.name.substr(prefix.size()) : np.name;
      const std::string part = inner.substr(0, inner.find('.'));
      const auto all = named_parameters(model());
      const bool whole = std::all_of(
          all.begin(), all.end(), [&](const auto& other) { return !other.name.starts_with(prefix + part + ".") || is_random(other.name); });
      if (!whole || setup().loaded) {
        lost.add(np.name);
      } else if (std::find(saved.begin(), saved.end(), part) == saved.end()) {
        say(part + " is not in the base's weights: it is trained and saved with the adapter (modules_to_save)");
        saved.push_back(part);
      }
    }
    if (!lost.empty())
      fail(ErrorCode::kInput,
           {.id = "peft.random_base",
            .where = setup().origin.where,
            .what = fmt::format("the base's weights lack {} tensor(s) that the adapter does not hold; the results would be random{}",
                                lost.count(), lost.list()),
            .hint = setup().loaded ? "use the base the adapter was trained on" : "use a complete base, or add them to modules_to_save"});
  }

  /// A name the user gave must name something; PEFT's own may name nothing.
  void check_saved(const std::vector<std::string>& saved, const std::vector<std::string>& automatic) const {
    for (const auto& name : saved) {
      if (setup().loaded || std::find(automatic.begin(), automatic.end(), name) != automatic.end() ||
          !saved_modules(model(), {name}).empty())
        continue;
      std::string parts;
      for (const auto& [child, module] : model().children())
        for (const auto& [part, inner] : module->children()) parts += (parts.empty() ? "" : ", ") + part;
      fail(setup().origin.code, {.id = "peft.modules_to_save",
                                 .where = setup().origin.where,
                                 .what = "modules_to_save: nothing in this model ends with '" + name + "'",
                                 .hint = "known: " + parts});
    }
  }

  /// U(-1/sqrt(in), 1/sqrt(in)) is Kaiming-uniform with a = sqrt(5), PyTorch's start of a linear layer.
  void fill(Parameter& p, const std::string& name, uint64_t seed, bool is_a) const {
    Tensor t = Tensor::zeros(p.shape, MemoryClass::kWeights);
    Random random(mix_key(seed, hash_name(name)));
    const std::string& init = options().init_lora_weights;
    if (is_a && init == "gaussian") {
      const double deviation = 1.0 / static_cast<double>(p.shape[0]);
      for (float& x : t.span()) x = static_cast<float>(deviation * random.normal());
    } else if (is_a || init == "false") {
      const double bound = 1.0 / std::sqrt(static_cast<double>(p.shape[1]));
      for (float& x : t.span()) x = static_cast<float>(bound * (2.0 * random.uniform() - 1.0));
    }
    p.var.data = std::move(t);
    if (p.trainable) set_trainable(p, true);
  }

  std::vector<Linear*> layers_;
  AdapterKeys keys_;
  AdapterConfig written_;  ///< with the options as they were resolved
};

}  // namespace

extern const MethodEntry kLora;
const MethodEntry kLora{"lora",
                        "low-rank pairs beside frozen layers (PEFT's LoRA)",
                        [](PeftSetup s) -> std::unique_ptr<PeftMethod> { return std::make_unique<Lora>(std::move(s)); },
                        "LORA",
                        read_lora_config,
                        write_lora_config};

}  // namespace attune
