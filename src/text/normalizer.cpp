// Offsets through canonical reordering follow the Rust package: in the reordered run, the first part of each decomposed character takes
// the next original character in reading order, further parts stay with the one before them.
#include "text/normalizer.h"

#include <algorithm>
#include <array>

#include "text/unicode.h"

namespace attune {
namespace {

/// Canonical decomposition of a stream of characters into `sink(character, origin, first)`; `first`: the first part of an original character.
template <class Sink>
class Decomposer {
 public:
  explicit Decomposer(Sink sink) : sink_(sink), flags_(unicode::flags()) {}

  void push(char32_t c, int32_t origin) {
    const uint16_t f = flags_[c];
    if (!(f & (unicode::kDecomposes | unicode::kReorders))) {
      flush();
      last_origin_ = origin;
      sink_(c, origin, true);
      return;
    }
    char32_t parts[4] = {c};
    const int n = f & unicode::kDecomposes ? unicode::decompose(c, parts) : 1;
    for (int i = 0; i < n; ++i) {
      const bool reorders = flags_[parts[i]] & unicode::kReorders;
      if (!reorders) {
        flush();
        last_origin_ = origin;
        sink_(parts[i], origin, i == 0);
      } else {
        run_.push_back({parts[i], unicode::combining_class(parts[i]), i == 0});
        if (i == 0) origins_.push_back(origin);
        // A starter before it in the same character keeps last_origin_ == origin, which is what its further parts need.
      }
    }
  }

  /// After characters that were written past this decomposer: none of them decomposes or reorders.
  void passed(int32_t origin) { last_origin_ = origin; }

  void flush() {
    if (run_.empty()) return;
    if (run_.size() > 1) {
      std::stable_sort(run_.begin(), run_.end(), [](const Mark& a, const Mark& b) { return a.order < b.order; });
    }
    size_t next = 0;
    for (const Mark& m : run_) {
      if (m.first) last_origin_ = origins_[next++];
      sink_(m.c, last_origin_, m.first);
    }
    run_.clear();
    origins_.clear();
  }

 private:
  struct Mark {
    char32_t c;
    int order;
    bool first;  ///< first part of its original character
  };
  Sink sink_;
  const uint16_t* flags_;
  std::vector<Mark> run_;
  std::vector<int32_t> origins_;
  int32_t last_origin_ = 0;
};

template <class Put>
inline void put_lower(char32_t c, uint16_t f, int32_t origin, Put put) {
  if (!(f & unicode::kLowers)) return put(c, origin);
  char32_t parts[2];
  const int n = unicode::lower(c, parts);
  for (int i = 0; i < n; ++i) put(parts[i], origin);
}

/// What becomes of an ASCII character; 0: the general way (control characters, which vanish without ending a run of marks).
template <bool clean, bool lowercase>
constexpr std::array<char32_t, 128> ascii_table() {
  std::array<char32_t, 128> out{};
  for (char32_t c = 0x20; c < 0x7f; ++c) out[c] = lowercase && c >= 'A' && c <= 'Z' ? c + 32 : c;
  for (char32_t c : {U'\t', U'\n', U'\r'}) out[c] = clean ? U' ' : c;
  return out;
}

template <bool clean, bool chinese, bool strip, bool lowercase>
void bert_pass(AlignedView in, AlignedText& out) {
  const uint16_t* flags = unicode::flags();
  auto put = [&](char32_t c, int32_t origin) { out.push(c, origin); };
  auto last = [&](char32_t c, int32_t origin, bool) {
    const uint16_t f = flags[c];
    if constexpr (strip) {
      if (f & unicode::kMarkNonspacing) return;
    }
    if constexpr (lowercase) {
      put_lower(c, f, origin, put);
    } else {
      put(c, origin);
    }
  };
  Decomposer decomposer(last);
  auto emit = [&](char32_t c, int32_t origin) {
    if constexpr (strip) {
      decomposer.push(c, origin);
    } else {
      last(c, origin, true);
    }
  };
  static constexpr auto kAscii = ascii_table<clean, lowercase>();
  for (size_t i = 0; i < in.size(); ++i) {
    char32_t c = in.chars[i];
    if (c < 0x80 && kAscii[c] != 0) {
      size_t end = i + 1;
      while (end < in.size() && in.chars[end] < 0x80 && kAscii[in.chars[end]] != 0) ++end;
      if constexpr (strip) decomposer.flush();
      const size_t old = out.size();
      out.chars.resize(old + end - i);
      char32_t* to = out.chars.data() + old;
      for (size_t j = i; j < end; ++j) *to++ = kAscii[in.chars[j]];
      out.origin.insert(out.origin.end(), in.origin.begin() + static_cast<ptrdiff_t>(i), in.origin.begin() + static_cast<ptrdiff_t>(end));
      if constexpr (strip) decomposer.passed(in.origin[end - 1]);
      i = end - 1;
      continue;
    }
    const int32_t origin = in.origin[i];
    const uint16_t f = flags[c];
    if constexpr (clean) {
      if (f & unicode::kDrop) continue;
      if (f & unicode::kToSpace) c = ' ';
    }
    if (chinese && (f & unicode::kIdeograph)) {
      emit(' ', origin);
      emit(c, origin);
      emit(' ', origin);
    } else {
      emit(c, origin);
    }
  }
  if constexpr (strip) decomposer.flush();
}

using BertPass = void (*)(AlignedView, AlignedText&);
template <int bits>
constexpr BertPass kBertPass = bert_pass<(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0>;
constexpr BertPass kBertPasses[16] = {kBertPass<0>,  kBertPass<1>,  kBertPass<2>,  kBertPass<3>, kBertPass<4>,  kBertPass<5>,
                                      kBertPass<6>,  kBertPass<7>,  kBertPass<8>,  kBertPass<9>, kBertPass<10>, kBertPass<11>,
                                      kBertPass<12>, kBertPass<13>, kBertPass<14>, kBertPass<15>};

class BertNormalizer : public Normalizer {
 public:
  explicit BertNormalizer(const BertNormalizerOptions& o)
      : pass_(kBertPasses[(o.clean_text ? 1 : 0) | (o.handle_chinese_chars ? 2 : 0) | (o.strip_accents.value_or(o.lowercase) ? 4 : 0) |
                          (o.lowercase ? 8 : 0)]) {}
  void apply(AlignedView in, AlignedText& out) const override {
    out.clear();
    out.chars.reserve(in.size());
    out.origin.reserve(in.size());
    pass_(in, out);
  }

 private:
  BertPass pass_;
};

class NfdNormalizer : public Normalizer {
 public:
  void apply(AlignedView in, AlignedText& out) const override {
    out.clear();
    auto put = [&](char32_t c, int32_t origin, bool) { out.push(c, origin); };
    Decomposer decomposer(put);
    for (size_t i = 0; i < in.size(); ++i) decomposer.push(in.chars[i], in.origin[i]);
    decomposer.flush();
  }
};

/// Canonical composition of decomposed characters. Origins follow the Rust package: each result stands for the original characters that come
/// next, as many as first parts went into it, and has the origin of the first of them.
class Composer {
 public:
  Composer(AlignedView in, AlignedText& out) : in_(in), out_(out) {}

  void push(char32_t c, bool first) {
    const int order = unicode::combining_class(c);
    const Part part{c, first ? 0 : 1};
    if (!starter_) {
      if (order == 0) {
        starter_ = part;
      } else {
        put(part);
      }
      return;
    }
    if (!last_order_ || *last_order_ < order) {
      if (const char32_t whole = unicode::compose(starter_->c, c)) {
        starter_ = Part{whole, starter_->change + part.change - 1};
        return;
      }
    }
    if (order == 0) {
      flush();
      starter_ = part;
    } else {
      marks_.push_back(part);
      last_order_ = order;
    }
  }

  void flush() {
    if (starter_) put(*starter_);
    for (const Part& m : marks_) put(m);
    starter_.reset();
    last_order_.reset();
    marks_.clear();
  }

 private:
  /// `change`: 1 for a character that was not there, 0 for one in the place of another, -n for one in the place of n + 1.
  struct Part {
    char32_t c;
    int change;
  };
  void put(const Part& p) {
    const size_t from = p.change > 0 ? (next_ > 0 ? next_ - 1 : 0) : std::min(next_, in_.size() - 1);
    out_.push(p.c, in_.origin[from]);
    if (p.change <= 0) next_ += static_cast<size_t>(1 - p.change);
  }

  AlignedView in_;
  AlignedText& out_;
  std::optional<Part> starter_;
  std::optional<int> last_order_;
  std::vector<Part> marks_;
  size_t next_ = 0;  ///< the original character that the next result stands for
};

class NfcNormalizer : public Normalizer {
 public:
  void apply(AlignedView in, AlignedText& out) const override {
    out.clear();
    Composer composer(in, out);
    auto put = [&](char32_t c, int32_t, bool first) { composer.push(c, first); };
    Decomposer decomposer(put);
    for (size_t i = 0; i < in.size(); ++i) decomposer.push(in.chars[i], in.origin[i]);
    decomposer.flush();
    composer.flush();
  }
};

class LowercaseNormalizer : public Normalizer {
 public:
  void apply(AlignedView in, AlignedText& out) const override {
    out.clear();
    const uint16_t* flags = unicode::flags();
    for (size_t i = 0; i < in.size(); ++i) {
      put_lower(in.chars[i], flags[in.chars[i]], in.origin[i], [&](char32_t c, int32_t origin) { out.push(c, origin); });
    }
  }
};

class StripAccentsNormalizer : public Normalizer {
 public:
  void apply(AlignedView in, AlignedText& out) const override {
    out.clear();
    const uint16_t* flags = unicode::flags();
    for (size_t i = 0; i < in.size(); ++i) {
      if (!(flags[in.chars[i]] & unicode::kMark)) out.push(in.chars[i], in.origin[i]);
    }
  }
};

class NormalizerSequence : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> parts) : parts_(std::move(parts)) {}
  void apply(AlignedView in, AlignedText& out) const override {
    AlignedText other;
    bool first = true;
    for (const auto& part : parts_) {
      if (first) {
        part->apply(in, out);
      } else {
        std::swap(out, other);
        part->apply(other.view(), out);
      }
      first = false;
    }
    if (first) {
      out.chars.assign(in.chars.begin(), in.chars.end());
      out.origin.assign(in.origin.begin(), in.origin.end());
    }
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> parts_;
};

}  // namespace

std::unique_ptr<Normalizer> make_bert_normalizer(const BertNormalizerOptions& options) { return std::make_unique<BertNormalizer>(options); }
std::unique_ptr<Normalizer> make_nfd_normalizer() { return std::make_unique<NfdNormalizer>(); }
std::unique_ptr<Normalizer> make_nfc_normalizer() { return std::make_unique<NfcNormalizer>(); }
std::unique_ptr<Normalizer> make_lowercase_normalizer() { return std::make_unique<LowercaseNormalizer>(); }
std::unique_ptr<Normalizer> make_strip_accents_normalizer() { return std::make_unique<StripAccentsNormalizer>(); }
std::unique_ptr<Normalizer> make_normalizer_sequence(std::vector<std::unique_ptr<Normalizer>> parts) {
  return std::make_unique<NormalizerSequence>(std::move(parts));
}

}  // namespace attune
