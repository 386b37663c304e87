#include "tasks/documents.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace attune {
namespace {

/// Where each code point of the text begins, and its length at the end.
std::vector<int32_t> byte_offsets(std::string_view text) {
  std::vector<int32_t> at;
  at.reserve(text.size() + 1);
  for (size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) at.push_back(static_cast<int32_t>(i));
  at.push_back(static_cast<int32_t>(text.size()));
  return at;
}

/// Tokens may share a character (byte-level pieces) and leave some out (white space): each counts what no token before it did.
std::vector<int32_t> bytes_of(const Encoding& e, std::string_view text) {
  const std::vector<int32_t> at = byte_offsets(text);
  std::vector<int32_t> bytes(e.ids.size());
  size_t covered = 0, last = e.ids.size();
  for (size_t i = 0; i < e.ids.size(); ++i) {
    if (e.special[i]) continue;
    const auto end = std::min(static_cast<size_t>(std::max(0, e.offsets[i].second)), at.size() - 1);
    if (end > covered) {
      bytes[i] = at[end] - at[covered];
      covered = end;
    }
    last = i;
  }
  if (last < bytes.size()) bytes[last] += at.back() - at[covered];
  return bytes;
}

class Packer {
 public:
  Packer(int64_t most, bool next) : most_(static_cast<size_t>(most)), next_(next) {}

  /// Tokens [begin, end) of a document as one sequence; those before `scored_from` are context.
  void add(const Document& d, size_t begin, size_t end, size_t scored_from) {
    if (!open_.ids.empty() && (!d.packed || open_.ids.size() + (end - begin) > most_)) close();
    if (open_.ids.empty()) {
      open_.row = sequences_;
    } else {
      open_.breaks.push_back(static_cast<int32_t>(open_.ids.size()));
    }
    ++sequences_;
    for (size_t i = begin; i < end; ++i) {
      open_.ids.push_back(d.ids[i]);
      open_.type_ids.push_back(d.type_ids[i]);
      const size_t said = next_ ? i + 1 : i;
      const bool scored = said < end && said >= scored_from && d.learned[said];
      open_.labels.tokens.push_back(scored ? d.ids[said] : -100);
      if (scored) bytes_ += d.bytes[said];
    }
    if (!d.packed) close();
  }
  size_t room() const { return most_ - open_.ids.size(); }
  std::vector<Example> take() {
    if (!open_.ids.empty()) close();
    return std::move(all_);
  }

 private:
  void close() {
    auto detail = std::make_shared<ScoredBytes>();
    detail->bytes = bytes_;
    open_.detail = std::move(detail);
    all_.push_back(std::move(open_));
    open_ = Example();
    bytes_ = 0;
  }
  size_t most_;
  bool next_;
  uint64_t sequences_ = 0;
  Example open_;
  int64_t bytes_ = 0;
  std::vector<Example> all_;
};

}  // namespace

Document document_of(std::string_view text, const Tokenizer& tokenizer, bool special_tokens) {
  EncodeOptions options;
  options.special_tokens = special_tokens;
  Encoding e = tokenizer.encode(text, std::nullopt, options);
  Document d;
  d.bytes = bytes_of(e, text);
  d.ids = std::move(e.ids);
  d.type_ids = std::move(e.type_ids);
  d.special = std::move(e.special);
  d.learned.assign(d.ids.size(), 1);
  d.packed = true;
  return d;
}

std::vector<Example> windows_of(std::span<const Document> documents, int64_t most, int64_t stride, bool next) {
  require(most > 1 && stride > 0 && stride <= most, "windows: their length and stride");
  Packer packer(most, next);
  for (const Document& d : documents) {
    const size_t n = d.ids.size(), length = static_cast<size_t>(most);
    if (n == 0) continue;
    // With whole-window strides a document starts in what is left of the example before it.
    const bool fills = d.packed && stride == most && packer.room() > 1;
    size_t begin = 0, scored_from = 0;
    while (true) {
      const size_t end = std::min(n, begin + (fills && begin == 0 ? packer.room() : length));
      packer.add(d, begin, end, scored_from);
      if (end == n || !d.packed) break;
      begin = stride == most ? end : begin + static_cast<size_t>(stride);
      scored_from = end;
    }
  }
  return packer.take();
}

ScoredText scored(std::span<const Example> examples) {
  ScoredText s;
  for (const Example& e : examples) {
    s.tokens += std::count_if(e.labels.tokens.begin(), e.labels.tokens.end(), [](int32_t id) { return id >= 0; });
    if (e.detail) s.bytes += static_cast<const ScoredBytes&>(*e.detail).bytes;
  }
  return s;
}

void TextScores::add(const RowOutputs& some) {
  const ScoredText s = scored(some.examples);
  sum_.tokens += s.tokens;
  sum_.bytes += s.bytes;
}

Json TextScores::metrics(std::optional<double> loss) const {
  require(loss.has_value(), "the loss of a language model");
  return json_(*loss, sum_);
}

std::vector<int32_t> token_labels(const Batch& batch) {
  std::vector<int32_t> labels;
  labels.reserve(batch.ids.size());
  for (const Labels& l : batch.labels) labels.insert(labels.end(), l.tokens.begin(), l.tokens.end());
  require(labels.size() == batch.ids.size(), "a label for every token");
  return labels;
}

LossSum by_sequence(LossSum loss, const Batch& batch) {
  std::vector<float> shares(static_cast<size_t>(batch.sequences()), 0.0f);
  for (size_t b = 0; b < shares.size(); ++b)
    for (int64_t t = batch.starts[b]; t < batch.starts[b + 1]; ++t) shares[b] += loss.rows[static_cast<size_t>(t)];
  loss.rows = std::move(shares);
  return loss;
}

}  // namespace attune
