#include "data/data_config.h"

namespace attune {

void DataConfig::fields(FieldList& f) {
  f.add("train", train,
        {.help = "training rows: CSV, TSV, JSON, JSON Lines or text, also .gz", .aliases = {"train_file"}, .value = "FILE"});
  f.add("validation", validation,
        {.help = "rows evaluated while training", .aliases = {"validation_file", "valid", "val_file", "eval_file"}, .value = "FILE"});
  f.add("test", test, {.help = "rows evaluated once at the end", .aliases = {"test_file"}, .value = "FILE"});
  f.add("retain_eval", retain_eval, {.help = "language models: general text whose perplexity is reported before and after training", .value = "FILE"});
  reading_fields(f);
  f.add("shuffle", shuffle, {.help = "new row order each epoch; --no-shuffle keeps the file's"});
  f.add("max_train_samples", max_train_samples, {.help = "use a seeded subset of the training rows", .least = 1});
  f.add("max_eval_samples", max_eval_samples,
        {.help = "use a seeded subset of the validation rows", .aliases = {"max_validation_samples"}, .least = 1});
  f.add("max_test_samples", max_test_samples,
        {.help = "use a seeded subset of the test rows", .aliases = {"max_predict_samples"}, .least = 1});
  f.add("validation_split", validation_split,
        {.help = "share of train held out for validation", .aliases = {"val_size", "split"}, .least = 0, .most = 0.9});
  f.add("test_split", test_split, {.help = "share of train held out for the test", .aliases = {"test_size"}, .least = 0, .most = 0.9});
  f.add("folds", folds, {.help = "k-fold cross-validation on the training rows: each part is the test of a run on the others", .aliases = {"k_folds", "kfold"}, .least = 0, .most = 1000});
  f.add("fold", fold, {.help = "one part of folds alone, 1 to K; 0: all, a run each", .least = 0, .most = 1000});
  f.add("stratify", stratify, {.help = "subsets, splits and folds keep the class shares"});
  f.add("data_seed", data_seed, {.help = "seed of subset, split and order; unset: training.seed", .least = 0});
  f.add("split_seed", split_seed, {.help = "seed of subset and split alone, so that runs of several seeds have the same rows; unset: as data_seed", .least = 0});
}

void DataConfig::reading_fields(FieldList& f) {
  f.add_enum("format", format,
             {{"auto", DataFormat::kAuto},
              {"csv", DataFormat::kCsv},
              {"tsv", DataFormat::kTsv},
              {"json", DataFormat::kJson},
              {"jsonl", DataFormat::kJsonLines},
              {"text", DataFormat::kText},
              {"conll", DataFormat::kConll}},
             {.help = "file format; auto goes by the name"});
  f.add("text_column", text_column,
        {.help = "column of the text, words or question; unset: text, sentence, sentence1, tokens, question, ...", .aliases = {"text_field", "text_column_name", "tokens_column", "question_column"}, .value = "NAME"});
  f.add("pair_column", pair_column,
        {.help = "column of the second text of a pair, or of the context; unset: sentence2, context, ...", .aliases = {"text_pair_column", "context_column"}, .value = "NAME"});
  f.add("label_column", label_column,
        {.help = "column of the label, tags or answers; unset: label, labels, ner_tags, answers, ...; CoNLL: the last", .aliases = {"label_field", "label_column_name", "tags_column", "answers_column"}, .value = "NAME"});
  f.add("id_column", id_column, {.help = "column of the row's name; unset: id, idx, ...", .value = "NAME"});
  f.add("header", header, {.help = "the first line of CSV/TSV holds column names; unset: found out"});
  f.add("label_separator", label_separator, {.help = "splits a CSV/TSV cell into several labels (multi-label)", .value = "TEXT"});
  f.add("labels", labels,
        {.help = "label names in the order of their ids; unset: the model's, else from the training data",
         .aliases = {"label_names", "label_list"}});
  f.add_enum("on_bad_rows", on_bad_rows, {{"stop", OnBadRows::kStop}, {"skip", OnBadRows::kSkip}},
             {.help = "rows that cannot be used: stop with a list, or leave them out and count them"});
  f.add("max_length", max_length,
        {.help = "tokens a row, special tokens included; longer rows are cut; unset: the model's limit",
         .aliases = {"max_seq_length", "max_seq_len", "cutoff_len", "block_size"},
         .least = 3,
         .most = 1 << 20});
  f.add_enum("truncation_side", truncation_side,
             {{"auto", SideChoice::kTokenizer}, {"left", SideChoice::kLeft}, {"right", SideChoice::kRight}},
             {.help = "which end of a long row is cut; auto: as the tokenizer says"});
  f.add_enum("truncation", truncation,
             {{"longest_first", TruncationStrategy::kLongestFirst},
              {"only_first", TruncationStrategy::kOnlyFirst},
              {"only_second", TruncationStrategy::kOnlySecond},
              {"none", TruncationStrategy::kNone}},
             {.help = "which text of a pair is cut; none: a long row is an error"});
  options.fields(f);
}

ReadOptions DataConfig::read_options(LabelUse use, RowKind kind) const {
  ReadOptions how;
  how.kind = kind;
  how.format = format;
  how.columns = {.text = text_column, .pair = pair_column, .label = label_column, .id = id_column, .slice = group_by};
  how.labels = kind == RowKind::kDocument ? LabelUse::kIgnored : use;  // documents are their own labels
  how.on_bad_rows = on_bad_rows;
  how.header = header;
  return how;
}

LabelOptions DataConfig::label_options(std::vector<std::string> model_names) const {
  return {.problem_type = std::nullopt, .names = labels, .model_names = std::move(model_names), .separator = label_separator};
}

}  // namespace attune
