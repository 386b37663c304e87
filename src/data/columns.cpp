#include "data/columns.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"
#include "base/suggest.h"

namespace attune {
namespace {

// The order is the priority where a file has several.
constexpr std::array<std::array<std::string_view, 2>, 9> kPairs{{{"sentence1", "sentence2"},
                                                                  {"question1", "question2"},
                                                                  {"question", "sentence"},
                                                                  {"premise", "hypothesis"},
                                                                  {"#1 string", "#2 string"},
                                                                  {"text", "text_pair"},
                                                                  {"text1", "text2"},
                                                                  {"text_a", "text_b"},
                                                                  {"sentence_a", "sentence_b"}}};
constexpr std::array<std::string_view, 12> kTexts{"text",    "sentence", "review",  "content",  "review_text", "tweet",
                                                  "comment", "body",     "message", "document", "utterance",   "headline"};
constexpr std::array<std::string_view, 14> kLabels{"label", "labels",       "gold_label", "sentiment", "quality",  "is_duplicate", "target",
                                                   "class", "label_name",   "category",   "intent",    "polarity", "rating",       "score"};
// Of token tasks: the words, else a text to split; of questions: the context. Both with their gold.
constexpr std::array<std::string_view, 4> kTokens{"tokens", "words", "text", "sentence"};
constexpr std::array<std::string_view, 7> kTags{"ner_tags", "tags", "ner", "labels", "label", "chunk_tags", "pos_tags"};
constexpr std::array<std::string_view, 3> kQuestions{"question", "query", "text"};
constexpr std::array<std::string_view, 4> kContexts{"context", "passage", "paragraph", "document"};
constexpr std::array<std::string_view, 2> kAnswers{"answers", "answer"};
constexpr std::array<std::string_view, 6> kIds{"id", "idx", "index", "guid", "uid", "row_id"};

std::string folded(std::string_view name) {
  while (!name.empty() && (name.front() == ' ' || name.front() == '\t')) name.remove_prefix(1);
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
  std::string out(name);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

class Finder {
 public:
  Finder(std::span<const std::string> names, const std::string& where) : names_(names), where_(where) {
    for (size_t i = 0; i < names.size(); ++i) {
      exact_[names[i]].push_back(static_cast<int>(i));
      loose_[folded(names[i])].push_back(static_cast<int>(i));
    }
  }

  /// The column of that name however it is written, or -1.
  int usual(std::string_view name) const {
    const auto it = loose_.find(folded(name));
    if (it == loose_.end()) return -1;
    if (it->second.size() > 1) duplicate(std::string(name), it->second);
    return it->second.front();
  }

  /// The column the user named for `role`.
  int named(const std::string& name, const char* role) const {
    if (const auto it = exact_.find(name); it != exact_.end()) {
      if (it->second.size() > 1) duplicate(name, it->second);
      return it->second.front();
    }
    if (const int i = usual(name); i >= 0) return i;
    fail(ErrorCode::kInput, {.id = "data.column",
                             .where = where_,
                             .what = fmt::format("there is no column '{}' for the {}", name, role),
                             .expected = "",
                             .got = "",
                             .hint = suggestion(name, {names_.begin(), names_.end()})});
  }

  /// The first usual name that is a column, other than those taken; -1: none.
  int first_of(std::span<const std::string_view> usual_names, std::initializer_list<int> taken = {}) const {
    for (const std::string_view name : usual_names) {
      const int found = usual(name);
      if (found >= 0 && std::find(taken.begin(), taken.end(), found) == taken.end()) return found;
    }
    return -1;
  }

  [[noreturn]] void missing(const char* id, const char* role, const char* expected, const char* hint) const {
    fail(ErrorCode::kInput, {.id = id,
                             .where = where_,
                             .what = fmt::format("no column with a usual name for the {}", role),
                             .expected = expected,
                             .got = list(),
                             .hint = hint});
  }

  std::string list() const {
    std::vector<std::string> shown;
    for (const std::string& name : names_.first(std::min<size_t>(names_.size(), 20))) shown.push_back(fmt::format("'{}'", name));
    return fmt::format("{}{}", fmt::join(shown, ", "), names_.size() > 20 ? fmt::format(" and {} more", names_.size() - 20) : "");
  }

 private:
  [[noreturn]] void duplicate(const std::string& name, const std::vector<int>& at) const {
    fail(ErrorCode::kInput, {.id = "data.duplicate_column",
                             .where = where_,
                             .what = fmt::format("{} columns are called '{}' (columns {} and {})", at.size(), name, at[0] + 1, at[1] + 1),
                             .expected = "",
                             .got = "",
                             .hint = "give each column its own name"});
  }

  std::span<const std::string> names_;
  std::string where_;
  std::map<std::string, std::vector<int>, std::less<>> exact_, loose_;
};

/// Roles beyond those the user named, for rows of words with tags.
void find_token_columns(const Finder& finder, LabelUse labels, Columns& c) {
  if (c.text < 0) c.text = finder.first_of(kTokens, {c.label});
  if (c.text < 0) finder.missing("data.no_text_column", "words", "tokens or words (a list), or text", "name it (text_column)");
  if (labels != LabelUse::kIgnored && c.label < 0) c.label = finder.first_of(kTags, {c.text});
  if (labels == LabelUse::kRequired && c.label < 0) finder.missing("data.no_label_column", "tags", "ner_tags, tags or labels", "name it (label_column)");
}

void find_question_columns(const Finder& finder, LabelUse labels, Columns& c) {
  if (c.text < 0) c.text = finder.first_of(kQuestions, {c.pair, c.label});
  if (c.text < 0) finder.missing("data.no_text_column", "question", "question", "name it (text_column)");
  if (c.pair < 0) c.pair = finder.first_of(kContexts, {c.text, c.label});
  if (c.pair < 0) finder.missing("data.no_context_column", "context", "context", "name it (pair_column)");
  if (labels != LabelUse::kIgnored && c.label < 0) c.label = finder.first_of(kAnswers, {c.text, c.pair});
  if (labels == LabelUse::kRequired && c.label < 0) finder.missing("data.no_label_column", "answers", "answers", "name it (label_column)");
}

/// Messages, or a prompt with its completion; a text is found like any other.
void find_document_columns(const Finder& finder, Columns& c) {
  if (c.text >= 0) return;
  c.label = finder.usual("messages");
  if (c.label >= 0) return;
  const int prompt = finder.usual("prompt"), completion = finder.usual("completion");
  if (prompt < 0 || completion < 0) return;
  c.text = prompt;
  c.pair = completion;
}

}  // namespace

Columns find_columns(std::span<const std::string> names, const ColumnConfig& config, LabelUse labels, const std::string& where, RowKind kind) {
  const Finder finder(names, where);
  Columns c;
  if (!config.text.empty()) c.text = finder.named(config.text, "text");
  if (!config.pair.empty()) c.pair = finder.named(config.pair, "second text");
  if (labels != LabelUse::kIgnored && !config.label.empty()) c.label = finder.named(config.label, "label");
  if (!config.id.empty()) c.id = finder.named(config.id, "id");
  if (!config.slice.empty()) c.slice = finder.named(config.slice, "groups");

  if (kind == RowKind::kTokens) find_token_columns(finder, labels, c);
  if (kind == RowKind::kQuestion) find_question_columns(finder, labels, c);
  if (kind == RowKind::kDocument) find_document_columns(finder, c);
  if (kind == RowKind::kTokens || kind == RowKind::kQuestion || (kind == RowKind::kDocument && (c.label >= 0 || c.pair >= 0))) {
    if (c.id < 0) c.id = finder.first_of(kIds, {c.text, c.pair, c.label});
    return c;
  }
  if (c.text < 0) {
    for (const auto& [first, second] : kPairs) {
      const int a = finder.usual(first), b = finder.usual(second);
      if (a < 0 || b < 0 || (c.pair >= 0 && c.pair != b)) continue;
      c.text = a;
      c.pair = b;
      break;
    }
    for (size_t i = 0; c.text < 0 && i < kTexts.size(); ++i) {
      const int found = finder.usual(kTexts[i]);
      if (found != c.label && found != c.pair) c.text = found;
    }
    if (c.text < 0) {
      fail(ErrorCode::kInput,
           {.id = "data.no_text_column",
            .where = where,
            .what = "no column with a usual name for the text",
            .expected = "text, sentence, review, content, or sentence1 and sentence2, question1 and question2, premise and hypothesis",
            .got = finder.list(),
            .hint = "name it (text_column); where the first line is already data, say header: false and name columns by number (1, 2, ...)"});
    }
  }
  if (labels != LabelUse::kIgnored && c.label < 0) {
    for (size_t i = 0; c.label < 0 && i < kLabels.size(); ++i) {
      const int found = finder.usual(kLabels[i]);
      if (found != c.text && found != c.pair) c.label = found;
    }
    if (c.label < 0 && labels == LabelUse::kRequired) {
      fail(ErrorCode::kInput, {.id = "data.no_label_column",
                               .where = where,
                               .what = "no column with a usual name for the label",
                               .expected = "label, labels, sentiment, gold_label, target, class or score",
                               .got = finder.list(),
                               .hint = "name it (label_column)"});
    }
  }
  for (size_t i = 0; c.id < 0 && i < kIds.size(); ++i) {
    const int found = finder.usual(kIds[i]);
    if (found != c.text && found != c.pair && found != c.label) c.id = found;
  }
  return c;
}

std::span<const std::string_view> usual_token_columns() { return kTokens; }

std::string glue_task(std::span<const std::string> names) {
  const auto has = [&](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  if (has("Quality") && has("#1 String") && has("#2 String")) return "mrpc";
  if (has("question1") && has("question2") && has("is_duplicate")) return "qqp";
  if (has("pairID") && has("sentence1_binary_parse") && has("gold_label")) return "mnli";
  if (has("index") && has("question") && has("sentence") && has("label")) return "qnli";
  if (has("old_index") && has("source1") && has("score")) return "stsb";
  return "";
}

std::vector<std::string> glue_label_names(std::string_view task) {
  if (task == "cola") return {"unacceptable", "acceptable"};
  if (task == "sst2") return {"negative", "positive"};
  if (task == "mrpc") return {"not_equivalent", "equivalent"};
  if (task == "qqp") return {"not_duplicate", "duplicate"};
  if (task == "rte" || task == "qnli") return {"entailment", "not_entailment"};
  if (task == "wnli") return {"not_entailment", "entailment"};
  if (task == "mnli") return {"entailment", "neutral", "contradiction"};
  return {};
}

}  // namespace attune
