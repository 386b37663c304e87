// Tokens and their ids: one block of bytes and an open-addressing table, built in about a millisecond for 30,000 tokens.
// The hash is computed byte by byte, so that a model gets the hashes of all prefixes of a word in one pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attune {

class Vocabulary {
 public:
  struct Hash {
    uint64_t state = 0x9ae16a3b2f90404full;
    void add(char byte) { state = (state ^ static_cast<unsigned char>(byte)) * 0x9e3779b97f4a7c15ull; }
    void add(std::string_view bytes) {
      for (char b : bytes) add(b);
    }
    uint64_t value() const { return state ^ state >> 29; }
  };

  /// What `add` found.
  enum class Added { kNew, kDuplicateToken, kCrowded };

  void reserve(size_t tokens, size_t bytes);
  /// kDuplicateToken: the token has an id already, which stays. kCrowded: the content defeats the hash (only made on purpose).
  Added add(std::string_view token, int32_t id);
  /// Gives a token another id; the token must be there.
  void replace(std::string_view token, int32_t id);
  /// Call once after the last add: makes ids searchable. Returns an id that two tokens share, if any.
  std::optional<int32_t> finish();

  std::optional<int32_t> id(std::string_view token) const;
  /// `prefix` followed by `rest` is the token; `hash` is of both.
  std::optional<int32_t> id(Hash hash, std::string_view prefix, std::string_view rest) const;
  std::optional<std::string_view> token(int32_t id) const;
  size_t size() const { return ids_.size(); }
  int32_t max_id() const { return max_id_; }
  size_t longest() const { return longest_; }  ///< bytes
  /// Tokens by increasing id.
  size_t order(size_t rank) const { return by_id_.empty() ? rank : by_id_[rank]; }
  std::string_view text(size_t entry) const { return std::string_view(bytes_).substr(begin_[entry], begin_[entry + 1] - begin_[entry]); }
  int32_t id_of(size_t entry) const { return ids_[entry]; }

 private:
  struct Slot {
    uint32_t entry = 0;  ///< index + 1; 0: free
    uint32_t tag = 0;    ///< upper half of the hash
  };
  void grow();
  size_t find(uint64_t hash, std::string_view prefix, std::string_view rest) const;  ///< entry + 1, or 0

  std::string bytes_;
  std::vector<uint64_t> begin_{0};
  std::vector<int32_t> ids_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> by_id_;  ///< empty when entry i has id i
  size_t longest_ = 0;
  int32_t max_id_ = -1;
};

}  // namespace attune
