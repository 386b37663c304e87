// Normalisers of tokenizer.json: text to text, keeping each character's origin (the first step of docs/formats, tokenizers).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "text/aligned_text.h"

namespace attune {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  /// Writes the normal form of `in` to `out` (emptied first; never the storage behind `in`).
  virtual void apply(AlignedView in, AlignedText& out) const = 0;
};

struct BertNormalizerOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  std::optional<bool> strip_accents{};  ///< unset: as lowercase
  bool lowercase = true;
};

/// Cleaning, spaces around ideographs, decomposition without non-spacing marks, lower case: in this order, in one pass.
std::unique_ptr<Normalizer> make_bert_normalizer(const BertNormalizerOptions& options);
/// Canonical decomposition with canonical order.
std::unique_ptr<Normalizer> make_nfd_normalizer();
/// The same, then canonical composition.
std::unique_ptr<Normalizer> make_nfc_normalizer();
std::unique_ptr<Normalizer> make_lowercase_normalizer();
/// Drops every combining mark (no decomposition).
std::unique_ptr<Normalizer> make_strip_accents_normalizer();
std::unique_ptr<Normalizer> make_normalizer_sequence(std::vector<std::unique_ptr<Normalizer>> parts);

}  // namespace attune
