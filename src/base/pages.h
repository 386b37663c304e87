// Pages of the system: address space that costs memory only where it is written, and starts as zeros.
#pragma once

#include <cstdint>

namespace attune {

/// Null when the system refuses. `bytes` is a multiple of the page size, 4096.
void* map_pages(int64_t bytes);
void unmap_pages(void* begin, int64_t bytes);
/// The pages stay mapped, hold zeros again and cost nothing.
void forget_pages(void* begin, int64_t bytes);

/// What the process has in memory now, and had at most; 0 where that cannot be read.
int64_t resident_bytes();
int64_t peak_resident_bytes();

}  // namespace attune
