// One training step (forward, loss, backward) of a random model: as a whole, by kernel, and against what the work alone would take at the
// rates this machine shows in the same run.
// usage: step_bench [distilbert|minilm] [lora|int8|full] [steps] [reference]   one batch as the jobs have it
//        step_bench sweep [distilbert|minilm] [lora|int8|full] [steps] [most tokens]   CSV: tokens of a step, then length of a sequence
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "models/registry.h"
#include "nn/load_weights.h"
#include "nn/quantization.h"
#include "peft/method.h"
#include "roofline.h"
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

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}
double least(const std::vector<double>& v) { return *std::min_element(v.begin(), v.end()); }

/// Seconds of each step, and the work of one.
struct Measured {
  std::vector<double> forward, whole;
  bench::Work work;
};

/// A model with its method, ready to make steps of any batch.
class Stepper {
 public:
  Stepper(const std::string& shape, const std::string& method, const Kernels& kernels) : distil_(shape == "distilbert") {
    const Json json = distil_ ? Json{{"model_type", "distilbert"}}
                              : Json{{"model_type", "bert"}, {"hidden_size", 384}, {"num_hidden_layers", 6}, {"intermediate_size", 1536}};
    TaskSettings settings;
    settings.labels = {"negative", "positive"};
    task_ = make_task(settings);
    model_ = make_model({json, "bench"}, task_->kind().head, 2);
    for (const auto& np : named_parameters(*model_)) initialize(np, 0.02, 1);
    PeftSetup setup;
    const bool int8 = method == "int8";
    setup.adapter.options.method = int8 ? "lora" : method;
    setup.adapter.options.r = distil_ ? 4 : 8;
    setup.adapter.options.lora_dropout = distil_ ? 0.01 : 0.1;
    setup.adapter.task_type = "SEQ_CLS";
    if (distil_) setup.adapter.options.target_modules.names = {"q_lin"};
    setup.default_targets = {"query", "value"};
    method_ = make_method(std::move(setup));
    method_->apply(*model_);
    method_->initialize(1);
    if (int8) compute_in_int8(frozen_linears(*model_, {}), {}, Resident::kInt8, {&kernels, default_threads()});
    plain_ = {&kernels, default_threads(), nullptr, true};
    ctx_ = {&bench::timed_kernels(kernels), default_threads(), &tape_, true};
  }

  /// `steps` after `warm_up` that are not counted; the entry times are those of the counted ones.
  Measured measure(const std::vector<int64_t>& lengths, int steps, int warm_up) {
    const Batch batch = batch_of(lengths, model_->info().vocab_size);
    Measured m;
    for (int s = -warm_up; s < steps; ++s) {
      if (s == 0) bench::reset_entry_times();
      const auto begin = std::chrono::steady_clock::now();
      task_->loss(ctx_, *model_, batch, token_keys(batch, 1, static_cast<uint64_t>(s + warm_up)), {});
      const auto middle = std::chrono::steady_clock::now();
      tape_.backward(ctx_);
      const auto end = std::chrono::steady_clock::now();
      if (s < 0) continue;
      m.forward.push_back(std::chrono::duration<double>(middle - begin).count());
      m.whole.push_back(std::chrono::duration<double>(end - begin).count());
    }
    m.work = bench::total_work();
    const double share = 1.0 / steps;
    m.work = {m.work.products * share, m.work.int8_products * share, m.work.attention * share, m.work.bytes * share};
    return m;
  }
  bench::Rates rates() const { return bench::measure_rates(plain_, model_->info().heads, model_->info().hidden_size / model_->info().heads); }
  bool distil() const { return distil_; }

 private:
  bool distil_;
  std::unique_ptr<Task> task_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<PeftMethod> method_;
  Tape tape_;
  Context plain_, ctx_;
};

/// One IMDB batch of four reviews; thirty-two SST-2 sentences.
std::vector<int64_t> usual_lengths(bool distil) {
  if (distil) return {262, 180, 420, 186};
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < 32; ++i) lengths.push_back(10 + (i * 11) % 31);
  return lengths;
}

void print_rates(const char* lead, const bench::Rates& r) {
  std::printf("%srates: f32 products %.0f GF/s, int8 products ", lead, 1e-9 * r.products);
  r.int8_products > 0 ? (void)std::printf("%.0f GOP/s", 1e-9 * r.int8_products) : (void)std::printf("none");
  std::printf(", attention %.0f GF/s, memory %.1f GB/s\n", 1e-9 * r.attention, 1e-9 * r.bandwidth);
}

void print_roofline(const Measured& m, const bench::Rates& rates) {
  const bench::Floor f = bench::floor_of(m.work, rates);
  print_rates("", rates);
  std::printf("floor: products %.1f GF %.1f ms", 1e-9 * m.work.products, 1e3 * f.products);
  if (m.work.int8_products > 0) std::printf(", int8 products %.1f GOP %.1f ms", 1e-9 * m.work.int8_products, 1e3 * f.int8_products);
  std::printf(", attention %.1f GF %.1f ms, the rest %.2f GB %.1f ms: %.1f ms\n", 1e-9 * m.work.attention, 1e3 * f.attention, 1e-9 * m.work.bytes, 1e3 * f.traffic, 1e3 * f.total());
  bench::Rates strict = rates;
  strict.attention = rates.products;
  std::printf("share of the roofline: %.0f %% of the median step, %.0f %% of the fastest; were attention as fast as products: %.0f %% and %.0f %%\n", 100 * f.total() / median(m.whole),
              100 * f.total() / least(m.whole), 100 * bench::floor_of(m.work, strict).total() / median(m.whole), 100 * bench::floor_of(m.work, strict).total() / least(m.whole));
}

int one_batch(const std::string& shape, const std::string& method, int steps, const Kernels& kernels) {
  Stepper stepper(shape, method, kernels);
  const bench::Rates before = stepper.rates();
  const std::vector<int64_t> lengths = usual_lengths(stepper.distil());
  int64_t tokens = 0;
  for (int64_t n : lengths) tokens += n;
  const Measured m = stepper.measure(lengths, steps, 2);
  std::printf("%s %s, %s: %ld tokens, forward %.1f ms, step %.1f ms (least %.1f), %.0f tokens/s\n", shape.c_str(), method.c_str(), kernels.name, static_cast<long>(tokens),
              1e3 * median(m.forward), 1e3 * median(m.whole), 1e3 * least(m.whole), static_cast<double>(tokens) / median(m.whole));
  bench::print_entry_times(steps);
  print_roofline(m, bench::best_of(before, stepper.rates()));
  const Ledger ledger = Allocator::global().ledger();
  std::printf("memory peak %.1f MB:", static_cast<double>(ledger.total_peak) / 1e6);
  for (int c = 0; c < kMemoryClasses; ++c)
    if (ledger.peak[static_cast<size_t>(c)]) std::printf(" %s %.1f", std::string(name_of(static_cast<MemoryClass>(c))).c_str(), static_cast<double>(ledger.peak[static_cast<size_t>(c)]) / 1e6);
  std::printf(", held %.1f\n", static_cast<double>(ledger.held) / 1e6);
  return 0;
}

/// Step time as the work grows. The floors use the best rates seen before and after, so lines come at the end.
int sweep(const std::string& shape, const std::string& method, int steps, int64_t most_tokens) {
  constexpr int64_t kLength = 128, kTokens = 4096;
  Stepper stepper(shape, method, cpu_kernels());
  struct Point {
    const char* grows;
    int64_t length, sequences;
    Measured m;
  };
  std::vector<Point> points;
  for (int64_t tokens = kLength; tokens <= most_tokens; tokens *= 2) points.push_back({"tokens", kLength, tokens / kLength, {}});
  for (int64_t length = 32; length <= 512; length *= 2) points.push_back({"length", length, std::min(kTokens, most_tokens) / length, {}});
  bench::Rates rates = stepper.rates();
  for (Point& p : points) {
    // Small steps are repeated more often: their times scatter most.
    const auto more = static_cast<int>(std::min<int64_t>(8, std::max<int64_t>(1, 2048 / (p.length * p.sequences))));
    p.m = stepper.measure(std::vector<int64_t>(static_cast<size_t>(p.sequences), p.length), steps * more, 1);
    std::fprintf(stderr, "%s: %ld x %ld tokens, %.1f ms\n", p.grows, static_cast<long>(p.sequences), static_cast<long>(p.length), 1e3 * median(p.m.whole));
  }
  rates = bench::best_of(rates, stepper.rates());
  print_rates("# ", rates);
  std::printf("grows,model,method,kernels,length,sequences,tokens,step_ms,least_ms,floor_ms,share,products_gf,int8_products_gf,attention_gf,traffic_gb\n");
  for (const Point& p : points) {
    const double floor = bench::floor_of(p.m.work, rates).total(), step = median(p.m.whole);
    std::printf("%s,%s,%s,%s,%ld,%ld,%ld,%.3f,%.3f,%.3f,%.3f,%.3f,%.3f,%.3f,%.4f\n", p.grows, shape.c_str(), method.c_str(), cpu_kernels().name, static_cast<long>(p.length),
                static_cast<long>(p.sequences), static_cast<long>(p.length * p.sequences), 1e3 * step, 1e3 * least(p.m.whole), 1e3 * floor, floor / step, 1e-9 * p.m.work.products,
                1e-9 * p.m.work.int8_products, 1e-9 * p.m.work.attention, 1e-9 * p.m.work.bytes);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> args(argv + 1, argv + argc);
  const bool grow = !args.empty() && args[0] == "sweep";
  if (grow) args.erase(args.begin());
  const auto arg = [&](size_t i, const char* otherwise) { return args.size() > i ? args[i] : std::string(otherwise); };
  const std::string shape = arg(0, "distilbert"), method = arg(1, "lora");
  const int steps = std::max(1, std::atoi(arg(2, grow ? "3" : "10").c_str()));
  if (grow) return sweep(shape, method, steps, std::atoll(arg(3, "16384").c_str()));
  return one_batch(shape, method, steps, arg(3, "") == "reference" ? reference_kernels() : cpu_kernels());
}
