#include "app/synthesize.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "app/baselines.h"
#include "base/error.h"
#include "base/files.h"
#include "data/bag_of_words.h"
#include "data/reader.h"
#include "data/split.h"
#include "data/synthetic.h"
#include "metrics/clusters.h"
#include "metrics/seqeval.h"
#include "metrics/squad.h"

namespace attune {
namespace {

struct Content {
  std::string text;
  int64_t words = 0, texts = 0, changed = 0;
};

struct SyntheticTask {
  const char* name;
  RowKind rows;
  std::vector<DataFormat> formats;
  int64_t least, most;       ///< words of a text, where nothing is asked for
  int64_t longest;           ///< what no text needs to be longer than
  double overlap;
  Content (*make)(const SyntheticOptions&, const SynthesizeOptions&, DataFormat);
  Json (*baseline)(std::vector<Row>);
};

constexpr double kHeldOut = 0.2;
constexpr uint64_t kSplitSeed = 42;

Json pair_of(const std::optional<ConfidenceInterval>& i) { return i ? Json::array({i->low, i->high}) : Json(); }

std::string quoted(const std::string& cell) {
  return cell.find_first_of(",\"\n") == std::string::npos ? cell : "\"" + cell + "\"";  // no quotes in our texts
}

Content make_reviews(const SyntheticOptions& options, const SynthesizeOptions&, DataFormat format) {
  Content c;
  if (format == DataFormat::kCsv) c.text = "id,text,label,clean_label,domain\n";
  for (const SyntheticReview& r : synthetic_reviews(options)) {
    const std::string id = fmt::format("r{:06}", ++c.texts), label = r.positive ? "positive" : "negative", clean = r.clean ? "positive" : "negative";
    c.changed += r.positive != r.clean;
    c.words += word_count(r.text);
    if (format == DataFormat::kCsv)
      c.text += fmt::format("{},{},{},{},{}\n", id, quoted(r.text), label, clean, r.domain);
    else
      c.text += dump_json(Json{{"id", id}, {"text", r.text}, {"label", label}, {"clean_label", clean}, {"domain", r.domain}}, {.indent = -1, .sort_keys = false, .ascii = false}) + "\n";
  }
  return c;
}

Content make_sentences(const SyntheticOptions& options, const SynthesizeOptions&, DataFormat) {
  Content c;
  const std::vector<SyntheticSentence> sentences = synthetic_sentences(options);
  for (const SyntheticSentence& s : sentences) {
    ++c.texts;
    c.words += static_cast<int64_t>(s.tokens.size());
    for (size_t i = 0; i < s.tags.size(); ++i) c.changed += s.tags[i] != s.clean[i] && s.clean[i][0] == 'B';
  }
  c.text = conll_file(sentences, options.label_noise > 0);
  return c;
}

Content make_questions(const SyntheticOptions& options, const SynthesizeOptions& given, DataFormat) {
  Content c;
  const std::vector<SyntheticContext> contexts = synthetic_contexts(options, given.no_answer_share);
  for (const SyntheticContext& context : contexts) {
    ++c.texts;
    c.words += word_count(context.text);
    for (const SyntheticQuestion& q : context.questions) c.changed += q.answer != q.clean;
  }
  c.text = dump_json(squad_file(contexts), {.indent = 1, .sort_keys = false, .ascii = false}) + "\n";
  return c;
}

// Baselines take the rows as a training would read them.

Json bow_baseline(std::vector<Row> rows) {
  const RowSplit split = split_rows(std::move(rows), kHeldOut, kSplitSeed, true);
  const LabelSet labels(ProblemType::kSingleLabel, {"negative", "positive"});
  const Outputs outputs = baseline_predictions(Baseline::kBow, split.train, split.held_out, labels, "synthetic rows");
  const std::vector<Labels> gold = encode_labels(split.held_out, labels, "synthetic rows");
  ConfusionMatrix matrix(2);
  for (size_t i = 0; i < gold.size(); ++i) matrix.add(gold[i].id, argmax(outputs.of(i)));
  return {{"name", "bow"}, {"rows", matrix.total()}, {"accuracy", accuracy(matrix)}, {"accuracy_interval", pair_of(wilson_interval(matrix.correct(), matrix.total()))}, {"majority_rate", majority_rate(matrix)}};
}

Json frequent_tag_baseline(std::vector<Row> rows) {
  const RowSplit split = split_rows(std::move(rows), kHeldOut, kSplitSeed, false);
  std::map<std::string, std::map<std::string, int64_t>> counts;
  const auto tags_of = [](const Row& row) { return row.label.get<std::vector<std::string>>(); };
  for (const Row& row : split.train)
    for (const std::vector<std::string> tags = tags_of(row); const std::string& word : row.tokens) ++counts[word][tags[static_cast<size_t>(&word - row.tokens.data())]];
  const auto usual = [&](const std::string& word) {
    const auto it = counts.find(word);
    if (it == counts.end()) return std::string("O");
    return std::max_element(it->second.begin(), it->second.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->first;
  };
  std::vector<std::vector<std::string>> gold, predicted;
  std::vector<double> right, words;
  std::vector<uint64_t> sentences;
  for (const Row& row : split.held_out) {
    gold.push_back(tags_of(row));
    predicted.emplace_back();
    double hits = 0;
    for (size_t i = 0; i < row.tokens.size(); ++i) {
      predicted.back().push_back(usual(row.tokens[i]));
      hits += predicted.back()[i] == gold.back()[i];
    }
    right.push_back(hits);
    words.push_back(static_cast<double>(row.tokens.size()));
    sentences.push_back(row.index);
  }
  const EntityScores scores = entity_scores(gold, predicted);
  return {{"name", "most frequent tag"}, {"rows", split.held_out.size()}, {"overall_f1", scores.micro.f1}, {"overall_accuracy", scores.accuracy},
          {"overall_accuracy_interval", pair_of(clustered_interval(right, words, sentences))}};
}

/// Sentences of a text: they end with a full stop, and no abbreviation is in ours.
std::vector<std::string> sentences_of(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(". ", at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 2;
  }
  return out;
}

/// The sentence that shares most words with the question; of it the longest run of words that the question does not have.
std::string overlap_answer(const std::string& question, const std::string& context) {
  const std::vector<std::string> asked = bag_words(question);
  const std::set<std::string> known(asked.begin(), asked.end());
  std::string best;
  size_t most = 0;
  for (const std::string& sentence : sentences_of(context)) {
    size_t shared = 0;
    for (const std::string& word : bag_words(sentence)) shared += known.contains(word);
    if (shared > most || best.empty()) {
      best = sentence;
      most = shared;
    }
  }
  std::string answer, run;
  size_t longest = 0, length = 0;
  const auto end_run = [&] {
    if (length > longest) {
      longest = length;
      answer = run;
    }
    run.clear();
    length = 0;
  };
  for (size_t at = 0; at < best.size();) {
    const size_t end = std::min(best.find(' ', at), best.size());
    const std::string word = best.substr(at, end - at);
    const std::vector<std::string> plain = bag_words(word);
    if (plain.empty() || known.contains(plain.front())) {
      end_run();
    } else {
      run += (run.empty() ? "" : " ") + word;
      ++length;
    }
    at = end + 1;
  }
  end_run();
  while (!answer.empty() && (answer.back() == '.' || answer.back() == ',')) answer.pop_back();
  return answer;
}

Json overlap_baseline(std::vector<Row> rows) {
  std::vector<AnswerScores> scores;
  std::vector<double> exact;
  std::vector<uint64_t> contexts;
  for (const Row& row : rows) {
    AnsweredQuestion q;
    q.gold = row.label["text"].get<std::vector<std::string>>();
    q.predicted = overlap_answer(row.text, row.pair.value_or(""));
    scores.push_back(answer_scores(q));
    exact.push_back(100 * scores.back().exact);
    contexts.push_back(hash_name(row.group.empty() ? row.pair.value_or("") : row.group));
  }
  const Json all = squad_json(scores);
  Json out = {{"name", "word overlap"}, {"rows", rows.size()}};
  for (const char* key : {"exact", "f1", "HasAns_exact", "HasAns_f1"})
    if (all.contains(key)) out[key] = all[key];
  out["exact_interval"] = pair_of(clustered_interval(exact, contexts));
  return out;
}

const std::vector<SyntheticTask>& tasks() {
  static const std::vector<SyntheticTask> all = {
      {"sentiment", RowKind::kText, {DataFormat::kCsv, DataFormat::kJsonLines}, 12, 40, 16, 0.8, make_reviews, bow_baseline},
      {"ner", RowKind::kTokens, {DataFormat::kConll}, 8, 25, 14, 0.5, make_sentences, frequent_tag_baseline},
      {"qa", RowKind::kQuestion, {DataFormat::kJson}, 50, 110, 50, 0.8, make_questions, overlap_baseline},
  };
  return all;
}

[[noreturn]] void refuse(const char* id, const char* where, std::string what, std::string expected, std::string got, std::string hint = "") {
  fail(ErrorCode::kUsage, {.id = id, .where = where, .what = std::move(what), .expected = std::move(expected), .got = std::move(got), .hint = std::move(hint)});
}

std::optional<int64_t> whole(std::string_view text) {
  int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 1 || n > 10000) return std::nullopt;
  return n;
}

/// "12..40", or "25": from half of it to half as much again.
void settle_length(const SyntheticTask& task, const std::string& text, SyntheticOptions& options) {
  options.least = task.least;
  options.most = task.most;
  if (text.empty()) return;
  const size_t dots = text.find("..");
  const auto first = whole(std::string_view(text).substr(0, dots)), last = dots == std::string::npos ? first : whole(std::string_view(text).substr(dots + 2));
  if (!first || !last || *first > *last) refuse("synthesize.length", "--length", "is no length", "words, such as 25 or 12..40", text);
  options.least = dots == std::string::npos ? (*first + 1) / 2 : *first;
  options.most = dots == std::string::npos ? *first + *first / 2 : *last;
  if (options.most < task.longest)
    refuse("synthesize.length", "--length", fmt::format("texts of task {} need more words", task.name), fmt::format("at least {} as the upper end", task.longest), std::to_string(options.most));
}

const SyntheticTask& find(const std::string& name) {
  for (const SyntheticTask& t : tasks())
    if (name == t.name) return t;
  refuse("synthesize.task", "--task", fmt::format("there is no task '{}'", name), "sentiment, ner, qa", name);
}

DataFormat output_format(const SyntheticTask& task, const std::string& output) {
  DataFormat format = DataFormat::kAuto;
  try {
    format = format_of(output);
  } catch (const Error&) {  // an ending that is none of ours
  }
  std::vector<std::string> endings;
  for (const DataFormat f : task.formats) endings.push_back(std::string(".") + format_name(f));
  if (output.ends_with(".gz") || std::find(task.formats.begin(), task.formats.end(), format) == task.formats.end())
    refuse("synthesize.format", "--output", fmt::format("the ending names no format of task {}", task.name), fmt::format("{}", fmt::join(endings, ", ")), output);
  return format;
}

}  // namespace

void SynthesizeOptions::fields(FieldList& f) {
  f.add("task", task, {.help = "reviews with a verdict, sentences with named entities, or questions on a text", .choices = {"", "sentiment", "ner", "qa"}, .value = "{sentiment,ner,qa}"});
  f.add("output", output, {.help = "sentiment: .csv or .jsonl; ner: .conll; qa: .json (SQuAD)", .aliases = {"-o"}, .value = "FILE"});
  f.add("rows", rows, {.help = "reviews, sentences or questions", .aliases = {"n"}, .least = 10, .most = 10000000});
  f.add("seed", seed, {.help = "the same seed and options give the same bytes", .least = 0});
  f.add("label_noise", label_noise, {.help = "share of labels, entity types or answers that are wrong; the right ones stand beside them", .least = 0, .most = 1});
  f.add("overlap", overlap, {.help = "how far single words mislead: share of reviews decided by negation or contrast, of ambiguous names, of texts about two things; unset: 0.8, ner 0.5", .least = 0, .most = 1});
  f.add("separable", separable, {.help = "words alone tell the label: overlap 0"});
  f.add("length", length, {.help = "words of a text, 12..40, or about their mean, 25; unset: 12..40, ner 8..25, qa 50..110", .value = "WORDS"});
  f.add("no_answer_share", no_answer_share, {.help = "qa: share of questions without an answer", .least = 0, .most = 1});
  f.add("overwrite", overwrite, {.help = "replace the output file"});
}

Json synthesize(const SynthesizeOptions& given) {
  const SyntheticTask& task = find(given.task);
  const DataFormat format = output_format(task, given.output);
  if (given.separable && given.overlap.value_or(0) > 0) refuse("synthesize.overlap", "--separable", "is overlap 0", "one of --separable and --overlap", std::to_string(*given.overlap));
  if (file_exists(given.output) && !given.overwrite)
    fail(ErrorCode::kState, {.id = "synthesize.exists", .where = given.output, .what = "is there already", .hint = "--overwrite replaces it"});
  SyntheticOptions options;
  options.rows = given.rows;
  options.seed = static_cast<uint64_t>(given.seed);
  options.overlap = given.separable ? 0.0 : given.overlap.value_or(task.overlap);
  options.label_noise = given.label_noise;
  settle_length(task, given.length, options);

  const Content content = task.make(options, given, format);
  ReadOptions reading;
  reading.kind = task.rows;
  Json result = {{"task", task.name}, {"output", given.output}, {"rows", given.rows}, {"seed", given.seed}, {"overlap", options.overlap}, {"label_noise", given.label_noise},
                 {"changed_labels", content.changed}, {"length", Json::array({options.least, options.most})},
                 {"words_mean", static_cast<double>(content.words) / static_cast<double>(content.texts)}};
  result["baseline"] = task.baseline(parse_rows(content.text, given.output, reading).rows);
  write_file_atomically(given.output, content.text);
  return result;
}

}  // namespace attune
