#include "tensor/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <mutex>

#include "base/error.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, kMemoryClasses> kNames{"weights", "gradients", "optimizer", "activations", "quantized", "other"};
constexpr int64_t kAlignment = 64;  // also the size of a block's header, which holds the block's size

int64_t rounded(int64_t bytes) { return (std::max<int64_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment; }

/// A kept block may serve a request down to half its size: shapes differ a little from batch to batch.
bool serves(int64_t block, int64_t size) { return block <= 2 * size || block - size <= 4096; }

/// Kept blocks may exceed what was ever live by this much; more would be memory that nothing will ask for again.
int64_t slack(int64_t peak) { return std::max<int64_t>(peak / 8, int64_t{16} << 20); }

int64_t& size_of_block(void* p) { return *reinterpret_cast<int64_t*>(static_cast<char*>(p) - kAlignment); }

}  // namespace

std::string_view name_of(MemoryClass c) { return kNames[static_cast<size_t>(c)]; }

struct Allocator::State {
  std::mutex mutex;
  std::multimap<int64_t, void*> kept;  ///< by size
  Ledger ledger;
  int64_t kept_bytes = 0;
  int64_t limit = 0;
  std::function<void(int64_t, MemoryClass)> fault;

  void release(std::multimap<int64_t, void*>::iterator it) {
    std::free(static_cast<char*>(it->second) - kAlignment);
    ledger.held -= it->first;
    kept_bytes -= it->first;
    kept.erase(it);
  }
  /// Frees kept blocks, the largest first, until at most `allowed` bytes are kept.
  void trim(int64_t allowed) {
    while (!kept.empty() && kept_bytes > allowed) release(std::prev(kept.end()));
  }
  void* reuse(int64_t size) {
    const auto it = kept.lower_bound(size);
    if (it == kept.end() || !serves(it->first, size)) return nullptr;
    void* p = it->second;
    kept_bytes -= it->first;
    kept.erase(it);
    return p;
  }
  void* fresh(int64_t size) {
    void* block = std::aligned_alloc(kAlignment, static_cast<size_t>(size + kAlignment));
    if (block == nullptr) return nullptr;
    void* p = static_cast<char*>(block) + kAlignment;
    size_of_block(p) = size;
    ledger.held += size;
    return p;
  }
};

Allocator::Allocator() : state_(new State) {}

Allocator& Allocator::global() {
  static Allocator* a = new Allocator;  // never destroyed: tensors in statics may outlive it
  return *a;
}

void* Allocator::take(int64_t bytes, MemoryClass c) {
  require(bytes >= 0, "negative allocation");
  const int64_t size = rounded(bytes);
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
  void* p = s.reuse(size);
  if (p == nullptr) {
    const int64_t peak = std::max(s.ledger.total_peak, s.ledger.total_now + size);
    s.trim(std::max<int64_t>(0, peak + slack(peak) - s.ledger.total_now - size));
    p = s.fresh(size);
    if (p == nullptr) {
      s.trim(0);
      p = s.fresh(size);
    }
    if (p == nullptr) refuse("the system has no memory left");
  }
  const auto i = static_cast<size_t>(c);
  const int64_t block = size_of_block(p);
  s.ledger.now[i] += block;
  s.ledger.total_now += block;
  s.ledger.peak[i] = std::max(s.ledger.peak[i], s.ledger.now[i]);
  s.ledger.total_peak = std::max(s.ledger.total_peak, s.ledger.total_now);
  return p;
}

void Allocator::give(void* p, MemoryClass c) noexcept {
  std::lock_guard lock(state_->mutex);
  const int64_t block = size_of_block(p);
  state_->ledger.now[static_cast<size_t>(c)] -= block;
  state_->ledger.total_now -= block;
  try {
    state_->kept.emplace(block, p);
    state_->kept_bytes += block;
  } catch (...) {
    std::free(static_cast<char*>(p) - kAlignment);
    state_->ledger.held -= block;
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
  state_->trim(0);
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
