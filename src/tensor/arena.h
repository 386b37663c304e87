// Memory in ever reused address ranges: first fit, lowest address first. What a training step frees is one hole again when it ends, so
// blocks of every size share it, nothing is kept for a shape that will not come back, and pages stay mapped from step to step (page
// faults cost more than the arithmetic on small machines).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace attune {

/// Not thread-safe. Blocks are 64-byte aligned.
class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  struct Block {
    void* data = nullptr;  ///< null: the system refuses
    int64_t dirty = 0;     ///< of its bytes only so many from the first may hold something else than zero
  };
  Block take(int64_t bytes);
  /// The bytes the block had.
  int64_t give(void* data) noexcept;
  /// What a request of `bytes` takes.
  static int64_t rounded(int64_t bytes);
  /// Bytes that were ever handed out and are not returned: at most these are resident.
  int64_t held() const;
  /// Returns to the system what lies above the highest block of each mapping.
  void trim() noexcept;

 private:
  struct Mapping {
    char* begin;
    int64_t size;
    char* touched;  ///< nothing from here on was ever handed out
  };
  using Ranges = std::map<char*, int64_t>;
  Block cut(Ranges::iterator hole, int64_t size, int64_t bytes);
  bool map_more(int64_t size);
  Mapping& mapping_of(const char* p);
  std::vector<Mapping> mappings_;
  Ranges holes_, blocks_;
};

}  // namespace attune
