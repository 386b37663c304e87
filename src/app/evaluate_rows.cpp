#include "app/evaluate_rows.h"

#include <chrono>
#include <map>

#include "app/run_folder.h"
#include "base/error.h"
#include "base/log.h"
#include "base/signals.h"
#include "data/split.h"
#include "train/evaluation.h"

namespace attune {
namespace {

/// Batches of rows held at once: enough to sort by length.
constexpr int64_t kWindowBatches = 32;
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
    const size_t most = scores_ ? static_cast<size_t>(how_.batch_size * kWindowBatches) : SIZE_MAX;
    size_t next = 0;
    source_.for_each([&](Row&& row) {
      if (!subset_.empty()) {
        if (next == subset_.size()) return false;
        if (row.index != subset_[next]) return true;
        ++next;
      }
      rows_.push_back(std::move(row));
      if (rows_.size() == most) flush();
      return true;
    });
    if (!rows_.empty()) flush();
    result_.loss = mean_loss();
    if (scores_) result_.metrics = scores_->metrics(result_.loss);
    for (const auto& [value, group] : groups_) groups_json_[value] = headline_of(group.scores->metrics(), group.rows);
    if (how_.groups) result_.metrics["groups"] = std::move(groups_json_);
    return std::move(result_);
  }

 private:
  struct Group {
    std::unique_ptr<Scores> scores;
    int64_t rows = 0;
  };

  double mean_loss() const { return loss_count_ > 0 ? loss_sum_ / loss_count_ : 0; }

  void flush() {
    const std::vector<Example> examples = m_.task->encode_all(rows_, *m_.tokenizer, where_);
    EvaluationOptions options;
    options.max_sequences = how_.batch_size;
    options.go_on = [&](int64_t done) {
      throw_if_interrupted();
      progress_.update(done_ + done * static_cast<int64_t>(rows_.size()) / static_cast<int64_t>(examples.size()));
      return true;
    };
    const auto begin = std::chrono::steady_clock::now();
    const Computed c = *compute_examples(ctx_, *m_.model, *m_.task, examples, options);
    loss_sum_ += c.loss_sum;
    loss_count_ += c.loss_count;
    if (scores_) {
      for (const RowOutputs& row : by_row(rows_, examples, c.outputs)) {
        scores_->add(row);
        if (how_.groups) add_to_group(row);
      }
    } else {
      result_.metrics = m_.task->metrics(rows_, examples, c.outputs, mean_loss());
      if (how_.groups) group_all(examples, c.outputs);
    }
    result_.runtime += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (how_.predictions) {
      write_predictions(*how_.predictions, *m_.task, rows_, examples, c.outputs);
      if (!scores_) result_.files = m_.task->files(rows_, examples, c.outputs);
    }
    result_.examples += static_cast<int64_t>(examples.size());
    done_ += static_cast<int64_t>(rows_.size());
    rows_.clear();
  }

  void add_to_group(const RowOutputs& row) {
    Group& group = groups_[row.row->slice];
    if (!group.scores) group.scores = m_.task->scores();
    require_few(groups_.size());
    group.scores->add(row);
    ++group.rows;
  }

  /// Rows of one value in a set of their own, for metrics that need them all.
  void group_all(std::span<const Example> examples, const Outputs& outputs) {
    std::map<std::string, std::vector<RowOutputs>> by_value;
    for (const RowOutputs& row : by_row(rows_, examples, outputs)) by_value[row.row->slice].push_back(row);
    require_few(by_value.size());
    for (const auto& [value, members] : by_value) {
      std::vector<Row> rows;
      std::vector<Example> theirs;
      std::vector<size_t> which;
      for (const RowOutputs& row : members) {
        rows.push_back(*row.row);
        for (size_t i = 0; i < row.examples.size(); ++i) {
          theirs.push_back(row.examples[i]);
          which.push_back(row.first + i);
        }
      }
      groups_json_[value] = headline_of(m_.task->metrics(rows, theirs, outputs_of(outputs, which), 0), static_cast<int64_t>(rows.size()));
    }
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
  std::unique_ptr<Scores> scores_;  // null: all rows at once
  std::vector<size_t> subset_;
  Progress progress_;
  std::vector<Row> rows_;
  std::map<std::string, Group> groups_;
  Json groups_json_ = Json::object();
  double loss_sum_ = 0, loss_count_ = 0;
  int64_t done_ = 0;
  EvaluatedRows result_;
};

}  // namespace

EvaluatedRows evaluate_rows(const Context& ctx, LoadedModel& m, const RowSource& source, const std::string& where, const EvaluateRows& how) {
  return RowsEvaluator(ctx, m, source, where, how).run();
}

}  // namespace attune
