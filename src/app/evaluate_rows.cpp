#include "app/evaluate_rows.h"

#include <chrono>
#include <map>

#include "app/run_folder.h"
#include "base/error.h"
#include "base/log.h"
#include "base/object_writer.h"
#include "base/signals.h"
#include "data/split.h"
#include "train/evaluation.h"

namespace attune {
namespace {

/// Batches of rows held at once: enough to sort by length. Tasks with many examples a row, or warnings on rows, hold more.
constexpr int64_t kWindowBatches = 32, kWindowBatchesOfTokens = 128;
constexpr size_t kMostGroups = 1000;

/// Positions of the subset, ascending; empty: all rows.
std::vector<size_t> subset(const RowSource& source, const EvaluateRows& how) {
  if (how.max_samples == 0) return {};
  Strata strata;
  std::vector<int32_t> of_rows;
  if (how.stratify)
    source.for_each([&](Row&& row) {
      of_rows.push_back(strata.of(row));
      return true;
    });
  return sample_positions(source.rows(), static_cast<size_t>(how.max_samples), 42, of_rows);
}

/// The figures of a group: no matrices and lists.
Json headline_of(const Json& metrics, int64_t rows) {
  Json out = {{"rows", rows}};
  for (const auto& [key, value] : metrics.items()) {
    const bool interval = value.is_array() && value.size() == 2 && value[0].is_number();
    if (value.is_number() || value.is_null() || interval || (key == "undefined" && !value.empty()) || key == "majority_label") out[key] = value;
  }
  out["rows"] = rows;
  return out;
}

class RowsEvaluator {
 public:
  RowsEvaluator(const Context& ctx, LoadedModel& m, const RowSource& source, const std::string& where, const EvaluateRows& how)
      : ctx_(ctx), m_(m), source_(source), where_(where), how_(how), scores_(m.task->scores()), subset_(subset(source, how)),
        progress_("evaluating", static_cast<int64_t>(subset_.empty() ? source.rows() : subset_.size())) {
    if (how.groups && !m.task->answers_rows())
      fail(ErrorCode::kUsage, {.id = "evaluate.group_by", .where = "--group-by", .what = "a language model has no figures of a row", .hint = "leave it out"});
  }

  EvaluatedRows run() {
    for_each([&](Row&& row) { return m_.task->look_at(row); });
    if (how_.row_files)
      with_row_files(m_.task->row_files());
    else
      all_rows();
    result_.loss = loss_count_ > 0 ? loss_sum_ / loss_count_ : 0;
    result_.metrics = scores_->metrics(result_.loss);
    Json groups = Json::object();
    for (const auto& [value, group] : groups_) groups[value] = headline_of(group.scores->metrics(), group.rows);
    if (how_.groups) result_.metrics["groups"] = std::move(groups);
    return std::move(result_);
  }

 private:
  struct Group {
    std::unique_ptr<Scores> scores;
    int64_t rows = 0;
  };

  /// Rows of the file, or of its subset.
  void for_each(const std::function<bool(Row&&)>& each) const {
    size_t next = 0;
    source_.for_each([&](Row&& row) {
      if (subset_.empty()) return each(std::move(row));
      if (next == subset_.size()) return false;
      if (row.index != subset_[next]) return true;
      ++next;
      return each(std::move(row));
    });
  }

  /// Bytes of a language model's row: its text, prompt and completion, or messages.
  size_t size_of(const Row& row) const {
    if (m_.task->answers_rows()) return 0;
    return row.text.size() + (row.pair ? row.pair->size() : 0) + (row.label.is_null() ? 0 : row.label.dump().size());
  }

  bool full() const {
    if (!m_.task->answers_rows()) return bytes_ >= 2 * how_.text_bytes;
    return rows_.size() >= static_cast<size_t>(how_.batch_size * (m_.task->labels_rows() ? kWindowBatches : kWindowBatchesOfTokens));
  }
  /// Rows that are computed together when enough are held.
  size_t part() const {
    if (m_.task->answers_rows()) return rows_.size();
    size_t rows = 0;
    for (size_t bytes = 0; bytes < how_.text_bytes; ++rows) bytes += size_of(rows_[rows]);
    return rows;
  }

  /// All of them open while rows come.
  void with_row_files(std::span<const std::string> names) {
    if (names.empty()) return all_rows();
    write_file_atomically(*how_.row_files / names.front(), [&](OutputFile& file) {
      row_files_.emplace_back(file);
      with_row_files(names.subspan(1));
    });
  }

  void all_rows() {
    for_each([&](Row&& row) {
      if (full()) flush(part());
      bytes_ += size_of(row);
      rows_.push_back(std::move(row));
      return true;
    });
    if (!rows_.empty()) flush(rows_.size());
    for (ObjectWriter& file : row_files_) file.end();
  }

  void flush(size_t count) {
    const std::span<const Row> rows = std::span(rows_).first(count);
    std::vector<Example> examples = m_.task->encode_all(rows, *m_.tokenizer, where_);
    if (!m_.task->answers_rows())
      for (Example& e : examples) e.row += parts_ << 32;  // what is drawn for a sequence is drawn for it alone
    compute(rows, examples);
    ++parts_;
    done_ += static_cast<int64_t>(count);
    for (const Row& row : rows) bytes_ -= size_of(row);
    rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(count));
  }

  void compute(std::span<const Row> rows, std::span<const Example> examples) {
    EvaluationOptions options;
    options.max_sequences = how_.batch_size;
    options.go_on = [&](int64_t done) {
      throw_if_interrupted();
      progress_.update(done_ + done * static_cast<int64_t>(rows.size()) / static_cast<int64_t>(examples.size()));
      return true;
    };
    const auto begin = std::chrono::steady_clock::now();
    const Computed c = *compute_examples(ctx_, *m_.model, *m_.task, examples, options);
    loss_sum_ += c.loss_sum;
    loss_count_ += c.loss_count;
    if (m_.task->answers_rows()) {
      for (const RowOutputs& row : by_row(rows, examples, c.outputs)) add(row);
    } else {
      scores_->add({.examples = examples, .outputs = &c.outputs});
    }
    result_.runtime += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (how_.predictions) write_predictions(*how_.predictions, *m_.task, rows, examples, c.outputs);
    result_.examples += static_cast<int64_t>(examples.size());
  }

  void add(const RowOutputs& row) {
    scores_->add(row);
    for (size_t i = 0; i < row_files_.size(); ++i) row_files_[i].add(SplitData::id(*row.row), m_.task->row_value(i, row));
    if (!how_.groups) return;
    Group& group = groups_[row.row->slice];
    if (!group.scores) group.scores = m_.task->scores();
    require_few(groups_.size());
    group.scores->add(row);
    ++group.rows;
  }

  static void require_few(size_t groups) {
    if (groups > kMostGroups)
      fail(ErrorCode::kUsage, {.id = "evaluate.group_by", .where = "--group-by", .what = "the column has more than 1,000 values", .hint = "name a column with few values, such as a source or a length class"});
  }

  const Context& ctx_;
  LoadedModel& m_;
  const RowSource& source_;
  std::string where_;
  const EvaluateRows& how_;
  std::unique_ptr<Scores> scores_;
  std::vector<size_t> subset_;
  Progress progress_;
  std::vector<Row> rows_;
  size_t bytes_ = 0;  // size_of them all
  std::map<std::string, Group> groups_;
  std::vector<ObjectWriter> row_files_;  // as Task::row_files
  double loss_sum_ = 0, loss_count_ = 0;
  int64_t done_ = 0;
  uint64_t parts_ = 0;
  EvaluatedRows result_;
};

}  // namespace

EvaluatedRows evaluate_rows(const Context& ctx, LoadedModel& m, const RowSource& source, const std::string& where, const EvaluateRows& how) {
  return RowsEvaluator(ctx, m, source, where, how).run();
}

}  // namespace attune
