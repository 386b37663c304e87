#include "tensor/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/error.h"
#include "tensor/arena.h"

namespace attune {
namespace {

constexpr std::array<std::string_view, kMemoryClasses> kNames{"weights", "gradients", "optimizer", "activations", "quantized", "other"};

thread_local Allocator* scoped = nullptr;

}  // namespace

std::string_view name_of(MemoryClass c) { return kNames[static_cast<size_t>(c)]; }

struct Allocator::State {
  std::mutex mutex;
  Arena arena;
  Arena aside;  ///< kernels' working memory, made in the middle of a step and kept: it would stand in the way of later ones
  Ledger ledger;
  int64_t limit = 0;
  std::function<void(int64_t, MemoryClass)> fault;
  Arena& home(MemoryClass c) { return c == MemoryClass::kOther ? aside : arena; }
};

Allocator::Allocator() : state_(std::make_unique<State>()) {}
Allocator::~Allocator() = default;

Allocator& Allocator::global() {
  static Allocator* a = new Allocator;  // never destroyed: tensors in statics may outlive it
  return *a;
}

Allocator& Allocator::current() { return scoped ? *scoped : global(); }

void* Allocator::take(int64_t bytes, MemoryClass c) { return take(bytes, c, false); }
void* Allocator::take_zeroed(int64_t bytes, MemoryClass c) { return take(bytes, c, true); }

void* Allocator::take(int64_t bytes, MemoryClass c, bool zeroed) {
  require(bytes >= 0, "negative allocation");
  Arena::Block block;
  {
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
    const int64_t size = Arena::rounded(bytes);
    if (s.limit > 0 && s.ledger.total_now + size > s.limit) refuse("the memory limit is reached");
    block = s.home(c).take(bytes);
    if (block.data == nullptr) refuse("the system has no memory left");
    const auto i = static_cast<size_t>(c);
    s.ledger.now[i] += size;
    s.ledger.total_now += size;
    s.ledger.peak[i] = std::max(s.ledger.peak[i], s.ledger.now[i]);
    s.ledger.total_peak = std::max(s.ledger.total_peak, s.ledger.total_now);
  }
  if (zeroed) std::memset(block.data, 0, static_cast<size_t>(block.dirty));
  return block.data;
}

void Allocator::give(void* p, MemoryClass c) noexcept {
  std::lock_guard lock(state_->mutex);
  const int64_t size = state_->home(c).give(p);
  state_->ledger.now[static_cast<size_t>(c)] -= size;
  state_->ledger.total_now -= size;
}

Ledger Allocator::ledger() const {
  std::lock_guard lock(state_->mutex);
  Ledger l = state_->ledger;
  l.held = state_->arena.held() + state_->aside.held();
  return l;
}

void Allocator::reset_peaks() {
  std::lock_guard lock(state_->mutex);
  state_->ledger.peak = state_->ledger.now;
  state_->ledger.total_peak = state_->ledger.total_now;
}

void Allocator::trim() {
  std::lock_guard lock(state_->mutex);
  state_->arena.trim();
  state_->aside.trim();
}

void Allocator::set_limit(int64_t bytes) {
  std::lock_guard lock(state_->mutex);
  state_->limit = bytes;
}

void Allocator::set_fault(std::function<void(int64_t, MemoryClass)> fault) {
  std::lock_guard lock(state_->mutex);
  state_->fault = std::move(fault);
}

AllocatorScope::AllocatorScope(Allocator& allocator) : outer_(scoped) { scoped = &allocator; }
AllocatorScope::~AllocatorScope() { scoped = outer_; }

}  // namespace attune
