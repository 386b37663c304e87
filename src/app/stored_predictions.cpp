#include "app/stored_predictions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "app/open_model.h"
#include "app/prediction_lines.h"
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "data/excerpt.h"
#include "tasks/token_classification_tags.h"

namespace attune {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kSumTolerance = 1e-3;  // of probabilities, which may have been written with few digits

[[noreturn]] void fail_rows(const char* id, const std::string& where, const std::string& what, const Problems& problems, std::string hint = "") {
  fail(ErrorCode::kInput, {.id = id, .where = where, .what = fmt::format("{}:{}", what, problems.list()), .hint = std::move(hint)});
}

const Json& member(const Json& object, const char* name) {
  static const Json none;
  const auto it = object.find(name);
  return it == object.end() ? none : *it;
}

bool is_texts(const Json& value) { return value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); }); }
bool is_numbers(const Json& value) { return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_number(); }); }

/// What the content says: by the first lines that tell.
StoredKind kind_of(const std::vector<PredictionLine>& lines) {
  for (const PredictionLine& line : lines) {
    const Json &prediction = member(line.object, "prediction"), &gold = member(line.object, "gold"), &scores = member(line.object, "scores");
    if (line.number == 0) return StoredKind::kAnswers;
    if (prediction.is_string()) return gold.is_array() ? StoredKind::kAnswers : StoredKind::kSingleLabel;
    if (prediction.is_number() || prediction.is_boolean() || is_numbers(prediction))
      return scores.is_object() && scores.contains(label_text(prediction)) ? StoredKind::kSingleLabel : StoredKind::kRegression;
    if (!is_texts(prediction)) continue;
    if (line.object.contains("tokens") || line.object.contains("words_read")) return StoredKind::kTags;
    if (scores.is_object()) return StoredKind::kMultiLabel;
    if (prediction.empty()) continue;
    const auto tags = prediction.get<std::vector<std::string>>();
    return is_texts(gold) && gold.size() == tags.size() && detect_scheme({&tags, 1}) ? StoredKind::kTags : StoredKind::kMultiLabel;
  }
  return StoredKind::kMultiLabel;  // nothing but empty lists
}

StoredKind kind_of(const std::string& task, std::optional<ProblemType> type, const std::vector<PredictionLine>& lines, const std::string& where) {
  const StoredKind found = kind_of(lines);
  if (task.empty()) return found;
  if (task == "token-classification") return StoredKind::kTags;
  if (task == "question-answering") return StoredKind::kAnswers;
  if (task != "text-classification")
    fail(ErrorCode::kUsage, {.id = "predictions.task", .where = "--task", .what = "has no predictions a row", .expected = "text-classification, token-classification or question-answering", .got = task});
  if (type) return *type == ProblemType::kSingleLabel ? StoredKind::kSingleLabel : *type == ProblemType::kMultiLabel ? StoredKind::kMultiLabel : StoredKind::kRegression;
  if (found == StoredKind::kTags) return StoredKind::kMultiLabel;
  if (found == StoredKind::kAnswers)
    fail(ErrorCode::kInput, {.id = "predictions.task", .where = where, .what = "holds no predictions of this task", .expected = task, .got = task_of(found)});
  return found;
}

ProblemType problem_type_of(StoredKind kind) {
  return kind == StoredKind::kMultiLabel ? ProblemType::kMultiLabel : kind == StoredKind::kRegression ? ProblemType::kRegression : ProblemType::kSingleLabel;
}

/// Turns lines into a value, with the gold of a data file where there is one.
class Builder {
 public:
  Builder(StoredPredictions& p, std::vector<PredictionLine> lines, const StoredOptions& options) : p_(p), lines_(std::move(lines)), options_(options) {}

  void build() {
    for (const PredictionLine& line : lines_) {
      p_.ids.push_back(line.id);
      p_.lines.push_back(line.number);
      p_.texts.push_back(text_of(line, "text"));
      p_.pairs.push_back(text_of(line, "text_pair"));
      p_.groups.push_back(text_of(line, "group"));
    }
    if (!options_.gold_file.empty()) find_gold_rows();
    switch (p_.kind) {
      case StoredKind::kSingleLabel: build_single(); break;
      case StoredKind::kMultiLabel: build_multi(); break;
      case StoredKind::kRegression: build_regression(); break;
      case StoredKind::kTags: build_tags(); break;
      case StoredKind::kAnswers: build_answers(); break;
    }
    refuse_problems();
  }

 private:
  static std::string text_of(const PredictionLine& line, const char* name) {
    const Json& value = member(line.object, name);
    return value.is_string() ? value.get<std::string>() : "";
  }
  void bad(size_t row, const std::string& what) { problems_.add(fmt::format("{}: {}", p_.place(row), what)); }
  void unknown(size_t row, const std::string& what, const std::string& label) {
    unknown_.add(fmt::format("{}: {} '{}': {}", p_.place(row), what, excerpt(label), suggestion(label, p_.labels)));
  }
  void refuse_problems() {
    if (!problems_.empty()) fail_rows("predictions.row", p_.file, fmt::format("{} rows cannot be used", problems_.count()), problems_);
    if (!unknown_.empty())
      fail_rows("predictions.label", p_.file, fmt::format("{} labels are none of the {} classes", unknown_.count(), p_.labels.size()), unknown_,
                "name all labels in the order of their ids with --labels");
    if (!without_gold_.empty())
      fail_rows("predictions.no_gold", p_.file, fmt::format("{} of {} predictions have no gold", without_gold_.count(), p_.rows()), without_gold_, "give the labelled rows with --data FILE");
    if (!other_gold_.empty())
      fail_rows("predictions.gold", p_.file, fmt::format("the gold of {} rows is not that of {}", other_gold_.count(), options_.gold_file), other_gold_);
  }

  /// The rows of the data file in the order of the predictions.
  void find_gold_rows() {
    const std::string& where = options_.gold_file;
    std::vector<Row> all = read_rows(where, options_.data.read_options(LabelUse::kRequired, find_task(task_of(p_.kind)).rows)).rows;
    std::unordered_map<std::string, size_t> at;
    Problems repeated, missing;
    for (size_t i = 0; i < all.size(); ++i) {
      const std::string id = all[i].id.empty() ? std::to_string(all[i].index) : all[i].id;
      if (const auto [it, fresh] = at.emplace(id, i); !fresh) repeated.add(fmt::format("{}:{}: id '{}' is already that of line {}", where, all[i].line, excerpt(id), all[it->second].line));
    }
    if (!repeated.empty()) fail_rows("predictions.duplicate_id", where, fmt::format("{} ids occur more than once", repeated.count()), repeated);
    for (size_t i = 0; i < p_.rows(); ++i) {
      const auto it = at.find(p_.ids[i]);
      if (it == at.end()) {
        missing.add(fmt::format("{}: id '{}'", p_.place(i), excerpt(p_.ids[i])));
        continue;
      }
      Row& row = all[it->second];
      if (p_.texts[i].empty()) p_.texts[i] = row.text;
      if (p_.pairs[i].empty()) p_.pairs[i] = row.pair.value_or("");
      if (p_.groups[i].empty()) p_.groups[i] = row.group;
      gold_rows_.push_back(std::move(row));
    }
    if (!missing.empty())
      fail_rows("predictions.ids", p_.file, fmt::format("{} of {} ids are not in {}", missing.count(), p_.rows(), where), missing, "rows without an id column have their number from 0 as id");
    if (all.size() > p_.rows()) warning(fmt::format("{} of {} rows of {} have no prediction and are left out", grouped(all.size() - p_.rows()), grouped(all.size()), where));
  }
  bool joined() const { return !gold_rows_.empty(); }

  /// A row's gold, from the data file if there is one; both must agree where both are there.
  template <typename Value>
  Value settle_gold(size_t row, std::optional<Value> stored, std::optional<Value> of_file) {
    if (!stored && !of_file) without_gold_.add(fmt::format("{}: id '{}'", p_.place(row), excerpt(p_.ids[row])));
    if (stored && of_file && *stored != *of_file) other_gold_.add(fmt::format("{}: id '{}'", p_.place(row), excerpt(p_.ids[row])));
    return of_file ? std::move(*of_file) : stored ? std::move(*stored) : Value{};
  }

  /// Names of labels: as said, else as the first scores list them, else all that occur, sorted.
  LabelSet settle_labels() {
    const std::string& separator = options_.data.label_separator;
    p_.labels = options_.labels;
    if (p_.labels.empty())
      for (const PredictionLine& line : lines_) {
        const Json& scores = member(line.object, "scores");
        if (!scores.is_object() || scores.empty()) continue;
        for (const auto& [label, score] : scores.items()) p_.labels.push_back(label);
        break;
      }
    if (p_.labels.empty()) {
      std::set<std::string> predicted, gold;
      const auto collect = [&](const Json& cell, std::set<std::string>& into) {
        if (cell.is_array())
          for (const Json& part : cell) into.insert(label_text(part));
        else if (!cell.is_null())
          into.insert(label_text(cell));
      };
      for (const PredictionLine& line : lines_) {
        collect(member(line.object, "prediction"), predicted);
        collect(member(line.object, "gold"), gold);
      }
      if (joined()) {
        const LabelSet of_file = deduce_labels(gold_rows_, {.problem_type = problem_type_of(p_.kind), .names = {}, .model_names = {}, .separator = separator}, options_.gold_file);
        gold.insert(of_file.names().begin(), of_file.names().end());
      }
      // Numbers on one side and names on the other are ids whose names nobody gave.
      const auto numbers = [](const std::set<std::string>& labels) {
        return std::all_of(labels.begin(), labels.end(), [](const std::string& l) { return !l.empty() && l.find_first_not_of("0123456789") == std::string::npos; });
      };
      if (p_.kind == StoredKind::kSingleLabel && !gold.empty() && numbers(gold) != numbers(predicted))
        fail(ErrorCode::kInput, {.id = "predictions.label",
                                 .where = p_.file,
                                 .what = "the gold and the predictions name labels in two ways",
                                 .expected = fmt::format("{}", fmt::join(gold, ", ")),
                                 .got = fmt::format("{}", fmt::join(predicted, ", ")),
                                 .hint = "name all labels in the order of their ids with --labels"});
      gold.merge(predicted);
      p_.labels.assign(gold.begin(), gold.end());
      sort_label_names(p_.labels);
    }
    return LabelSet(problem_type_of(p_.kind), p_.labels, separator);
  }

  /// Probabilities of all rows, or the first reason why they cannot be used.
  void read_scores() {
    std::unordered_map<std::string, size_t> column;
    for (size_t c = 0; c < p_.labels.size(); ++c) column.emplace(p_.labels[c], c);
    p_.scores.assign(p_.rows() * p_.labels.size(), kNaN);
    for (size_t i = 0; i < p_.rows(); ++i) {
      const Json& scores = member(lines_[i].object, "scores");
      const std::span<double> row(p_.scores.data() + i * p_.labels.size(), p_.labels.size());
      if (!scores.is_object()) {
        no_scores(i, "has no scores");
        continue;
      }
      for (const auto& [label, score] : scores.items()) {
        const auto it = column.find(label);
        if (it == column.end()) {
          unknown(i, "the score of", label);
        } else if (score.is_number()) {
          row[it->second] = score.get<double>();
        }
      }
      double sum = 0;
      for (size_t c = 0; c < row.size(); ++c) {
        sum += row[c];
        if (std::isnan(row[c]))
          no_scores(i, fmt::format("the score of '{}' is {}", excerpt(p_.labels[c]), scores.contains(p_.labels[c]) ? "no number" : "missing"));
        else if (!(row[c] >= 0 && row[c] <= 1))
          no_scores(i, fmt::format("the score of '{}' is no probability: {}", excerpt(p_.labels[c]), row[c]));
      }
      if (p_.kind == StoredKind::kSingleLabel && !(std::fabs(sum - 1) <= kSumTolerance)) no_scores(i, fmt::format("the scores sum to {}, not to 1", sum));
    }
    if (!p_.no_scores.empty()) p_.scores.clear();
  }
  void no_scores(size_t row, const std::string& why) {
    if (p_.no_scores.empty()) p_.no_scores = fmt::format("{}: {}", p_.place(row), why);
  }

  void build_single() {
    const LabelSet labels = settle_labels();
    std::vector<Labels> of_file;
    if (joined()) of_file = encode_labels(gold_rows_, labels, options_.gold_file);
    for (size_t i = 0; i < p_.rows(); ++i) {
      const auto find = [&](const Json& cell, const char* what) -> std::optional<int32_t> {
        if (cell.is_array() || cell.is_object()) bad(i, fmt::format("the {} is {}, expected a label", what, json_kind(cell)));
        if (cell.is_array() || cell.is_object() || cell.is_null()) return std::nullopt;
        const auto id = labels.find(label_text(cell));
        if (!id) unknown(i, fmt::format("the {}", what), label_text(cell));
        return id ? id : std::optional(0);
      };
      const auto prediction = find(member(lines_[i].object, "prediction"), "prediction");
      if (member(lines_[i].object, "prediction").is_null()) bad(i, "the prediction is null, expected a label");
      p_.predicted.push_back(prediction.value_or(0));
      p_.gold.push_back(settle_gold(i, find(member(lines_[i].object, "gold"), "gold"), joined() ? std::optional(of_file[i].id) : std::nullopt));
    }
    read_scores();
  }

  void build_multi() {
    const LabelSet labels = settle_labels();
    std::vector<Labels> of_file;
    if (joined()) of_file = encode_labels(gold_rows_, labels, options_.gold_file);
    using Set = std::vector<uint8_t>;
    for (size_t i = 0; i < p_.rows(); ++i) {
      const auto find = [&](const Json& cell, const char* what) -> std::optional<Set> {
        if (cell.is_null()) return std::nullopt;
        Set set(p_.labels.size());
        if (!cell.is_array()) bad(i, fmt::format("the {} is {}, expected a list of labels", what, json_kind(cell)));
        for (const Json& part : cell.is_array() ? cell : Json::array()) {
          const auto id = labels.find(label_text(part));
          if (id)
            set[static_cast<size_t>(*id)] = 1;
          else
            unknown(i, fmt::format("the {}", what), label_text(part));
        }
        return set;
      };
      std::optional<Set> file_set;
      if (joined()) {
        file_set.emplace();
        for (float v : of_file[i].values) file_set->push_back(v > 0.5f);
      }
      const auto prediction = find(member(lines_[i].object, "prediction"), "prediction");
      if (!prediction) bad(i, "the prediction is null, expected a list of labels");
      const Set predicted = prediction.value_or(Set(p_.labels.size()));
      Set gold = settle_gold(i, find(member(lines_[i].object, "gold"), "gold"), file_set);
      gold.resize(p_.labels.size());
      p_.predicted_set.insert(p_.predicted_set.end(), predicted.begin(), predicted.end());
      p_.gold_set.insert(p_.gold_set.end(), gold.begin(), gold.end());
    }
    read_scores();
  }

  void build_regression() {
    const Json& first = member(lines_.front().object, "prediction");
    const size_t targets = first.is_array() ? first.size() : 1;
    for (size_t t = 0; t < targets; ++t) p_.labels.push_back(options_.labels.size() == targets ? options_.labels[t] : fmt::format("LABEL_{}", t));
    std::vector<Labels> of_file;
    if (joined()) of_file = encode_labels(gold_rows_, LabelSet(ProblemType::kRegression, p_.labels), options_.gold_file);
    for (size_t i = 0; i < p_.rows(); ++i) {
      const auto read = [&](const Json& cell, const char* what) -> std::optional<std::vector<double>> {
        std::vector<double> values;
        for (const Json& v : cell.is_array() ? cell : Json::array({cell})) values.push_back(v.is_number() ? v.get<double>() : kNaN);
        const bool none = cell.is_null() && std::string_view(what) == "gold";
        if (!none && (values.size() != targets || std::any_of(values.begin(), values.end(), [](double v) { return !std::isfinite(v); })))
          bad(i, fmt::format("the {} is not {}", what, targets == 1 ? "a finite number" : fmt::format("a list of {} finite numbers", targets)));
        values.resize(targets);
        return none ? std::nullopt : std::optional(std::move(values));
      };
      const std::vector<double> predicted = *read(member(lines_[i].object, "prediction"), "prediction");
      std::optional<std::vector<double>> stored = read(member(lines_[i].object, "gold"), "gold"), file_values;
      if (joined()) {
        file_values.emplace(of_file[i].values.begin(), of_file[i].values.end());
        if (stored)
          for (double& v : *stored) v = static_cast<float>(v);  // as data files are read
      }
      std::vector<double> gold = settle_gold(i, std::move(stored), std::move(file_values));
      gold.resize(targets);
      p_.predicted_values.insert(p_.predicted_values.end(), predicted.begin(), predicted.end());
      p_.gold_values.insert(p_.gold_values.end(), gold.begin(), gold.end());
    }
  }

  void build_tags() {
    using Tags = std::vector<std::string>;
    std::vector<std::vector<int32_t>> of_file;
    if (joined() && !options_.labels.empty()) of_file = tag_ids(gold_rows_, TagNames(options_.labels), options_.gold_file, false);
    std::set<std::string> seen;
    const Json& scheme = member(lines_.front().object, "scheme");
    if (scheme.is_string())
      p_.scheme = scheme_from_name(scheme.get<std::string>());
    else if (lines_.front().object.contains("scheme"))
      p_.scheme.emplace();
    for (size_t i = 0; i < p_.rows(); ++i) {
      const Json& object = lines_[i].object;
      const auto read = [&](const char* name) -> std::optional<Tags> {
        const Json& cell = member(object, name);
        if (cell.is_null()) return std::nullopt;
        if (!is_texts(cell) || std::any_of(cell.begin(), cell.end(), [](const Json& tag) { return tag.get_ref<const std::string&>().empty(); })) {
          bad(i, fmt::format("'{}' is no list of tags", name));
          return std::nullopt;
        }
        return cell.get<Tags>();
      };
      std::optional<Tags> predicted = read("prediction"), stored = read("gold"), file_tags;
      if (member(object, "prediction").is_null()) bad(i, "the prediction is null, expected a list of tags");
      p_.tokens.push_back(is_texts(member(object, "tokens")) ? member(object, "tokens").get<Tags>() : joined() ? gold_rows_[i].tokens : Tags{});
      if (joined()) {
        file_tags.emplace();
        for (size_t w = 0; w < gold_rows_[i].label.size(); ++w)
          file_tags->push_back(of_file.empty() ? label_text(gold_rows_[i].label[w]) : options_.labels[static_cast<size_t>(of_file[i][w])]);
      }
      Tags gold = settle_gold(i, std::move(stored), std::move(file_tags));
      if (predicted && gold.size() != predicted->size() && !gold.empty()) bad(i, fmt::format("{} tags are predicted for {} words", predicted->size(), gold.size()));
      seen.insert(gold.begin(), gold.end());
      if (predicted) seen.insert(predicted->begin(), predicted->end());
      const auto count = [&](const char* name, int64_t absent) { return get_int(object, name, absent, p_.place(i), 0); };
      p_.read += {.windows = count("windows", 1), .words = count("words_read", static_cast<int64_t>(gold.size())), .without_token = count("words_without_token", 0)};
      p_.predicted_tags.push_back(predicted.value_or(Tags(gold.size(), "O")));
      p_.gold_tags.push_back(std::move(gold));
    }
    p_.labels = options_.labels.empty() ? Tags(seen.begin(), seen.end()) : options_.labels;
  }

  void build_answers() {
    Json odds;
    if (!options_.null_odds.empty()) odds = read_json(options_.null_odds, {.max_bytes = uint64_t{1} << 30});
    if (!odds.is_null() && !odds.is_object()) fail(ErrorCode::kInput, {.id = "predictions.null_odds", .where = options_.null_odds, .what = "is no object {id: number}"});
    Problems without_odds;
    size_t with_odds = 0, with_positions = 0;
    using Texts = std::vector<std::string>;
    for (size_t i = 0; i < p_.rows(); ++i) {
      const Json &object = lines_[i].object, &prediction = member(object, "prediction"), &gold = member(object, "gold");
      if (!prediction.is_string()) bad(i, fmt::format("the prediction is {}, expected the text of the answer", json_kind(prediction)));
      if (!gold.is_null() && !is_texts(gold)) bad(i, "'gold' is no list of answers");
      std::optional<Texts> stored, of_file;
      if (is_texts(gold)) stored = gold.get<Texts>();
      if (joined()) of_file = gold_rows_[i].label["text"].get<Texts>();
      AnsweredQuestion q;
      q.gold = settle_gold(i, std::move(stored), std::move(of_file));
      if (prediction.is_string()) q.predicted = prediction.get<std::string>();
      const Json& score = odds.is_object() ? member(odds, p_.ids[i].c_str()) : member(object, "null_odds");
      if (score.is_number() && std::isfinite(score.get<double>())) {
        q.no_answer_score = score.get<double>();
        ++with_odds;
      } else if (odds.is_object()) {
        without_odds.add(fmt::format("{}: id '{}'", p_.place(i), excerpt(p_.ids[i])));
      }
      p_.questions.push_back(std::move(q));
      if (!object.contains("span_right")) continue;
      ++with_positions;
      const auto count = [&](const char* name) { return get_int(object, name, 0, p_.place(i), 0); };
      p_.positions += {.windows = count("windows"), .start = count("start_right"), .end = count("end_right"), .both = count("span_right")};
    }
    if (!without_odds.empty()) fail_rows("predictions.null_odds", options_.null_odds, fmt::format("{} questions have no odds", without_odds.count()), without_odds);
    p_.has_odds = with_odds == p_.rows();
    if (with_positions != p_.rows()) p_.positions = {};
  }

  StoredPredictions& p_;
  std::vector<PredictionLine> lines_;
  const StoredOptions& options_;
  std::vector<Row> gold_rows_;
  Problems problems_, unknown_, without_gold_, other_gold_;
};

}  // namespace

std::string StoredPredictions::place(size_t row) const {
  return lines[row] > 0 ? fmt::format("{}:{}", file, lines[row]) : fmt::format("{}: id '{}'", file, excerpt(ids[row]));
}

bool StoredPredictions::comes_in_groups() const {
  return std::any_of(groups.begin(), groups.end(), [](const std::string& g) { return !g.empty(); });
}

std::vector<uint64_t> StoredPredictions::clusters() const {
  std::vector<uint64_t> all;
  for (size_t i = 0; i < rows(); ++i) all.push_back(groups[i].empty() ? mix_key(1, i) : hash_name(groups[i]));
  return all;
}

const char* task_of(StoredKind kind) {
  return kind == StoredKind::kTags ? "token-classification" : kind == StoredKind::kAnswers ? "question-answering" : "text-classification";
}

StoredPredictions read_stored_predictions(const std::string& run, const StoredOptions& given) {
  StoredPredictions p;
  p.name = run;
  p.file = run;
  StoredOptions options = given;
  std::optional<ProblemType> type;
  p.strict = options.data.options.strict.value_or(false);
  if (folder_exists(run)) {
    p.file = (fs::path(run) / "predictions.jsonl").string();
    if (!file_exists(p.file))
      fail(ErrorCode::kInput, {.id = "predictions.missing", .where = run, .what = "has no predictions.jsonl", .hint = "a finished run with validation or test rows has one; language models have none"});
    if (const std::optional<TaskSettings> settings = side_settings(run)) {
      if (!options.task.empty() && options.task != settings->task)
        fail(ErrorCode::kUsage, {.id = "predictions.task", .where = run, .what = "was not trained for this task", .expected = settings->task, .got = options.task});
      options.task = settings->task;
      if (options.task == "text-classification") type = settings->problem_type;
      if (options.labels.empty()) options.labels = settings->labels;
      if (!options.data.options.strict) p.strict = settings->options.strict.value_or(false);
    }
  }
  std::vector<PredictionLine> lines = read_prediction_lines(p.file);
  p.kind = kind_of(options.task, type, lines, p.file);
  if (!options.null_odds.empty() && p.kind != StoredKind::kAnswers)
    fail(ErrorCode::kUsage, {.id = "predictions.null_odds", .where = "--null-odds", .what = "is for question answering", .got = task_of(p.kind)});
  Builder(p, std::move(lines), options).build();
  return p;
}

}  // namespace attune
