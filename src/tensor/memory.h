// The one place tensors get their memory from: blocks are kept and reused from step to step (page faults cost more than the
// arithmetic on small machines), and a ledger counts what is held for what.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace attune {

enum class MemoryClass { kWeights, kGradients, kOptimizer, kActivations, kQuantized, kOther };
constexpr int kMemoryClasses = 6;
std::string_view name_of(MemoryClass c);

struct Ledger {
  std::array<int64_t, kMemoryClasses> now{}, peak{};  ///< bytes in live tensors, by class
  int64_t total_now = 0, total_peak = 0;
  int64_t held = 0;  ///< bytes taken from the system, kept blocks included
};

/// Thread-safe. Blocks are 64-byte aligned. Freed blocks are kept and serve requests of half their size and more; what is kept beyond
/// the largest live total (and an eighth) goes back to the system when new memory is needed.
class Allocator {
 public:
  static Allocator& global();
  /// Error(kMemory) "memory.exhausted" (what for, how many bytes) when the system or the limit refuses.
  void* take(int64_t bytes, MemoryClass c);
  void give(void* p, MemoryClass c) noexcept;
  Ledger ledger() const;
  void reset_peaks();
  /// Returns kept blocks to the system.
  void trim();
  /// 0: none. Counts live bytes.
  void set_limit(int64_t bytes);
  /// Tests: called before each take; may throw.
  void set_fault(std::function<void(int64_t bytes, MemoryClass)> fault);

 private:
  Allocator();
  struct State;
  State* state_;
};

}  // namespace attune
