// Linear probing at a load of at most one half. A chain longer than kMaxChain is refused: no real vocabulary comes near it, and a file
// made to collide would otherwise cost quadratic time.
#include "text/vocabulary.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace attune {
namespace {

constexpr size_t kMaxChain = 4096;

}  // namespace

void Vocabulary::reserve(size_t tokens, size_t bytes) {
  bytes_.reserve(bytes);
  begin_.reserve(tokens + 1);
  ids_.reserve(tokens);
  size_t want = 16;
  while (want < 2 * tokens + 2) want *= 2;
  if (want > slots_.size() && ids_.empty()) slots_.assign(want, Slot{});
}

void Vocabulary::grow() {
  std::vector<Slot> old(std::max<size_t>(16, slots_.size() * 2));
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (size_t entry = 0; entry < ids_.size(); ++entry) {
    Hash hash;
    hash.add(text(entry));
    size_t at = hash.value() & mask;
    while (slots_[at].entry != 0) at = (at + 1) & mask;
    slots_[at] = {static_cast<uint32_t>(entry + 1), static_cast<uint32_t>(hash.value() >> 32)};
  }
}

Vocabulary::Added Vocabulary::add(std::string_view token, int32_t id) {
  if (2 * (ids_.size() + 1) > slots_.size()) grow();
  Hash hash;
  hash.add(token);
  const size_t mask = slots_.size() - 1;
  const auto tag = static_cast<uint32_t>(hash.value() >> 32);
  size_t at = hash.value() & mask, chain = 0;
  while (slots_[at].entry != 0) {
    if (slots_[at].tag == tag && text(slots_[at].entry - 1) == token) return Added::kDuplicateToken;
    if (++chain > kMaxChain) return Added::kCrowded;
    at = (at + 1) & mask;
  }
  bytes_.append(token);
  begin_.push_back(bytes_.size());
  ids_.push_back(id);
  slots_[at] = {static_cast<uint32_t>(ids_.size()), tag};
  longest_ = std::max(longest_, token.size());
  max_id_ = std::max(max_id_, id);
  return Added::kNew;
}

void Vocabulary::replace(std::string_view token, int32_t id) {
  Hash hash;
  hash.add(token);
  const size_t entry = find(hash.value(), {}, token);
  require(entry != 0, "a token to be replaced must be there");
  ids_[entry - 1] = id;
  max_id_ = std::max(max_id_, id);
}

std::optional<int32_t> Vocabulary::finish() {
  by_id_.clear();
  bool dense = true;
  for (size_t i = 0; i < ids_.size() && dense; ++i) dense = ids_[i] == static_cast<int32_t>(i);
  if (dense) return std::nullopt;
  by_id_.resize(ids_.size());
  std::iota(by_id_.begin(), by_id_.end(), uint32_t{0});
  std::sort(by_id_.begin(), by_id_.end(), [&](uint32_t a, uint32_t b) { return ids_[a] < ids_[b]; });
  for (size_t i = 1; i < by_id_.size(); ++i) {
    if (ids_[by_id_[i]] == ids_[by_id_[i - 1]]) return ids_[by_id_[i]];
  }
  return std::nullopt;
}

size_t Vocabulary::find(uint64_t hash, std::string_view prefix, std::string_view rest) const {
  if (slots_.empty()) return 0;
  const size_t mask = slots_.size() - 1;
  const auto tag = static_cast<uint32_t>(hash >> 32);
  for (size_t at = hash & mask; slots_[at].entry != 0; at = (at + 1) & mask) {
    if (slots_[at].tag != tag) continue;
    const std::string_view t = text(slots_[at].entry - 1);
    if (t.size() == prefix.size() + rest.size() && t.substr(0, prefix.size()) == prefix && t.substr(prefix.size()) == rest) {
      return slots_[at].entry;
    }
  }
  return 0;
}

std::optional<int32_t> Vocabulary::id(std::string_view token) const {
  Hash hash;
  hash.add(token);
  return id(hash, {}, token);
}

std::optional<int32_t> Vocabulary::id(Hash hash, std::string_view prefix, std::string_view rest) const {
  const size_t entry = find(hash.value(), prefix, rest);
  if (entry == 0) return std::nullopt;
  return ids_[entry - 1];
}

std::optional<std::string_view> Vocabulary::token(int32_t id) const {
  if (by_id_.empty()) {
    if (id < 0 || static_cast<size_t>(id) >= ids_.size()) return std::nullopt;
    return text(static_cast<size_t>(id));
  }
  const auto at = std::lower_bound(by_id_.begin(), by_id_.end(), id, [&](uint32_t entry, int32_t value) { return ids_[entry] < value; });
  if (at == by_id_.end() || ids_[*at] != id) return std::nullopt;
  return text(*at);
}

}  // namespace attune
