#include "train/int8_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "data/packing.h"

namespace attune {
namespace {

constexpr double kLeastShare = 1e-4;   // of the largest layer's gradient: F32 rounding is a thousandth of it
constexpr int64_t kCheckTokens = 512;  // an F32 step of them is a fraction of a second

/// "bert.encoder.layer.3" of a path inside it; the path itself when no part of it is a number.
std::string block_of(const std::string& path) {
  size_t begin = 0;
  while (begin < path.size()) {
    size_t end = path.find('.', begin);
    if (end == std::string::npos) end = path.size();
    if (end > begin && path.find_first_not_of("0123456789", begin) >= end) return path.substr(0, end);
    begin = end + 1;
  }
  return path;
}

/// The trained tensors of the backbone, those of one layer together.
std::vector<std::pair<std::string, std::vector<Parameter*>>> trained_layers(const FitJob& job) {
  std::vector<std::pair<std::string, std::vector<Parameter*>>> groups;
  const std::string& backbone = job.model->backbone().path();
  for (const auto& np : job.parameters) {
    const std::string& path = np.owner->path();
    if (!backbone.empty() && !path.starts_with(backbone + ".")) continue;
    if (groups.empty() || groups.back().first != path) groups.push_back({path, {}});
    groups.back().second.push_back(np.parameter);
  }
  return groups;
}

void run_batch(const FitJob& job, const Batch& batch, uint64_t epoch) {
  zero_gradients(job.parameters);
  Tape tape;
  Context ctx = job.context;
  ctx.tape = &tape;
  ctx.training = true;
  job.task->loss(ctx, *job.model, batch, token_keys(batch, static_cast<uint64_t>(job.config.seed), epoch), job.loss);
  tape.backward(ctx);
}

/// Gradients of the trained layers on one batch with F32 products of `layers`: what 8-bit ones are held against.
class F32Gradients {
 public:
  F32Gradients(const FitJob& job, const std::vector<Linear*>& layers, const Batch& batch, uint64_t epoch)
      : job_(job), batch_(batch), epoch_(epoch), groups_(trained_layers(job)) {
    std::vector<bool> exact;
    for (const Linear* l : layers) exact.push_back(l->weight.exact);
    for (Linear* l : layers) l->weight.exact = true;
    run_batch(job, batch, epoch);
    for (const auto& [path, parameters] : groups_) {
      wanted_.emplace_back();
      for (const Parameter* p : parameters) wanted_.back().push_back(p->var.grad->value().clone(MemoryClass::kActivations));
    }
    for (size_t i = 0; i < layers.size(); ++i) layers[i]->weight.exact = exact[i];
    zero_gradients(job.parameters);
  }
  /// Of the products as they are now.
  std::vector<LayerCheck> compare() const;

 private:
  const FitJob& job_;
  const Batch& batch_;
  const uint64_t epoch_;
  const std::vector<std::pair<std::string, std::vector<Parameter*>>> groups_;
  std::vector<std::vector<Tensor>> wanted_;
};

std::vector<LayerCheck> F32Gradients::compare() const {
  run_batch(job_, batch_, epoch_);
  std::vector<LayerCheck> result;
  std::vector<double> sizes;
  for (size_t g = 0; g < groups_.size(); ++g) {
    double product = 0, ours = 0, theirs = 0;
    for (size_t i = 0; i < wanted_[g].size(); ++i) {
      const std::span<const float> a = groups_[g].second[i]->var.grad->value().span(), b = wanted_[g][i].span();
      for (size_t j = 0; j < a.size(); ++j) {
        product += static_cast<double>(a[j]) * b[j];
        ours += static_cast<double>(a[j]) * a[j];
        theirs += static_cast<double>(b[j]) * b[j];
      }
    }
    const double size = std::sqrt(ours * theirs);
    double cosine = size > 0 ? product / size : ours == theirs ? 1.0 : 0.0;
    if (!std::isfinite(theirs)) cosine = 1;  // no fault of 8-bit products; the loop names the bad rows and weights
    result.push_back({groups_[g].first, cosine, cosine});
    sizes.push_back(std::sqrt(theirs));
  }
  // A gradient that is zero but for rounding (a key's bias: softmax does not see it) points anywhere.
  const double largest = sizes.empty() ? 0 : *std::max_element(sizes.begin(), sizes.end());
  for (size_t g = 0; g < groups_.size(); ++g)
    if (sizes[g] < kLeastShare * largest) result[g].cosine = result[g].first = 1;
  zero_gradients(job_.parameters);
  return result;
}

}  // namespace

double Int8Check::least() const {
  double least = 1;
  for (const auto& l : layers) least = std::min(least, l.cosine);
  return least;
}

Batch first_rows(const FitJob& job, int64_t tokens) {
  std::vector<uint64_t> rows;
  for (const auto& batch : job.plan(0))
    for (const uint64_t row : batch) {
      const auto length = static_cast<int64_t>(job.train[row].ids.size());
      if (!rows.empty() && length > tokens) return pack(job.train, rows);
      rows.push_back(row);
      tokens -= length;
    }
  return pack(job.train, rows);
}

std::vector<LayerCheck> compare_gradients(const FitJob& job, const std::vector<Linear*>& layers, const Batch& batch, uint64_t epoch) {
  return F32Gradients(job, layers, batch, epoch).compare();
}

Int8Check check_int8(const FitJob& job, const std::vector<Linear*>& layers) {
  using Blocks = std::vector<std::string>;
  Int8Check check;
  const Batch batch = first_rows(job, kCheckTokens);
  const F32Gradients reference(job, layers, batch, 0);
  check.layers = reference.compare();
  const auto has = [](const Blocks& blocks, const std::string& block) {
    return std::find(blocks.begin(), blocks.end(), block) != blocks.end();
  };
  const auto below = [&] {
    Blocks blocks;
    for (const auto& l : check.layers)
      if (l.cosine < kLeastCosine) blocks.push_back(block_of(l.module));
    return blocks;
  };
  const auto fall_back = [&](const Blocks* chosen, Blocks& fallen, auto change) {
    if (check.least() >= kLeastCosine) return;
    for (Linear* l : layers) {
      const std::string block = block_of(l->path());
      if (chosen && !has(*chosen, block)) continue;
      change(l->weight);
      if (!has(fallen, block)) fallen.push_back(block);
    }
    const auto again = reference.compare();
    for (size_t i = 0; i < again.size(); ++i) check.layers[i].cosine = again[i].cosine;
  };
  const auto two_terms = [](Weight& w) { w.terms = 2; };
  const auto exact = [](Weight& w) { w.exact = true; };
  const Blocks first = below();
  fall_back(&first, check.two_terms, two_terms);
  const Blocks second = below();
  fall_back(&second, check.exact, exact);
  // What is left comes from blocks where nothing trains and passes through to those below.
  fall_back(nullptr, check.two_terms, two_terms);
  fall_back(nullptr, check.exact, exact);
  std::erase_if(check.two_terms, [&](const std::string& block) { return has(check.exact, block); });
  return check;
}

std::string describe(const Int8Check& check) {
  if (check.layers.empty()) return "int8 self-check: nothing of the backbone trains, so there is no gradient to compare";
  std::string text =
      fmt::format("int8 self-check: cosine of each trained layer's gradient against f32 products, least {:.4f}", check.least());
  for (size_t i = 0; i < check.layers.size(); ++i)
    text += fmt::format("{}{} {:.4f}", i % 4 ? "  " : "\n  ", check.layers[i].module, check.layers[i].cosine);
  if (!check.two_terms.empty())
    text += fmt::format("\n  two-term int8 (cosine was below {}): {}", kLeastCosine, fmt::join(check.two_terms, ", "));
  if (!check.exact.empty()) text += fmt::format("\n  f32 products (cosine still below): {}", fmt::join(check.exact, ", "));
  return text;
}

}  // namespace attune
