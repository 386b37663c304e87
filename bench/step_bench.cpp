// One LoRA training step (forward, loss, backward) of a random model, as a whole and by kernel.
// usage: step_bench [distilbert|minilm] [lora|full] [steps] [reference]
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "models/registry.h"
#include "nn/load_weights.h"
#include "peft/method.h"
#include "tasks/task.h"
#include "timed_kernels.h"

using namespace attune;

namespace {

Batch batch_of(const std::vector<int64_t>& lengths, int64_t vocabulary) {
  Batch b;
  b.starts.push_back(0);
  for (int64_t n : lengths) {
    for (int64_t i = 0; i < n; ++i) {
      b.ids.push_back(static_cast<int32_t>((i * 7919 + n) % vocabulary));
      b.positions.push_back(static_cast<int32_t>(i));
      b.type_ids.push_back(0);
    }
    b.starts.push_back(static_cast<int64_t>(b.ids.size()));
    b.rows.push_back(b.rows.size());
    b.labels.push_back({static_cast<int32_t>(b.rows.size() % 2), {}, {}});
  }
  return b;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string shape = argc > 1 ? argv[1] : "distilbert", method_name = argc > 2 ? argv[2] : "lora";
  const int steps = argc > 3 ? std::atoi(argv[3]) : 10;
  const bool distil = shape == "distilbert";
  Json json = distil ? Json{{"model_type", "distilbert"}}
                     : Json{{"model_type", "bert"}, {"hidden_size", 384}, {"num_hidden_layers", 6}, {"intermediate_size", 1536}};
  TaskSettings settings;
  settings.labels = {"negative", "positive"};
  const auto task = make_task(settings);
  const auto model = make_model({json, "bench"}, task->head(), 2);
  for (const auto& np : named_parameters(*model)) initialize(np, 0.02, 1);
  PeftSetup setup;
  setup.adapter.options.method = method_name;
  setup.adapter.options.r = distil ? 4 : 8;
  setup.adapter.options.lora_dropout = distil ? 0.01 : 0.1;
  setup.adapter.task_type = "SEQ_CLS";
  if (distil) setup.adapter.options.target_modules.names = {"q_lin"};
  setup.default_targets = {"query", "value"};
  const auto method = make_method(std::move(setup));
  method->apply(*model);
  method->initialize(1);

  // One IMDB batch of four reviews; thirty-two SST-2 sentences.
  std::vector<int64_t> lengths{262, 180, 420, 186};
  if (!distil) {
    lengths.clear();
    for (int64_t i = 0; i < 32; ++i) lengths.push_back(10 + (i * 11) % 31);
  }
  const Batch batch = batch_of(lengths, model->info().vocab_size);
  Context ctx{&bench::timed_kernels(argc > 4 && !std::strcmp(argv[4], "reference") ? reference_kernels() : cpu_kernels()), default_threads(), nullptr, true};
  Tape tape;
  ctx.tape = &tape;
  std::vector<double> forward, whole;
  for (int s = -2; s < steps; ++s) {
    if (s == 0) bench::reset_entry_times();
    const auto begin = std::chrono::steady_clock::now();
    const Var logits = model->forward(ctx, batch, token_keys(batch, 1, static_cast<uint64_t>(s + 2)));
    const auto middle = std::chrono::steady_clock::now();
    task->loss(ctx, logits, batch, {});
    tape.backward(ctx);
    const auto end = std::chrono::steady_clock::now();
    if (s < 0) continue;
    forward.push_back(std::chrono::duration<double>(middle - begin).count());
    whole.push_back(std::chrono::duration<double>(end - begin).count());
  }
  std::sort(forward.begin(), forward.end());
  std::sort(whole.begin(), whole.end());
  const double median = whole[whole.size() / 2];
  std::printf("%s %s, %s: %ld tokens, forward %.1f ms, step %.1f ms (least %.1f), %.0f tokens/s\n", shape.c_str(), method_name.c_str(), cpu_kernels().name,
              static_cast<long>(batch.tokens()), 1e3 * forward[forward.size() / 2], 1e3 * median, 1e3 * whole.front(), static_cast<double>(batch.tokens()) / median);
  bench::print_entry_times(steps);
  const Ledger ledger = Allocator::global().ledger();
  std::printf("memory peak %.1f MB:", static_cast<double>(ledger.total_peak) / 1e6);
  for (int c = 0; c < kMemoryClasses; ++c)
    if (ledger.peak[static_cast<size_t>(c)]) std::printf(" %s %.1f", std::string(name_of(static_cast<MemoryClass>(c))).c_str(), static_cast<double>(ledger.peak[static_cast<size_t>(c)]) / 1e6);
  std::printf(", held %.1f\n", static_cast<double>(ledger.held) / 1e6);
}
