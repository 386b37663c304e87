#include "tensor/arena.h"

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "base/pages.h"
#include "tensor/poison.h"

namespace attune {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kPage = 4096;
// Address space, not memory: pages come when they are first written. The end of a mapping is a hole that nothing large fits into, so the
// first one should be all there is; a system that refuses it (a limit on addresses), or a sanitizer, which marks every byte, gets more.
constexpr int64_t kUsual = int64_t{1} << 36, kModest = int64_t{1} << 30;

int64_t up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

int64_t Arena::rounded(int64_t bytes) { return up(std::max<int64_t>(bytes, 1), kAlignment) + kPoisonedGap; }

Arena::~Arena() {
  for (const Mapping& m : mappings_) {
    unpoison(m.begin, m.size);
    unmap_pages(m.begin, m.size);
  }
}

bool Arena::map_more(int64_t size) {
  for (const int64_t least : {kPoisonedGap > 0 ? kModest : kUsual, kModest, int64_t{0}}) {
    const int64_t wanted = std::max(least, up(size, kPage));
    char* begin = static_cast<char*>(map_pages(wanted));
    if (begin == nullptr) continue;
    poison(begin, wanted);
    mappings_.push_back({begin, wanted, begin});
    holes_.emplace(begin, wanted);
    return true;
  }
  return false;
}

Arena::Mapping& Arena::mapping_of(const char* p) {
  const auto it = std::find_if(mappings_.begin(), mappings_.end(), [&](const Mapping& m) { return p >= m.begin && p < m.begin + m.size; });
  require(it != mappings_.end(), "a block of another arena");
  return *it;
}

Arena::Block Arena::cut(Ranges::iterator hole, int64_t size, int64_t bytes) {
  char* const data = hole->first;
  const int64_t left = hole->second - size;
  blocks_.emplace(data, size);
  const auto next = holes_.erase(hole);
  if (left > 0) holes_.emplace_hint(next, data + size, left);
  Mapping& m = mapping_of(data);
  const int64_t dirty = std::clamp<int64_t>(m.touched - data, 0, bytes);
  m.touched = std::max(m.touched, data + size);
  unpoison(data, bytes);
  return {data, dirty};
}

Arena::Block Arena::take(int64_t bytes) {
  const int64_t size = rounded(bytes);
  const auto fits = [&](const auto& hole) { return hole.second >= size; };
  auto hole = std::find_if(holes_.begin(), holes_.end(), fits);
  if (hole == holes_.end()) {
    if (!map_more(size)) return {};
    hole = std::find_if(holes_.begin(), holes_.end(), fits);
  }
  return cut(hole, size, bytes);
}

int64_t Arena::give(void* data) noexcept {
  const auto block = blocks_.find(static_cast<char*>(data));
  char* begin = block->first;
  const int64_t size = block->second;
  poison(begin, size);
  const Mapping& home = mapping_of(begin);
  // The node of the block becomes the hole's: giving back needs no memory.
  auto node = blocks_.extract(block);
  const auto after = holes_.lower_bound(begin);
  if (after != holes_.end() && after->first == begin + size && after->first < home.begin + home.size) {
    node.mapped() += after->second;
    holes_.erase(after);
  }
  const auto next = holes_.lower_bound(begin);
  if (next != holes_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == begin && before->first >= home.begin) {
      before->second += node.mapped();
      return size;
    }
  }
  holes_.insert(std::move(node));
  return size;
}

int64_t Arena::held() const {
  int64_t bytes = 0;
  for (const Mapping& m : mappings_) bytes += m.touched - m.begin;
  return bytes;
}

void Arena::trim() noexcept {
  for (Mapping& m : mappings_) {
    // The last hole of the mapping, when it reaches the end.
    auto hole = holes_.lower_bound(m.begin + m.size);
    if (hole == holes_.begin()) continue;
    --hole;
    char* const first = hole->first;
    if (first < m.begin || first + hole->second != m.begin + m.size) continue;
    char* const page = m.begin + up(first - m.begin, kPage);
    if (m.touched <= page) continue;
    forget_pages(page, m.touched - page);
    m.touched = page;
  }
}

}  // namespace attune
