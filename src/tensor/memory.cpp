#include "tensor/memory.h"

#include <fmt/format.h>

#include <cstdlib>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, kMemoryClasses> kNames{"weights", "gradients", "optimizer", "activations", "quantized", "other"};
constexpr int64_t kAlignment = 64;

/// Eight buckets a power of two: at most 12.5 % is lost to rounding.
int64_t bucket_size(int64_t bytes) {
  if (bytes <= 512) return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const int top = 63 - __builtin_clzll(static_cast<unsigned long long>(bytes - 1));
  const int64_t step = int64_t{1} << (top - 3);
  return (bytes + step - 1) / step * step;
}

}  // namespace

std::string_view name_of(MemoryClass c) { return kNames[static_cast<size_t>(c)]; }

struct Allocator::State {
  std::mutex mutex;
  std::unordered_map<int64_t, std::vector<void*>> kept;
  Ledger ledger;
  int64_t limit = 0;
  std::function<void(int64_t, MemoryClass)> fault;

  void trim() {
    for (auto& [size, blocks] : kept) {
      for (void* p : blocks) std::free(p);
      ledger.held -= size * static_cast<int64_t>(blocks.size());
      blocks.clear();
    }
  }
};

Allocator::Allocator() : state_(new State) {}

Allocator& Allocator::global() {
  static Allocator* a = new Allocator;  // never destroyed: tensors in statics may outlive it
  return *a;
}

void* Allocator::take(int64_t bytes, MemoryClass c) {
  require(bytes >= 0, "negative allocation");
  const int64_t size = bucket_size(bytes > 0 ? bytes : 1);
  std::lock_guard lock(state_->mutex);
  State& s = *state_;
  if (s.fault) s.fault(bytes, c);
  auto refuse = [&](const char* why) {
    fail(ErrorCode::kMemory, {.id = "memory.exhausted",
                              .where = std::string(name_of(c)),
                              .what = fmt::format("{} while taking {:.1f} MiB", why, static_cast<double>(bytes) / 1048576.0),
                              .got = fmt::format("{:.1f} MiB already in use", static_cast<double>(s.ledger.total_now) / 1048576.0),
                              .hint = "lower per_device_train_batch_size or max_length"});
  };
  if (s.limit > 0 && s.ledger.total_now + size > s.limit) refuse("the memory limit is reached");
  void* p = nullptr;
  if (auto it = s.kept.find(size); it != s.kept.end() && !it->second.empty()) {
    p = it->second.back();
    it->second.pop_back();
  } else {
    p = std::aligned_alloc(kAlignment, static_cast<size_t>(size));
    if (p == nullptr) {
      s.trim();
      p = std::aligned_alloc(kAlignment, static_cast<size_t>(size));
    }
    if (p == nullptr) refuse("the system has no memory left");
    s.ledger.held += size;
  }
  const auto i = static_cast<size_t>(c);
  s.ledger.now[i] += size;
  s.ledger.total_now += size;
  s.ledger.peak[i] = std::max(s.ledger.peak[i], s.ledger.now[i]);
  s.ledger.total_peak = std::max(s.ledger.total_peak, s.ledger.total_now);
  return p;
}

void Allocator::give(void* p, int64_t bytes, MemoryClass c) noexcept {
  const int64_t size = bucket_size(bytes > 0 ? bytes : 1);
  std::lock_guard lock(state_->mutex);
  state_->ledger.now[static_cast<size_t>(c)] -= size;
  state_->ledger.total_now -= size;
  try {
    state_->kept[size].push_back(p);
  } catch (...) {
    std::free(p);
    state_->ledger.held -= size;
  }
}

Ledger Allocator::ledger() const {
  std::lock_guard lock(state_->mutex);
  return state_->ledger;
}

void Allocator::reset_peaks() {
  std::lock_guard lock(state_->mutex);
  state_->ledger.peak = state_->ledger.now;
  state_->ledger.total_peak = state_->ledger.total_now;
}

void Allocator::trim() {
  std::lock_guard lock(state_->mutex);
  state_->trim();
}

void Allocator::set_limit(int64_t bytes) {
  std::lock_guard lock(state_->mutex);
  state_->limit = bytes;
}

void Allocator::set_fault(std::function<void(int64_t, MemoryClass)> fault) {
  std::lock_guard lock(state_->mutex);
  state_->fault = std::move(fault);
}

}  // namespace attune
