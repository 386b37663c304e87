// The generated ranges, spread once into one flat array of flags; mappings are found by bisection in the ranges themselves.
#include "text/unicode.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace attune::unicode {
namespace {

struct CodeRange {
  char32_t first, last;
};
struct ClassRange {
  char32_t first, last;
  uint8_t value;
};
/// first, first + step ... last, each mapped to itself + difference.
struct LowerRange {
  char32_t first, last;
  uint8_t step;
  int32_t difference;
};
struct StandIn {
  char32_t first, last, to;
};
struct Composition {
  char32_t first, second, composite;  ///< sorted by the first two
};
struct Decomposition {
  char32_t from;
  char32_t to[4];  ///< zeros at the end
};

#include "text/unicode_tables.inc"

constexpr char32_t kHangulFirst = 0xac00, kHangulLast = 0xd7a3;
constexpr char32_t kLeadFirst = 0x1100, kVowelFirst = 0x1161, kTailBase = 0x11a7;
constexpr char32_t kLeads = 19, kVowels = 21, kTails = 28;
constexpr char32_t kDottedCapitalI = 0x130;  // the only character whose lower case is two

template <class Rows>
void mark(uint16_t* table, const Rows& rows, uint16_t flag) {
  for (const auto& row : rows) {
    for (char32_t c = row.first; c <= row.last; ++c) table[c] |= flag;
  }
}

struct FlagTable {
  std::array<uint16_t, 0x110000> of{};  // static storage: pages of unused planes are never touched
  void fill() {
    mark(of.data(), kPunctuation, kPunct);
    mark(of.data(), kWhiteSpace, kSpace);
    mark(of.data(), kDropped, kDrop);
    mark(of.data(), kSpaced, kToSpace);
    mark(of.data(), kChinese, kIdeograph);
    mark(of.data(), kNonspacing, kMarkNonspacing);
    mark(of.data(), kCombining, kMark);
    mark(of.data(), kWord, kWordChar);
    mark(of.data(), kRegexSpace, kRegexWhite);
    mark(of.data(), kCombiningClass, kReorders);
    mark(of.data(), kLetters, kLetter);
    mark(of.data(), kNumbers, kNumber);
    mark(of.data(), kNumericChars, kNumeric);
    mark(of.data(), kStandIns, kForeign);
    for (const LowerRange& r : kLower) {
      for (char32_t c = r.first; c <= r.last; c += r.step) of[c] |= kLowers;
    }
    of[kDottedCapitalI] |= kLowers;
    for (const Decomposition& d : kDecomposition) of[d.from] |= kDecomposes;
    for (char32_t c = kHangulFirst; c <= kHangulLast; ++c) of[c] |= kDecomposes;
  }
};
FlagTable table;

/// The row with first <= c <= last, or nullptr.
template <class Row, size_t n>
const Row* find(const Row (&rows)[n], char32_t c) {
  const Row* at = std::upper_bound(std::begin(rows), std::end(rows), c, [](char32_t value, const Row& r) { return value < r.first; });
  if (at == std::begin(rows) || std::prev(at)->last < c) return nullptr;
  return std::prev(at);
}

}  // namespace

const uint16_t* flags() {
  static const bool filled = (table.fill(), true);
  (void)filled;
  return table.of.data();
}

int combining_class(char32_t c) {
  const ClassRange* row = find(kCombiningClass, c);
  return row ? row->value : 0;
}

int decompose(char32_t c, char32_t out[4]) {
  if (c >= kHangulFirst && c <= kHangulLast) {
    const char32_t s = c - kHangulFirst;
    out[0] = 0x1100 + s / 588;
    out[1] = 0x1161 + s % 588 / 28;
    if (s % 28 == 0) return 2;
    out[2] = 0x11a7 + s % 28;
    return 3;
  }
  const auto* at = std::lower_bound(std::begin(kDecomposition), std::end(kDecomposition), c,
                                    [](const Decomposition& d, char32_t value) { return d.from < value; });
  if (at == std::end(kDecomposition) || at->from != c) {
    out[0] = c;
    return 1;
  }
  int n = 0;
  while (n < 4 && at->to[n] != 0) {
    out[n] = at->to[n];
    ++n;
  }
  return n;
}

char32_t compose(char32_t first, char32_t second) {
  if (first - kLeadFirst < kLeads && second - kVowelFirst < kVowels)
    return kHangulFirst + ((first - kLeadFirst) * kVowels + second - kVowelFirst) * kTails;
  const bool open = first >= kHangulFirst && first <= kHangulLast && (first - kHangulFirst) % kTails == 0;  // a syllable without a tail
  if (open && second > kTailBase && second - kTailBase < kTails) return first + second - kTailBase;
  const auto* at = std::lower_bound(std::begin(kCompositions), std::end(kCompositions), std::pair(first, second),
                                    [](const Composition& c, const auto& pair) { return std::pair(c.first, c.second) < pair; });
  return at != std::end(kCompositions) && at->first == first && at->second == second ? at->composite : 0;
}

char32_t stand_in(char32_t c) {
  const StandIn* row = find(kStandIns, c);
  return row ? row->to : c;
}

int lower(char32_t c, char32_t out[2]) {
  if (c == kDottedCapitalI) {
    out[0] = 'i';
    out[1] = 0x307;
    return 2;
  }
  const LowerRange* row = find(kLower, c);
  const bool maps = row && (c - row->first) % row->step == 0;
  out[0] = maps ? static_cast<char32_t>(static_cast<int64_t>(c) + row->difference) : c;
  return 1;
}

}  // namespace attune::unicode
