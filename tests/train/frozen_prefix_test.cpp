// The frozen-prefix cache (decision 0012): the gradients of a run without it, the same bits from wherever it is resumed, and no second
// pass through what is frozen.
#include "train/frozen_prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/temp_folder.h"
#include "support/peft_rig.h"
#include "tensor/poison.h"
#include "train/quantized_rig.h"
#include "train/trained_values.h"

namespace attune {
namespace {

using namespace testing;
using ::testing::HasSubstr;

/// Products that round by the number of rows at once, as oneDNN's may, so that it cannot be missed.
void gemm_by_rows(const Context& ctx, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda, const float* b,
                  int64_t ldb, float beta, float* c, int64_t ldc) {
  reference_kernels().gemm(ctx, trans_a, trans_b, m, n, k, alpha * (1 + 1e-4f * static_cast<float>(m % 7)), a, lda, b, ldb, beta, c, ldc);
}
const Kernels& kernels_by_rows() {
  static const Kernels k = [] {
    Kernels made = reference_kernels();
    made.gemm = gemm_by_rows;
    return made;
  }();
  return k;
}

int64_t g_embedded, g_attended;
const Kernels& counting_kernels() {
  static const Kernels k = [] {
    Kernels made = reference_kernels();
    made.embedding = [](const Context& ctx, int64_t t, int64_t c, const int32_t* ids, const float* table, float beta, float* y) {
      ++g_embedded;
      reference_kernels().embedding(ctx, t, c, ids, table, beta, y);
    };
    made.attention = [](const Context& ctx, const AttentionShape& s, const float* q, int64_t qp, const float* k2, int64_t kp, const float* v, int64_t vp,
                        float* out, int64_t op, float* lse) {
      ++g_attended;
      reference_kernels().attention(ctx, s, q, qp, k2, kp, v, vp, out, op, lse);
    };
    return made;
  }();
  return k;
}

enum class Trained { kHead, kTopAdapter, kUpperLayers };
const char* name_of(Trained t) { return t == Trained::kHead ? "head" : t == Trained::kTopAdapter ? "top_adapter" : "upper_layers"; }

/// A golden model of which only upper parts train, without dropout but in its head, on 14 examples of unequal length.
struct PrefixRig {
  PrefixRig(const std::string& name, Trained what, const Kernels& kernels, bool dropout = false) {
    const fs::path folder = model_folder_of(name);
    const Json golden = read_json(folder / "golden.json");
    const HeadKind head = head_of(golden);
    const auto labels = golden["num_labels"].get<int64_t>();
    ModelConfig config{read_json(folder / "config.json"), folder.string()};
    const auto dropouts = make_model(config, head, labels)->info().dropouts;
    for (const BackboneDropout& d : dropouts) config.json[d.key] = dropout ? 0.1 : 0.0;
    config.json["classifier_dropout"] = 0.1;
    model = make_model(config, head, labels);
    const WeightFiles files(folder);
    load_weights(*model, source_of(files, folder.string()), 1);
    const int64_t layers = model->info().layers;
    PeftSetup setup = setup_for(model->info().model_type, what == Trained::kHead ? "none" : what == Trained::kTopAdapter ? "lora" : "freeze", head);
    if (what == Trained::kTopAdapter) setup.adapter.options.layers_to_transform = {layers - 1};
    if (what == Trained::kUpperLayers) {
      setup.adapter.options.freeze_first_layers = 1;
      setup.adapter.options.freeze_embeddings = true;
    }
    method = make_method(std::move(setup));
    method->apply(*model);
    method->initialize(5);

    TaskSettings settings;
    settings.task = task_of(head)->name;
    for (int64_t i = 0; i < labels; ++i) settings.labels.push_back("LABEL_" + std::to_string(i));
    if (labels == 1) settings.problem_type = ProblemType::kRegression;
    task = make_task(settings);
    for (uint64_t i = 0; i < 14; ++i) {
      Example e;
      e.row = i / 2;  // windows of a row
      for (uint64_t t = 0; t < 3 + (i * 5) % 11; ++t) e.ids.push_back(static_cast<int32_t>(4 + (i * 31 + t * 17) % 90));
      e.type_ids.assign(e.ids.size(), 0);
      e.labels.id = static_cast<int32_t>(i) % 2;
      for (uint64_t t = 0; t < e.ids.size(); ++t) e.labels.tokens.push_back(static_cast<int32_t>((i + t) % 2));
      e.labels.values = {0.25f * static_cast<float>(i)};
      if (i == 6 && (head == HeadKind::kCausalLm || head == HeadKind::kSequenceClassification) && labels > 1) e.breaks = {2};
      examples.push_back(std::move(e));
    }
    job.model = model.get();
    job.task = task.get();
    job.parameters = method->trainable();
    job.train = examples;
    job.context = {&kernels, 1, nullptr, false};
    job.pending_signal = [] { return 0; };
    TrainingConfig& c = job.config;
    c.per_device_train_batch_size = 4;
    c.gradient_accumulation_steps = 2;
    c.num_train_epochs = 3;
    c.learning_rate = 1e-2;
    c.eval_strategy = c.save_strategy = Interval::kNo;
    c.frozen_prefix_cache = true;
    replan();
    job.reduce = [this](std::span<const NamedParameter> parameters, LossSum&) {
      gradients.emplace_back();
      for (const auto& p : parameters)
        gradients.back().insert(gradients.back().end(), p.parameter->var.grad->value().span().begin(), p.parameter->var.grad->value().span().end());
    };
    keep_trained_values(job);
  }
  void replan() { job.plan = make_epoch_plan(job.config, job.train, job.data_seed, true); }
  std::vector<float> weights() const { return trained_values(job); }

  std::unique_ptr<Model> model;
  std::unique_ptr<PeftMethod> method;
  std::unique_ptr<Task> task;
  std::vector<Example> examples;
  FitJob job;
  std::vector<std::vector<float>> gradients;  // of each step, summed
};

constexpr size_t kStepsAnEpoch = 2;  // micro-batches of 4, 4 and 4, 2

using Change = std::function<void(PrefixRig&)>;
/// The gradients of every step with and without the cache.
std::pair<std::vector<std::vector<float>>, std::vector<std::vector<float>>> with_and_without(const std::string& model, Trained what, const Kernels& kernels,
                                                                                             const Change& change = {}) {
  std::vector<std::vector<std::vector<float>>> both;
  for (const bool cached : {true, false}) {
    PrefixRig rig(model, what, kernels);
    rig.job.config.frozen_prefix_cache = cached;
    if (change) change(rig);
    fit(rig.job);
    both.push_back(rig.gradients);
  }
  return {both[0], both[1]};
}

struct PrefixCase {
  std::string model;
  Trained what;
};
void PrintTo(const PrefixCase& c, std::ostream* out) { *out << c.model << " " << name_of(c.what); }

/// Every golden model but those whose tokens change; heads of nothing but tied weights do not train alone.
std::vector<PrefixCase> prefix_cases() {
  std::vector<PrefixCase> all;
  for (const auto& model : golden_models()) {
    if (head_of(model) == HeadKind::kMaskedLm) continue;
    const bool own = !named_parameters(*empty_model(model)->head()).empty();
    for (const Trained what : {Trained::kHead, Trained::kTopAdapter, Trained::kUpperLayers})
      if (own || what != Trained::kHead) all.push_back({model, what});
  }
  return all;
}

class FrozenPrefixGradients : public ::testing::TestWithParam<PrefixCase> {};

/// Where rows do not depend on what is computed with them: the same bits, also in parts and with recomputed layers.
TEST_P(FrozenPrefixGradients, AreThoseWithoutIt) {
  const auto& [model, what] = GetParam();
  const std::vector<Change> changes = {
      {}, [](PrefixRig& r) { r.job.compute.train_tokens = 20; }, [](PrefixRig& r) { r.job.config.activation_checkpointing = true; }};
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto [with, without] = with_and_without(model, what, reference_kernels(), changes[i]);
    ASSERT_EQ(with.size(), 3 * kStepsAnEpoch);
    for (size_t s = 0; s < with.size(); ++s) EXPECT_TRUE(with[s] == without[s]) << "step " << s << ", change " << i;
  }
}

/// Where products round by the number of rows: the same bits while batches are those of the first epoch, else its rounding.
TEST_P(FrozenPrefixGradients, DifferOnlyByTheRoundingOfOtherBatches) {
  const auto& [model, what] = GetParam();
  const auto shuffled = with_and_without(model, what, kernels_by_rows());
  for (size_t s = 0; s < kStepsAnEpoch; ++s) EXPECT_TRUE(shuffled.first[s] == shuffled.second[s]) << s;
  const auto same = with_and_without(model, what, kernels_by_rows(), [](PrefixRig& r) {
    r.job.config.train_sampling_strategy = Sampling::kSequential;
    r.replan();
  });
  for (size_t s = 0; s < same.first.size(); ++s) EXPECT_TRUE(same.first[s] == same.second[s]) << s;
  const auto fast = with_and_without(model, what, cpu_kernels(), [](PrefixRig& r) { r.job.config.learning_rate = 0; });
  for (size_t s = 0; s < fast.first.size(); ++s) EXPECT_LE(largest_difference(fast.first[s], fast.second[s]), 2e-6 * largest(fast.second[s])) << s;
}

INSTANTIATE_TEST_SUITE_P(Models, FrozenPrefixGradients, ::testing::ValuesIn(prefix_cases()),
                         [](const auto& c) { return c.param.model + "_" + name_of(c.param.what); });

TEST(FrozenPrefixTest, EveryArchitectureIsCovered) {
  std::set<std::string> covered, known;
  for (const PrefixCase& c : prefix_cases()) covered.insert(empty_model(c.model)->info().model_type);
  for (const Architecture* a : architectures()) known.insert(a->model_type);
  EXPECT_EQ(covered, known);
}

TEST(FrozenPrefixTest, LaterEpochsDoNotRunIt) {
  for (const auto& [what, attended_later] : {std::pair{Trained::kHead, 0}, {Trained::kTopAdapter, 4}, {Trained::kUpperLayers, 8}}) {
    PrefixRig rig("bert", what, counting_kernels());
    g_embedded = g_attended = 0;
    std::vector<int64_t> embedded, attended;
    rig.job.reduce = [&](std::span<const NamedParameter>, LossSum&) {
      embedded.push_back(g_embedded);
      attended.push_back(g_attended);
    };
    fit(rig.job);
    ASSERT_EQ(embedded.size(), 3 * kStepsAnEpoch);
    EXPECT_EQ(embedded[1], 4 * 3) << "three tables, four batches";
    EXPECT_EQ(embedded.back(), embedded[1]) << name_of(what);
    EXPECT_EQ(attended[1], 4 * 3) << "three layers, four batches";
    EXPECT_EQ(attended[3] - attended[1], attended_later) << name_of(what);
    EXPECT_EQ(attended[5] - attended[3], attended_later) << name_of(what);
  }
}

/// Rows of a frozen backbone's result where the head reads one a text, else of every token.
TEST(FrozenPrefixTest, MemoryIsARowOfHiddenStatesAToken) {
  const auto bytes = [](Trained what) {
    PrefixRig rig("bert", what, reference_kernels());
    const int64_t before = Allocator::global().ledger().now[static_cast<size_t>(MemoryClass::kActivations)];
    const FrozenPrefix prefix(rig.job);
    return Allocator::global().ledger().now[static_cast<size_t>(MemoryClass::kActivations)] - before;
  };
  PrefixRig rig("bert", Trained::kHead, reference_kernels());
  int64_t tokens = 0;
  for (const Example& e : rig.examples) tokens += static_cast<int64_t>(e.ids.size());
  const int64_t row = rig.model->info().hidden_size * 4;
  EXPECT_EQ(bytes(Trained::kTopAdapter), tokens * row + kPoisonedGap);
  EXPECT_EQ(bytes(Trained::kHead), 15 * row + kPoisonedGap) << "14 examples, one of two sequences";
}

TEST(FrozenPrefixTest, RowsTheFirstEpochLeavesOutAreThereToo) {
  const auto [with, without] = with_and_without("bert", Trained::kTopAdapter, reference_kernels(), [](PrefixRig& r) {
    r.job.config.dataloader_drop_last = true;
    r.job.config.num_train_epochs = 5;
    r.replan();
  });
  EXPECT_TRUE(with == without);
}

/// What is kept does not depend on where the run was resumed, though products round by the number of rows.
TEST(FrozenPrefixTest, AResumedRunGivesTheSameBits) {
  const auto rig_in = [](const fs::path& folder) {
    auto rig = std::make_unique<PrefixRig>("bert", Trained::kTopAdapter, kernels_by_rows());
    rig->job.folder = folder;
    return rig;
  };
  const auto straight = rig_in(fresh_folder("prefix_whole"));
  fit(straight->job);
  for (int64_t steps = 1; steps < static_cast<int64_t>(3 * kStepsAnEpoch); ++steps) {
    const fs::path folder = fresh_folder("prefix_cut");
    const auto first = rig_in(folder);
    first->job.pending_signal = [&] { return static_cast<int64_t>(first->gradients.size()) >= steps ? 15 : 0; };
    EXPECT_THROW(fit(first->job), Interrupted);
    const Checkpoint cut = *find_checkpoints(folder).newest();
    EXPECT_EQ(cut.step, steps);
    const auto second = rig_in(folder);
    fit(second->job, cut.folder);
    EXPECT_TRUE(second->weights() == straight->weights()) << steps;
  }
}

/// A row of 8-bit products is a function of that row, so shuffling changes no bit; the self-check and its repetition run beside the cache.
TEST(FrozenPrefixTest, WithEightBitProductsShufflingChangesNoBit) {
  const auto eight_bit = [](PrefixRig& r) {
    const auto layers = frozen_linears(*r.model, {});
    const auto smoothing = calibrate(layers, 1, [&] { r.model->forward(r.job.context, first_rows(r.job, 1024)); });
    compute_in_int8(layers, smoothing, Resident::kInt8, r.job.context);
    ASSERT_THAT(check_int8(r.job, layers).exact, ::testing::IsEmpty());
    r.job.inspect_every = 2;
    r.job.inspect = [&r, layers](const Batch& batch, uint64_t epoch, int64_t) {
      for (const LayerCheck& l : compare_gradients(r.job, layers, batch, epoch)) EXPECT_GT(l.cosine, kLeastCosine);
    };
  };
  const auto [with, without] = with_and_without("bert", Trained::kTopAdapter, kernels_by_rows(), eight_bit);
  EXPECT_TRUE(with == without);
  const auto [f32_with, f32_without] = with_and_without("bert", Trained::kTopAdapter, kernels_by_rows());
  EXPECT_FALSE(f32_with == f32_without) << "the kernels of this test do not round by rows";
}

TEST(FrozenPrefixTest, RefusesWhatIsNeverTheSame) {
  PrefixRig drops("bert", Trained::kTopAdapter, reference_kernels(), true);
  const Error dropout = error_of([&] { fit(drops.job); });
  EXPECT_EQ(dropout.code(), ErrorCode::kUsage);
  EXPECT_EQ(dropout.info().id, "train.frozen_prefix");
  EXPECT_EQ(dropout.info().where, "training.frozen_prefix_cache");
  EXPECT_THAT(dropout.info().what, HasSubstr("hidden_dropout_prob 0.1, attention_probs_dropout_prob 0.1"));
  EXPECT_THAT(dropout.info().hint, HasSubstr("--model-config hidden_dropout_prob=0,attention_probs_dropout_prob=0"));

  auto model = empty_model("bert");
  TaskSettings settings;
  settings.labels = {"a", "b", "c"};
  for (const auto& p : named_parameters(*model)) p.parameter->var.data = Tensor(p.parameter->shape);
  for (const auto& p : named_parameters(*model)) set_trainable(*p.parameter, true);
  const Error all = error_of([&] { frozen_prefix_layers(*model, *make_task(settings)); });
  EXPECT_EQ(all.info().id, "train.frozen_prefix");
  EXPECT_THAT(all.info().what, HasSubstr("the embeddings train"));
  EXPECT_THAT(all.info().hint, HasSubstr("--layers-to-transform"));

  settings.task = "fill-mask";
  const Error masks = error_of([&] { frozen_prefix_layers(*model, *make_task(settings)); });
  EXPECT_EQ(masks.info().id, "train.frozen_prefix");
  EXPECT_THAT(masks.info().what, HasSubstr("fill-mask shows the model other tokens"));
}

/// Dropouts that act nowhere below what trains are no reason.
TEST(FrozenPrefixTest, DropoutOfLayersMayActAboveFrozenEmbeddings) {
  PrefixRig rig("llama", Trained::kUpperLayers, reference_kernels(), true);
  EXPECT_THROW(frozen_prefix_layers(*rig.model, *rig.task), Error);
  for (const auto& p : named_parameters(*rig.model))
    if (p.name.find("layers.0.") != std::string::npos) set_trainable(*p.parameter, true);
  EXPECT_EQ(frozen_prefix_layers(*rig.model, *rig.task), 0);
}

}  // namespace
}  // namespace attune
