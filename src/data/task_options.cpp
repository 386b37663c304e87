#include "data/task_options.h"

#include "base/error.h"
#include "config/assign.h"
#include "config/node.h"

namespace attune {

void TaskOptions::fields(FieldList& f) {
  f.add("doc_stride", doc_stride, {.help = "question answering: tokens shared by neighbouring windows of a long context; unset: 128", .least = 0, .most = 1 << 20});
  f.add("n_best_size", n_best_size, {.help = "question answering: candidates kept for a question; unset: 20", .least = 1, .most = 10000});
  f.add("max_answer_length", max_answer_length, {.help = "question answering: tokens of the longest answer; unset: 30", .least = 1, .most = 1 << 20});
  f.add("version_2_with_negative", version_2_with_negative, {.help = "question answering: some questions have no answer (SQuAD 2.0); unset: as the training rows"});
  f.add("null_score_diff_threshold", null_score_diff_threshold, {.help = "question answering: no answer where its score is above the best answer's by more than this; unset: 0"});
  f.add("label_all_tokens", label_all_tokens, {.help = "token classification: every piece of a word learns its tag, not only the first"});
  f.add("aggregation_strategy", aggregation_strategy,
        {.help = "token classification: how tokens become entities; unset: simple", .choices = {"", "none", "simple", "first", "average", "max"}, .value = "{none,simple,first,average,max}"});
  f.add("strict_tags", strict, {.help = "token classification: seqeval's strict mode", .aliases = {"seqeval_strict"}});
  f.add("window_stride", window_stride, {.help = "language models: tokens a window moves on over a text that is longer than it; unset: a whole window", .least = 1, .most = 1 << 20});
  f.add("completion_only_loss", completion_only_loss, {.help = "language models: prompts are read, not learned; unset: true"});
  f.add("mlm_probability", mlm_probability, {.help = "masked language models: share of tokens that are masked; unset: 0.15", .least = 0.0, .most = 0.9, .above = true});
  f.add("chat_template", chat_template, {.help = "form of messages rows; unset: as the model's folder says", .choices = {"", "chatml", "smollm2", "llama3"}, .value = "{chatml,smollm2,llama3}"});
  f.add("pooling", pooling, {.help = "sentence vectors: how tokens become one vector; unset: as the folder's modules.json says, else mean", .choices = {"", "mean", "cls", "max"}, .value = "{mean,cls,max}"});
  f.add("normalize", normalize, {.help = "sentence vectors: of length 1; unset: as modules.json says, else true"});
}

namespace {

bool is_set(const Field& field) {
  const std::string text = value_text(field);
  return !text.empty() && text != "null";
}

}  // namespace

void apply(const TaskOptions& given, TaskOptions& into) {
  TaskOptions copy = given;
  const FieldList from = fields_of(copy), to = fields_of(into);
  for (size_t i = 0; i < from.all().size(); ++i)
    if (is_set(from.all()[i])) {
      const std::string problem = assign(to.all()[i], parse_value(value_text(from.all()[i]), from.all()[i].path));
      require(problem.empty(), "task options: a value that was read does not read again");
    }
}

Json to_json(const TaskOptions& options) {
  TaskOptions copy = options;
  Json out = Json::object();
  const FieldList list = fields_of(copy);
  for (const Field& f : list.all())
    if (is_set(f)) out[f.name] = Json(to_json(parse_value(value_text(f), f.path)));
  return out;
}

TaskOptions task_options_of(const Json& object, const std::string& where) {
  TaskOptions options;
  const FieldList list = fields_of(options);
  for (const auto& [key, value] : object.items()) {
    const Field* field = nullptr;
    for (const Field& f : list.all())
      if (f.name == key) field = &f;
    std::string problem = field ? "" : "unknown option";
    if (field) problem = assign(*field, parse_value(value.is_string() ? value.get<std::string>() : dump_json(value, {.indent = -1}), key));
    if (!problem.empty())
      fail(ErrorCode::kInput, {.id = "side_file.options", .where = where + " (options." + key + ")", .what = problem});
  }
  return options;
}

}  // namespace attune
