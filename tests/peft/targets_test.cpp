// Which layers are chosen; the expected sets follow PEFT 0.21's check_target_module_exists (adapters written by PEFT are compared in
// golden_adapters_test).
#include "peft/targets.h"

#include <gtest/gtest.h>

#include "support/peft_rig.h"

namespace attune {
namespace {

using namespace testing;

struct Search {
  explicit Search(const std::string& name = "bert") : model(empty_model(name)) {
    const Architecture& a = find_architecture(model->info().model_type, "test");
    query.defaults = a.default_lora_targets;
    query.aliases = a.target_aliases;
    query.saved = {"classifier", "score"};
  }
  std::vector<std::string> paths() {
    std::vector<std::string> all;
    found = find_targets(*model, query);
    for (const Linear* l : found.layers) all.push_back(l->path());
    return all;
  }
  std::string error() {
    try {
      find_targets(*model, query);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), query.origin.code);
      return e.info().id + ": " + e.what();
    }
    return "";
  }
  std::unique_ptr<Model> model;
  TargetQuery query;
  Targets found;
};

TEST(Targets, SuffixesMatchWholeParts) {
  Search s;
  s.query.target.names = {"query"};
  EXPECT_EQ(s.paths().size(), 3u);
  s.query.target.names = {"self.query", "0.output.dense"};
  EXPECT_EQ(s.paths().size(), 4u);
  s.query.target.names = {"uery"};
  EXPECT_NE(s.error(), "");
}

TEST(Targets, DefaultsOfTheArchitecture) {
  Search s;
  EXPECT_EQ(s.paths().size(), 6u);
  EXPECT_EQ(s.found.written.names, (std::vector<std::string>{"query", "value"}));
  Search d("distilbert");
  EXPECT_EQ(d.paths().size(), static_cast<size_t>(2 * d.model->info().layers));
  EXPECT_EQ(d.found.written.names, (std::vector<std::string>{"q_lin", "v_lin"}));
  d.query.target.names = {"qv"};
  EXPECT_EQ(d.paths().size(), static_cast<size_t>(2 * d.model->info().layers));
}

TEST(Targets, NamesOfOtherArchitecturesAreTranslatedWithANote) {
  Search s("distilbert");
  s.query.target.names = {"query", "v_lin"};
  EXPECT_EQ(s.paths().size(), static_cast<size_t>(2 * s.model->info().layers));
  EXPECT_EQ(s.found.written.names, (std::vector<std::string>{"q_lin", "v_lin"}));
  ASSERT_EQ(s.found.notes.size(), 1u);
  EXPECT_NE(s.found.notes[0].find("'query' is called 'q_lin'"), std::string::npos);
}

TEST(Targets, RegularExpressionsMatchTheWholePath) {
  Search s;
  s.query.target.pattern = R"(.*\.layer\.[02]\..*(query|key))";
  EXPECT_EQ(s.paths().size(), 4u);
  EXPECT_EQ(s.found.written.pattern, s.query.target.pattern);
  s.query.target.pattern = "query|.*value";
  EXPECT_EQ(s.paths().size(), 3u);
  s.query.target.pattern = "bert.encoder";
  EXPECT_NE(s.error().find("peft.target_kind"), std::string::npos) << s.error();
  s.query.target.pattern = "(";
  EXPECT_NE(s.error().find("peft.regex"), std::string::npos);
  s.query.target.pattern = ".*query";
  s.query.layers = {0};
  EXPECT_NE(s.error().find("peft.layers"), std::string::npos);
}

TEST(Targets, HostileExpressionsEndInAnError) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"([a-z._0-9]+)*[A-Z]", "peft.regex_limit"},
      {"(.*)*(.*)*(.*)*(.*)*(.*)*[A-Z]", "peft.regex_limit"},
      {std::string(100'000, '('), "peft.regex"},
      {std::string(5'000, '('), "peft.regex"},
      {"(((((.{1,9}){1,99}){1,99}){1,99}){1,99})", "peft.regex"},
      {"(?R)*x", "peft."},
      {std::string("\xff\xfe"), "peft.regex"},
  };
  for (const auto& [pattern, id] : rows) {
    Search s;
    s.query.origin = {ErrorCode::kInput, "adapter_config.json"};
    s.query.target.pattern = pattern;
    EXPECT_EQ(s.error().substr(0, id.size()), id) << pattern.substr(0, 40) << "\n" << s.error().substr(0, 300);
  }
}

TEST(Targets, AllLinearLeavesOutWhatModulesToSaveWraps) {
  Search s("distilbert");
  s.query.target.pattern = "all-linear";
  for (const auto& path : s.paths()) EXPECT_EQ(path.find("classifier"), std::string::npos) << path;
  EXPECT_EQ(s.found.layers.size(), static_cast<size_t>(6 * s.model->info().layers));
  Search b;
  b.query.target.pattern = "all-linear";
  EXPECT_EQ(b.paths().size(), 19u);  // the pooler is in
  EXPECT_EQ(b.found.written.names.size(), 19u);
  b.query.saved.push_back("pooler");
  EXPECT_EQ(b.paths().size(), 18u);
}

/// PEFT saves all-linear of a 12-layer BERT as these four suffixes.
TEST(Targets, ManyPathsAreCondensedToSuffixes) {
  const fs::path file = golden_folder() / "shapes/bert-base/config.json";
  Search s;
  s.model = make_model(ModelConfig{read_json(file), file.string()}, HeadKind::kSequenceClassification, 2);
  s.query.target.pattern = "all-linear";
  EXPECT_EQ(s.paths().size(), 73u);
  EXPECT_EQ(s.found.written.names, (std::vector<std::string>{"dense", "key", "query", "value"}));
  Search again;
  again.model = std::move(s.model);
  again.query.target = s.found.written;
  EXPECT_EQ(again.paths().size(), 73u);
}

TEST(Targets, Words) {
  Search s;
  s.query.target.names = {"attention"};
  EXPECT_EQ(s.paths().size(), 12u);
  s.query.target.names = {"mlp"};
  EXPECT_EQ(s.paths().size(), 6u);
  s.query.target.names = {"all"};
  EXPECT_EQ(s.paths().size(), 19u);
  s.query.layers = {1};
  EXPECT_EQ(s.paths().size(), 6u);
}

TEST(Targets, LayersAndExclusions) {
  Search s;
  s.query.target.names = {"query", "value"};
  s.query.layers = {0, 2};
  EXPECT_EQ(s.paths().size(), 4u);
  s.query.layers_pattern = {"blocks", "layer"};
  EXPECT_EQ(s.paths().size(), 4u);
  s.query.layers_pattern = {"blocks"};
  EXPECT_NE(s.error().find("peft.no_target"), std::string::npos);
  s.query.layers_pattern = {};
  s.query.target.names = {"bert.encoder.layer.1.attention.self.key", "query"};  // a full path is not filtered
  EXPECT_EQ(s.paths().size(), 3u);
  s.query.layers = {};
  s.query.exclude.names = {"self.key"};
  EXPECT_EQ(s.paths().size(), 3u);
  s.query.exclude = {{}, R"(.*\.layer\.[12]\..*)"};
  EXPECT_EQ(s.paths().size(), 1u);
  s.query.layers_pattern = {"layer"};
  EXPECT_NE(s.error().find("peft.layers"), std::string::npos);
}

TEST(Targets, MatchingNothingListsWhatWould) {
  Search s;
  s.query.target.names = {"qurey"};
  const std::string text = s.error();
  for (const char* part : {"peft.no_target", "did you mean 'query'", "key", "dense", "all-linear"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  s.query.target.names = {"word_embeddings"};
  EXPECT_NE(s.error().find("Embedding"), std::string::npos) << s.error();
  s.query.target.names = {"classifier"};
  EXPECT_NE(s.error().find("peft.no_target"), std::string::npos) << "the head is trained in full";
}

TEST(Targets, SavedModulesMatchByPlainSuffix) {
  const auto paths = [](const std::string& model, const std::vector<std::string>& names) {
    const auto m = empty_model(model);
    std::vector<std::string> all;
    for (const Module* module : saved_modules(*m, names)) all.push_back(module->path());
    return all;
  };
  EXPECT_EQ(paths("distilbert", {"classifier", "score"}), (std::vector<std::string>{"pre_classifier", "classifier"}));
  EXPECT_EQ(paths("bert", {"pooler"}), (std::vector<std::string>{"bert.pooler"}));
  EXPECT_EQ(paths("bert", {"layer.0", "layer.0.output"}), (std::vector<std::string>{"bert.encoder.layer.0"}));
}

}  // namespace
}  // namespace attune
