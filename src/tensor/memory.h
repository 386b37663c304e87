// The one place tensors get their memory from: an arena that is reused from step to step, with a ledger that counts what is held for what.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace attune {

enum class MemoryClass { kWeights, kGradients, kOptimizer, kActivations, kQuantized, kOther };
constexpr int kMemoryClasses = 6;
std::string_view name_of(MemoryClass c);

struct Ledger {
  std::array<int64_t, kMemoryClasses> now{}, peak{};  ///< bytes in live tensors, by class
  int64_t total_now = 0, total_peak = 0;
  int64_t held = 0;  ///< bytes taken from the system, free ones between blocks included: what the process has resident
};

/// Thread-safe. Blocks are 64-byte aligned. Memory that was freed stays for later blocks (arena.h).
class Allocator {
 public:
  Allocator();
  /// Nothing taken from it may be left.
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;
  static Allocator& global();
  /// Where this thread's tensors come from: the global one, unless an AllocatorScope says otherwise.
  static Allocator& current();

  /// Error(kMemory) "memory.exhausted" (what for, how many bytes) when the system or the limit refuses.
  void* take(int64_t bytes, MemoryClass c);
  /// All bytes 0; memory that is new from the system is left untouched, so it takes no room before it is used.
  void* take_zeroed(int64_t bytes, MemoryClass c);
  void give(void* p, MemoryClass c) noexcept;
  Ledger ledger() const;
  void reset_peaks();
  /// Returns free memory at the end of the arena to the system.
  void trim();
  /// 0: none. Counts live bytes.
  void set_limit(int64_t bytes);
  /// Tests: called before each take; may throw.
  void set_fault(std::function<void(int64_t bytes, MemoryClass)> fault);

 private:
  void* take(int64_t bytes, MemoryClass c, bool zeroed);
  struct State;
  std::unique_ptr<State> state_;
};

/// Tensors this thread makes while it lives come from `allocator`; they find back to it themselves.
class AllocatorScope {
 public:
  explicit AllocatorScope(Allocator& allocator);
  ~AllocatorScope();
  AllocatorScope(const AllocatorScope&) = delete;
  AllocatorScope& operator=(const AllocatorScope&) = delete;

 private:
  Allocator* outer_;
};

}  // namespace attune
