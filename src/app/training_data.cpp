#include "app/training_data.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "base/suggest.h"
#include "data/split.h"
#include "text/chat.h"

namespace attune {
namespace {

constexpr int64_t kSingleClassRows = 100;  // so many first rows of one class are worth a warning

SplitData read_split(const std::string& file, const std::optional<int64_t>& most, const DataConfig& config, RowKind kind, uint64_t seed,
                     std::string* glue = nullptr) {
  SplitData split;
  split.file = file;
  if (file.empty()) return split;
  DataFile data = read_rows(file, config.read_options(LabelUse::kRequired, kind));
  if (glue) *glue = data.glue_task;
  split.rows = std::move(data.rows);
  if (most) split.rows = sample_rows(split.rows, static_cast<size_t>(*most), seed, config.stratify);
  return split;
}

void split_off(SplitData& train, double share, SplitData& part, const DataConfig& config, uint64_t seed) {
  if (share <= 0 || !part.file.empty()) return;
  RowSplit split = split_rows(std::move(train.rows), share, seed, config.stratify);
  train.rows = std::move(split.train);
  part.rows = std::move(split.held_out);
  part.file = train.file;
}

/// --num-labels against the classes found: missing numbers are filled in, too many are an error.
LabelSet with_count(LabelSet labels, int64_t count, const std::string& separator) {
  std::vector<std::string> names = labels.names();
  const auto wrong = [&](const std::string& hint) {
    fail(ErrorCode::kUsage, {.id = "data.num_labels", .where = "num_labels", .what = "does not fit the labels of the data", .expected = fmt::format("{}", names.size()), .got = fmt::format("{}", count), .hint = hint});
  };
  if (static_cast<int64_t>(names.size()) == count) return labels;
  if (static_cast<int64_t>(names.size()) > count || labels.problem_type() == ProblemType::kRegression) wrong("leave num_labels out, or look at the label column");
  std::vector<std::string> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(std::to_string(i));
  for (const auto& name : names)
    if (std::find(numbers.begin(), numbers.end(), name) == numbers.end()) wrong("name all labels with data.labels");
  return LabelSet(labels.problem_type(), std::move(numbers), separator);
}

/// Every cell is one of the trained head's names: the head stays as it is, also where the data lacks some of its classes.
bool all_known(const std::vector<Row>& rows, const std::vector<std::string>& names) {
  return names != default_labels(static_cast<int64_t>(names.size())) && std::all_of(rows.begin(), rows.end(), [&](const Row& row) {
           return row.label.is_string() && std::find(names.begin(), names.end(), row.label.get<std::string>()) != names.end();
         });
}

/// The labels of the training rows; a trained head keeps its own.
LabelSet settle_labels(const RunConfig& config, const TaskSettings* known, const TaskKind& task, const SplitData& train, const std::string& glue) {
  const DataConfig& d = config.data;
  LabelOptions options = d.label_options(known ? known->labels : glue_label_names(glue));
  if (!config.problem_type.empty()) options.problem_type = problem_type_from_name(config.problem_type);
  if (known && options.names.empty() && all_known(train.rows, known->labels)) options.names = known->labels;
  LabelSet labels = task.labels(train.rows, options, train.file);
  if (config.num_labels) labels = with_count(std::move(labels), *config.num_labels, d.label_separator);
  if (known && static_cast<int64_t>(known->labels.size()) != labels.outputs())
    fail(ErrorCode::kInput, {.id = "data.labels.head",
                             .where = train.file,
                             .what = "the labels are not those of the model's trained head",
                             .expected = fmt::format("{} ({})", known->labels.size(), fmt::join(known->labels, ", ")),
                             .got = fmt::format("{} ({})", labels.outputs(), fmt::join(labels.names(), ", ")),
                             .hint = "name the rows as the head does, or start from a base model without a head"});
  return labels;
}

}  // namespace

TrainingData read_training_data(const RunConfig& config, const OpenedModel& opened) {
  const DataConfig& d = config.data;
  const auto seed = static_cast<uint64_t>(d.split_seed.value_or(d.data_seed.value_or(config.training.seed)));
  TrainingData data;
  const TaskKind& task = find_task(config.task);
  std::string glue;
  data.train = read_split(d.train, std::nullopt, d, task.rows, seed, &glue);
  data.validation = read_split(d.validation, d.max_eval_samples, d, task.rows, seed);
  data.test = read_split(d.test, d.max_test_samples, d, task.rows, seed);
  if (!d.retain_eval.empty() && task.rows != RowKind::kDocument)
    fail(ErrorCode::kUsage, {.id = "data.retain_eval", .where = "data.retain_eval", .what = "is for language models", .expected = "task text-generation or fill-mask", .got = config.task});
  data.retain = read_split(d.retain_eval, std::nullopt, d, task.rows, seed);
  if (d.folds > 1) {
    RowSplit split = split_fold(std::move(data.train.rows), d.folds, std::max<int64_t>(d.fold, 1) - 1, seed, d.stratify);
    data.train.rows = std::move(split.train);
    data.test.rows = std::move(split.held_out);
    data.test.file = data.train.file;
  }
  split_off(data.train, d.test_split, data.test, d, mix_key(seed, 1));
  split_off(data.train, d.validation_split, data.validation, d, mix_key(seed, 2));
  if (d.max_train_samples) data.train.rows = sample_rows(data.train.rows, static_cast<size_t>(*d.max_train_samples), seed, d.stratify);
  if (task.labels) data.labels = settle_labels(config, remembered(opened, config.task), task, data.train, glue);
  return data;
}

TaskSettings training_settings(const RunConfig& config, const OpenedModel& opened, const LabelSet& labels) {
  const TaskSettings* known = remembered(opened, config.task);
  const int64_t fits = max_positions(opened), usual = find_task(config.task).max_length;
  TaskSettings s;
  s.task = config.task;
  s.problem_type = labels.problem_type();
  s.labels = labels.names();
  s.label_separator = labels.separator();
  s.max_length = known ? known->max_length : usual > 0 ? std::min(usual, fits) : fits;
  if (known) {
    s.truncation_side = known->truncation_side;
    s.options = known->options;
    s.options.version_2_with_negative.reset();  // the new rows say it
    if (known->decision != Decision()) note("Temperature and thresholds of the model that is trained on belong to its old weights and are left behind");
  }
  const TextFiles& files = opened.tokenizer_files;
  constexpr const char* kTokenizer = "tokenizer_config.json";
  if (!known && files.contains(kTokenizer) && get_string(files.json(kTokenizer), "truncation_side", "right", files.where(kTokenizer)) == "left")
    s.truncation_side = Side::kLeft;
  apply_reading(config.data, s);
  return s;
}

void settle_chat_form(std::span<const Row> rows, const OpenedModel& opened, TaskSettings& settings) {
  if (find_task(settings.task).rows != RowKind::kDocument || !settings.options.chat_template.empty()) return;
  if (std::any_of(rows.begin(), rows.end(), [](const Row& row) { return !row.label.is_null(); }))
    settings.options.chat_template = chat_form_name(find_chat_form(opened.tokenizer_files));
}

void encode_training_data(TrainingData& data, const Task& task, const Tokenizer& tokenizer, const RunConfig& config) {
  const bool shuffled = config.data.shuffle && config.training.train_sampling_strategy != Sampling::kSequential;
  for (SplitData* split : {&data.train, &data.validation, &data.test, &data.retain})
    if (!split->rows.empty()) split->examples = task.encode_all(split->rows, tokenizer, split->file);
  const auto& examples = data.train.examples;

  const auto cut = std::count_if(examples.begin(), examples.end(), [](const Example& e) { return e.truncated; });
  if (cut > 0)
    note(fmt::format("{} of {} training rows ({:.1f}%) are longer than {} tokens and are cut", cut, examples.size(),
                     100.0 * static_cast<double>(cut) / static_cast<double>(examples.size()), task.settings().max_length));
  if (!shuffled && !data.labels.names().empty() && data.labels.problem_type() == ProblemType::kSingleLabel) {
    size_t same = 1;
    while (same < examples.size() && examples[same].labels.id == examples[0].labels.id) ++same;
    if (same < examples.size() && static_cast<int64_t>(same) >= kSingleClassRows)
      warning(fmt::format("the first {} training rows are all '{}' and their order is kept: the file seems to be sorted by label", same,
                          data.labels.names()[static_cast<size_t>(examples[0].labels.id)]));
  }
}

std::vector<float> class_weights_of(const WordOrNumbers& setting, const Task& task, std::span<const Example> train) {
  if (setting.numbers.empty() && setting.word != "balanced") return {};
  const TaskSettings& s = task.settings();
  const auto refuse = [](const std::string& what, const std::string& hint) {
    fail(ErrorCode::kUsage, {.id = "train.class_weights", .where = "training.class_weights", .what = what, .hint = hint});
  };
  if (s.problem_type != ProblemType::kSingleLabel) refuse("weights are for problems with a single label", "leave them out");
  std::vector<float> weights(s.labels.size(), 1.0f);
  for (const auto& [name, weight] : setting.numbers) {
    const auto at = std::find(s.labels.begin(), s.labels.end(), name);
    if (at == s.labels.end()) refuse("there is no label '" + name + "'", suggestion(name, s.labels));
    weights[static_cast<size_t>(at - s.labels.begin())] = static_cast<float>(weight);
  }
  if (!setting.numbers.empty()) return weights;
  std::vector<double> counts(s.labels.size());
  const auto count = [&](int32_t id) {
    if (id >= 0 && id < static_cast<int32_t>(counts.size())) counts[static_cast<size_t>(id)] += 1;
  };
  double labels = 0;
  for (const Example& e : train) {
    count(e.labels.id);
    for (const int32_t id : e.labels.tokens) count(id);
  }
  for (const double n : counts) labels += n;
  // n / (classes * count), as scikit-learn's "balanced".
  for (size_t c = 0; c < weights.size(); ++c)
    weights[c] = counts[c] > 0 ? static_cast<float>(labels / (static_cast<double>(weights.size()) * counts[c])) : 0.0f;
  return weights;
}

}  // namespace attune
