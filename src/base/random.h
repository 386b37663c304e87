// Counter-based random numbers: a value is a pure function of its key, so skipping work never changes what comes later.
#pragma once

#include <cstdint>
#include <string_view>

namespace attune {

/// splitmix64's finaliser (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
/// A key made of parts; order matters.
constexpr uint64_t mix_key(uint64_t a, uint64_t b) { return mix64(a ^ mix64(b)); }
template <typename... Rest>
constexpr uint64_t mix_key(uint64_t a, uint64_t b, Rest... rest) { return mix_key(mix_key(a, b), rest...); }

/// FNV-1a: the key of a module path.
constexpr uint64_t hash_name(std::string_view s) {
  uint64_t h = 0xcbf29ce484222325u;
  for (char c : s) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

/// The stream of one key: element i is mix_key(key, i).
class Random {
 public:
  explicit Random(uint64_t key) : key_(key) {}
  uint64_t next() { return mix_key(key_, counter_++); }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  ///< [0, 1)
  double normal();                                                          ///< mean 0, deviation 1 (Box-Muller)
  uint64_t below(uint64_t n) { return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64); }

 private:
  uint64_t key_, counter_ = 0;
};

/// Where a run's randomness starts; small explicit values, saved in checkpoints as they are.
struct RandomState {
  uint64_t seed = 42, epoch = 0;
};

}  // namespace attune
