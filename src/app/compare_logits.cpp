#include "app/compare_logits.h"

#include <cmath>

#include "data/split.h"

namespace attune {
namespace {

/// Compared on when nothing better is at hand: short, long, punctuation, numbers, other scripts.
const char* const kSentences[] = {
    "An excellent film: moving, funny and beautifully acted.",
    "The battery died after two days and nobody answered my mails.",
    "It is fine, I suppose. Neither good nor bad.",
    "Worst meal in years!!! Cold soup, rude waiter, 45 minutes of waiting.",
    "Would I buy it again? Yes, without hesitation.",
    "Das Buch war besser als der Film.",
    "",
    "The sound quality is great for the price, but the cable is short, the manual is useless, and the box arrived damaged; still, after a week of daily use I am happy with it."};

}  // namespace

RowsToCompare rows_to_compare(RowKind kind, const std::string& file, const std::vector<std::string>& others, const DataConfig& reading, int64_t most) {
  RowsToCompare r{file, {}};
  for (const std::string& other : others)
    if (r.source.empty() && !other.empty() && file_exists(other)) r.source = other;
  if (!r.source.empty()) {
    r.rows = sample_rows(read_rows(r.source, reading.read_options(LabelUse::kIgnored, kind)).rows, static_cast<size_t>(most), 0, false);
    return r;
  }
  r.source = "built-in sentences";
  for (const char* text : kSentences) {
    Row row;
    row.index = r.rows.size();
    row.text = text;
    if (kind == RowKind::kQuestion) row.pair = text;
    r.rows.push_back(std::move(row));
  }
  return r;
}

std::vector<Example> encode_rows(const LoadedModel& m, std::span<const Row> rows) {
  std::vector<Example> examples;
  for (const Row& row : rows)
    for (Example& e : m.task->encode(row, *m.tokenizer)) examples.push_back(std::move(e));
  return examples;
}

LogitComparison compare_logits(const Task& task, const Outputs& before, const Outputs& after) {
  LogitComparison c;
  c.rows = before.examples();
  for (size_t i = 0; i < static_cast<size_t>(c.rows); ++i) {
    const auto a = before.of(i), b = after.of(i);
    for (size_t j = 0; j < a.size(); ++j) {
      const double d = std::fabs(static_cast<double>(a[j]) - static_cast<double>(b[j]));
      if (!(d <= c.max_difference)) c.max_difference = d;  // a NaN stays
      c.mean_difference += d / static_cast<double>(before.logits.size());
    }
    if (!task.same_answer(a, b, before.logits.cols())) ++c.flipped_labels;
  }
  return c;
}

}  // namespace attune
