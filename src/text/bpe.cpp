// A heap of candidate pairs, ordered by rank and place, over a linked list of symbols: n log n for a word of n characters. An entry may be
// out of date when it comes up; it counts while its pair still makes the token it promised.
#include "text/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace attune {
namespace {

/// (left, right) -> (rank, result): open addressing at a load of at most one half.
class MergeTable {
 public:
  struct Merge {
    uint32_t rank;
    int32_t result;
  };

  /// False when a chain grows beyond any that comes about by chance.
  bool fill(const std::vector<BpeMerge>& merges) {
    size_t want = 16;
    while (want < 2 * merges.size() + 2) want *= 2;
    slots_.assign(want, Slot{kFree, {}});
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      const uint64_t pair = key(merges[rank].left, merges[rank].right);
      size_t at = hash(pair) & (want - 1), chain = 0;
      while (slots_[at].pair != kFree && slots_[at].pair != pair) {
        if (++chain > kMaxChain) return false;
        at = (at + 1) & (want - 1);
      }
      slots_[at] = {pair, {static_cast<uint32_t>(rank), merges[rank].result}};
    }
    return true;
  }

  const Merge* find(int32_t left, int32_t right) const {
    const uint64_t pair = key(left, right);
    for (size_t at = hash(pair) & (slots_.size() - 1); slots_[at].pair != kFree; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].pair == pair) return &slots_[at].merge;
    }
    return nullptr;
  }

  /// Pairs by rank.
  std::vector<std::pair<int32_t, int32_t>> in_order() const {
    std::vector<const Slot*> used;
    for (const Slot& s : slots_)
      if (s.pair != kFree) used.push_back(&s);
    std::sort(used.begin(), used.end(), [](const Slot* a, const Slot* b) { return a->merge.rank < b->merge.rank; });
    std::vector<std::pair<int32_t, int32_t>> out;
    out.reserve(used.size());
    for (const Slot* s : used) out.emplace_back(static_cast<int32_t>(s->pair >> 32), static_cast<int32_t>(s->pair & 0xffffffffu));
    return out;
  }

 private:
  static constexpr uint64_t kFree = UINT64_MAX;  // no pair: ids are below 2^31
  static constexpr size_t kMaxChain = 4096;
  struct Slot {
    uint64_t pair;
    Merge merge;
  };
  static uint64_t key(int32_t left, int32_t right) { return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right); }
  static size_t hash(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
  }
  std::vector<Slot> slots_;
};

class Bpe : public TokenModel {
 public:
  Bpe(Vocabulary vocabulary, const BpeOptions& o) : vocabulary_(std::move(vocabulary)), o_(o) {
    if (o_.unk_token) {
      const auto unk = vocabulary_.id(*o_.unk_token);
      require(unk.has_value(), "the caller checks that the unknown token is in the vocabulary");
      unk_ = *unk;
    }
    plain_ = o_.continuing_prefix.empty() && o_.word_suffix.empty();
    for (size_t c = 0; c < kDirect; ++c) {
      std::string text;
      append_character(text, static_cast<char32_t>(c));
      direct_[c] = vocabulary_.id(text).value_or(kNone);
    }
  }
  bool fill(const std::vector<BpeMerge>& merges) { return merges_.fill(merges); }

  const Vocabulary& vocabulary() const override { return vocabulary_; }
  std::vector<std::pair<int32_t, int32_t>> merges() const override { return merges_.in_order(); }

  void tokenize(const AlignedText& text, Span word, std::string& scratch, std::vector<Piece>& out) const override {
    if (o_.ignore_merges) {
      scratch.clear();
      for (size_t i = word.begin; i < word.end; ++i) append_character(scratch, text.chars[i]);
      if (const auto whole = vocabulary_.id(scratch)) {
        out.push_back({*whole, word});
        return;
      }
    }
    thread_local Work work;
    work.symbols.clear();
    const bool dropped = add_characters(text, word, scratch, work);
    merge_all(work);
    if (dropped) {
      put_by_bytes(text, word, work, out);
    } else {
      put(word, work, out);
    }
    if (work.symbols.capacity() > kKept) work = Work();
  }

 private:
  static constexpr size_t kDirect = 0x180;          // covers the byte alphabet
  static constexpr size_t kKept = size_t{1} << 16;  // symbols a thread keeps between words
  static constexpr int32_t kNone = -1;

  struct Symbol {
    int32_t id;
    int32_t prev, next;  ///< -1: none
    uint32_t bytes;      ///< of the text; 0: merged into the one before
    uint32_t chars;
  };
  struct Candidate {
    uint32_t rank, at;
    int32_t result;
    /// Of a heap whose top is the lowest rank, then the leftmost.
    bool operator<(const Candidate& o) const { return rank != o.rank ? rank > o.rank : at > o.at; }
  };
  struct Work {
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };
  struct Unknown {
    bool pending = false;
    uint32_t bytes = 0, chars = 0;
  };

  static void add(Work& work, int32_t id, uint32_t bytes, uint32_t chars) {
    const auto n = static_cast<int32_t>(work.symbols.size());
    if (n > 0) work.symbols.back().next = n;
    work.symbols.push_back({id, n - 1, -1, bytes, chars});
  }
  static uint32_t bytes_of(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

  int32_t id_of(char32_t c, bool first, bool last, std::string& scratch) const {
    if (plain_ && c < kDirect) return direct_[c];
    scratch.clear();
    if (!first) scratch += o_.continuing_prefix;
    append_character(scratch, c);
    if (last) scratch += o_.word_suffix;
    return vocabulary_.id(scratch).value_or(kNone);
  }

  /// The tokens <0xNN> of the bytes in `scratch`; false when one is missing.
  bool add_bytes(const std::string& scratch, Work& work) const {
    std::vector<int32_t> ids;
    for (const char b : scratch) {
      const auto id = vocabulary_.id(fmt::format("<0x{:02X}>", static_cast<unsigned char>(b)));
      if (!id) return false;
      ids.push_back(*id);
    }
    for (const int32_t id : ids) add(work, id, 1, 0);
    return true;
  }

  /// One symbol a character. True when the symbols do not stand for whole characters one after another, so that only their bytes say what
  /// the package takes as their place.
  bool add_characters(const AlignedText& text, Span word, std::string& scratch, Work& work) const {
    bool uneven = false;
    Unknown unknown;
    const auto flush = [&] {
      if (unknown.pending) add(work, unk_, unknown.bytes, unknown.chars);
      unknown = {};
    };
    for (size_t i = word.begin; i < word.end; ++i) {
      const char32_t c = text.chars[i];
      const int32_t id = id_of(c, i == word.begin, i + 1 == word.end, scratch);
      if (id != kNone) {
        flush();
        add(work, id, bytes_of(c), 1);
        continue;
      }
      if (o_.byte_fallback) {
        if (plain_ && c < kDirect) {
          scratch.clear();
          append_character(scratch, c);
        }
        if (add_bytes(scratch, work)) {
          uneven = true;
          continue;
        }
      }
      if (!o_.unk_token) {
        uneven = true;
        continue;
      }
      if (!o_.fuse_unk) flush();
      unknown = {true, unknown.bytes + bytes_of(c), unknown.chars + 1};
    }
    flush();
    return uneven;
  }

  void consider(Work& work, int32_t at) const {
    const Symbol& left = work.symbols[static_cast<size_t>(at)];
    if (left.next < 0) return;
    const MergeTable::Merge* m = merges_.find(left.id, work.symbols[static_cast<size_t>(left.next)].id);
    if (!m) return;
    work.heap.push_back({m->rank, static_cast<uint32_t>(at), m->result});
  }

  void merge_all(Work& work) const {
    work.heap.clear();
    auto& symbols = work.symbols;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) consider(work, static_cast<int32_t>(i));
    std::make_heap(work.heap.begin(), work.heap.end());
    const auto push = [&](int32_t at) {
      const size_t before = work.heap.size();
      consider(work, at);
      if (work.heap.size() > before) std::push_heap(work.heap.begin(), work.heap.end());
    };
    while (!work.heap.empty()) {
      const Candidate top = work.heap.front();
      std::pop_heap(work.heap.begin(), work.heap.end());
      work.heap.pop_back();
      Symbol& left = symbols[top.at];
      if (left.bytes == 0 || left.next < 0) continue;
      Symbol& right = symbols[static_cast<size_t>(left.next)];
      const MergeTable::Merge* now = merges_.find(left.id, right.id);
      if (!now || now->result != top.result) continue;
      left.id = top.result;
      left.bytes += right.bytes;
      left.chars += right.chars;
      left.next = right.next;
      right.bytes = 0;
      if (left.next >= 0) symbols[static_cast<size_t>(left.next)].prev = static_cast<int32_t>(top.at);
      if (left.prev >= 0) push(left.prev);
      push(static_cast<int32_t>(top.at));
    }
  }

  static void put(Span word, const Work& work, std::vector<Piece>& out) {
    size_t at = word.begin;
    for (const Symbol& s : work.symbols) {
      if (s.bytes == 0) continue;
      out.push_back({s.id, {at, at + s.chars}});
      at += s.chars;
    }
  }

  /// Symbols take the word's bytes in turn, even where characters without a token were left out before them.
  static void put_by_bytes(const AlignedText& text, Span word, const Work& work, std::vector<Piece>& out) {
    size_t c = word.begin, c_end = c < word.end ? bytes_of(text.chars[c]) : 0;  // a character and the byte behind it
    const auto holding = [&](size_t byte) {
      while (byte >= c_end && c + 1 < word.end) c_end += bytes_of(text.chars[++c]);
      return c;
    };
    size_t byte = 0;
    for (const Symbol& s : work.symbols) {
      if (s.bytes == 0) continue;
      const size_t first = holding(byte);
      byte += s.bytes;
      out.push_back({s.id, {first, holding(byte - 1) + 1}});
    }
  }

  Vocabulary vocabulary_;
  BpeOptions o_;
  MergeTable merges_;
  int32_t unk_ = kNone;
  bool plain_ = true;
  std::array<int32_t, kDirect> direct_{};
};

}  // namespace

std::unique_ptr<TokenModel> make_bpe(Vocabulary vocabulary, const std::vector<BpeMerge>& merges, const BpeOptions& options) {
  auto model = std::make_unique<Bpe>(std::move(vocabulary), options);
  if (!model->fill(merges)) return nullptr;
  return model;
}

}  // namespace attune
