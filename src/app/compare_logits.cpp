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

RowsToCompare rows_to_compare(const std::string& file, const std::vector<std::string>& others, const DataConfig& reading, int64_t most) {
  RowsToCompare r{file, {}};
  for (const std::string& other : others)
    if (r.source.empty() && !other.empty() && file_exists(other)) r.source = other;
  if (!r.source.empty()) {
    r.rows = sample_rows(read_rows(r.source, reading.read_options(LabelUse::kIgnored)).rows, static_cast<size_t>(most), 0, false);
    return r;
  }
  r.source = "built-in sentences";
  for (const char* text : kSentences) {
    Row row;
    row.index = r.rows.size();
    row.text = text;
    r.rows.push_back(std::move(row));
  }
  return r;
}

std::vector<Example> encode_rows(const LoadedModel& m, const std::vector<Row>& rows) {
  std::vector<Example> examples;
  for (const Row& row : rows) examples.push_back(m.task->encode(row, *m.tokenizer));
  return examples;
}

LogitComparison compare_logits(const Task& task, const Tensor& before, const Tensor& after) {
  LogitComparison c;
  c.rows = before.rows();
  const auto width = static_cast<size_t>(before.cols());
  for (size_t i = 0; i < static_cast<size_t>(c.rows); ++i) {
    const auto a = before.span().subspan(i * width, width), b = after.span().subspan(i * width, width);
    for (size_t j = 0; j < width; ++j) {
      const double d = std::fabs(static_cast<double>(a[j]) - static_cast<double>(b[j]));
      if (!(d <= c.max_difference)) c.max_difference = d;  // a NaN stays
      c.mean_difference += d / static_cast<double>(before.size());
    }
    const Prediction x = task.decode(a), y = task.decode(b);
    if (x.label != y.label || x.labels != y.labels) ++c.flipped_labels;
  }
  return c;
}

}  // namespace attune
