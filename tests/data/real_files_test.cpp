// The data sets as distributed: row and class counts of their own documentation.
#include <chrono>
#include <map>

#include "data/check.h"
#include "data/labels.h"
#include "data/reader.h"
#include "data_files.h"

namespace attune {
namespace {

struct Expected {
  const char* file;
  size_t rows;
  std::map<std::string, size_t> classes;
  bool pair;
  const char* glue;
};

TEST(RealFiles, RowAndClassCounts) {
  ATTUNE_NEEDS_DATA();
  const Expected files[] = {
      {"glue/mrpc-train.tsv", 3668, {{"1", 2474}, {"0", 1194}}, true, "mrpc"},
      {"glue/mrpc-dev.tsv", 408, {{"1", 279}, {"0", 129}}, true, "mrpc"},
      {"glue/mrpc-test.tsv", 1725, {{"1", 1147}, {"0", 578}}, true, "mrpc"},
      {"glue/rte-train.tsv", 2490, {{"entailment", 1249}, {"not_entailment", 1241}}, true, ""},
      {"glue/rte-dev.tsv", 277, {{"entailment", 146}, {"not_entailment", 131}}, true, ""},
      {"glue/cola-train.tsv", 8551, {{"1", 6023}, {"0", 2528}}, false, "cola"},
      {"glue/cola-dev.tsv", 1043, {{"1", 721}, {"0", 322}}, false, "cola"},
      {"sst2/train.tsv", 67349, {{"0", 29780}, {"1", 37569}}, false, ""},
      {"sst2/train-sentences.tsv", 6920, {{"0", 3310}, {"1", 3610}}, false, ""},
      {"sst2/dev.tsv", 872, {{"0", 428}, {"1", 444}}, false, ""},
      {"sst2/test.tsv", 1821, {{"0", 912}, {"1", 909}}, false, ""},
      {"ag-news/train.tsv", 9980, {{"0", 2506}, {"1", 2457}, {"2", 2486}, {"3", 2531}}, false, ""},
      {"ag-news/test.tsv", 7600, {{"0", 1900}, {"1", 1900}, {"2", 1900}, {"3", 1900}}, false, ""},
      {"imdb/train-1k.csv", 1000, {{"0", 500}, {"1", 500}}, false, ""},
      {"imdb/validation-1k.csv", 1000, {{"0", 500}, {"1", 500}}, false, ""},
      {"imdb/train-5k.jsonl.gz", 5000, {{"0", 2500}, {"1", 2500}}, false, ""},
      {"imdb/test-5k.jsonl.gz", 5000, {{"0", 2500}, {"1", 2500}}, false, ""},
      {"review-sentences/train.csv", 2229, {{"negative", 1116}, {"positive", 1113}}, false, ""},
      {"review-sentences/validation.csv", 300, {{"negative", 150}, {"positive", 150}}, false, ""},
      {"review-sentences/test.csv", 450, {{"negative", 225}, {"positive", 225}}, false, ""},
  };
  for (const Expected& e : files) {
    const fs::path path = data_dir() / e.file;
    if (!file_exists(path)) continue;
    const DataFile file = read_rows(path);
    EXPECT_EQ(file.rows.size(), e.rows) << e.file;
    EXPECT_EQ(file.glue_task, e.glue) << e.file;
    EXPECT_TRUE(file.bad.empty()) << e.file;
    EXPECT_EQ(file.blank_lines, 0u) << e.file;
    std::map<std::string, size_t> classes;
    for (const Row& row : file.rows) {
      ++classes[label_text(row.label)];
      ASSERT_EQ(row.pair.has_value(), e.pair) << e.file;
      ASSERT_FALSE(row.text.empty()) << e.file << ":" << row.line;
    }
    EXPECT_EQ(classes, e.classes) << e.file;
    EXPECT_EQ(deduce_labels(file.rows, {}, e.file).outputs(), static_cast<int64_t>(e.classes.size()));
  }
}

TEST(RealFiles, FieldsLandInTheirRoles) {
  ATTUNE_NEEDS_DATA();
  const DataFile mrpc = read_rows(data_dir() / "glue/mrpc-dev.tsv");
  EXPECT_EQ(mrpc.rows[0].label, "1");
  EXPECT_EQ(mrpc.rows[0].pair, "\" The foodservice pie business does not fit our long-term growth strategy .");
  const DataFile rte = read_rows(data_dir() / "glue/rte-dev.tsv");
  EXPECT_EQ(rte.rows[0].pair, "Christopher Reeve had an accident.");
  EXPECT_EQ(rte.rows[0].id, "0");
  const DataFile cola = read_rows(data_dir() / "glue/cola-train.tsv");
  EXPECT_EQ(cola.rows[0].text, "Our friends won't buy this analysis, let alone the next one we propose.");
  EXPECT_EQ(cola.rows[0].label, "1");
  const DataFile imdb = read_rows(data_dir() / "imdb/train-5k.jsonl.gz");
  EXPECT_EQ(imdb.rows[0].id.rfind("train/", 0), 0u);
}

TEST(RealFiles, KnownOverlapIsFound) {
  ATTUNE_NEEDS_DATA();
  const DataFile train = read_rows(data_dir() / "imdb/train-5k.jsonl.gz"), small = read_rows(data_dir() / "imdb/train-1k.csv"), test = read_rows(data_dir() / "imdb/test-5k.jsonl.gz");
  const SplitToCheck splits[] = {{.name = "train", .file = train.name, .rows = train.rows}, {.name = "nested", .file = small.name, .rows = small.rows}, {.name = "test", .file = test.name, .rows = test.rows}};
  const DataReport report = check_data(splits, 0);
  EXPECT_EQ(report.splits[1].in_train.count, 1000u);
  EXPECT_EQ(report.splits[2].in_train.count, 0u);
  EXPECT_EQ(report.splits[0].duplicates.count, 0u);
}

// 2,000 rows are read in well under 10 ms in a release build; the bound leaves room for sanitizers and busy machines.
TEST(RealFiles, ReadingIsQuick) {
  ATTUNE_NEEDS_DATA();
  double best = 1e9;
  for (int k = 0; k < 5; ++k) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(read_rows(data_dir() / "review-sentences/train.csv").rows.size(), 2229u);
    best = std::min(best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  RecordProperty("best_ms", std::to_string(best));
  EXPECT_LT(best, 100.0);
}

}  // namespace
}  // namespace attune
