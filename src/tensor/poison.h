// Tells AddressSanitizer which bytes of our own mappings belong to nobody; nothing in other builds.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#define ATTUNE_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ATTUNE_ADDRESS_SANITIZER
#endif
#endif

#ifdef ATTUNE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace attune {

#ifdef ATTUNE_ADDRESS_SANITIZER
constexpr int64_t kPoisonedGap = 64;  ///< between two blocks
inline void poison(const void* p, int64_t bytes) { __asan_poison_memory_region(p, static_cast<size_t>(bytes)); }
inline void unpoison(const void* p, int64_t bytes) { __asan_unpoison_memory_region(p, static_cast<size_t>(bytes)); }
#else
constexpr int64_t kPoisonedGap = 0;
inline void poison(const void*, int64_t) {}
inline void unpoison(const void*, int64_t) {}
#endif

}  // namespace attune
