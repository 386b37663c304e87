// From a name to a folder: local folders, the cache's layout, the environment, and names that try to leave it (reliability W1, W2).
#include <stdlib.h>

#include "base/temp_folder.h"
#include "io/model_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;
using testing::put;
using testing::TempFolder;

const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";
const std::string kOther = "ffffffffffffffffffffffffffffffffffffffff";

class HubCache : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME", "TRANSFORMERS_CACHE"}) {
      const char* v = ::getenv(name);
      saved_.emplace_back(name, v ? std::optional<std::string>(v) : std::nullopt);
      ::unsetenv(name);
    }
    ::setenv("HF_HUB_CACHE", hub().c_str(), 1);
    before_ = fs::current_path();
    fs::create_directory(t_ / "work");
    fs::current_path(t_ / "work");
  }
  void TearDown() override {
    fs::current_path(before_);
    for (const auto& [name, v] : saved_) v ? ::setenv(name.c_str(), v->c_str(), 1) : ::unsetenv(name.c_str());
  }
  fs::path hub() const { return t_ / "hub"; }
  /// A repository with one commit, its files as links to blobs.
  fs::path add(const std::string& repo, const std::string& commit = kCommit, const std::string& file = "config.json",
               const std::string& ref = "main") {
    const fs::path folder = hub() / repo, snapshot = folder / "snapshots" / commit;
    put(folder / "blobs" / ("b" + commit + file), "{}");
    fs::create_directories(snapshot);
    fs::create_symlink("../../blobs/b" + commit + file, snapshot / file);
    if (!ref.empty()) put(folder / "refs" / ref, commit);
    return snapshot;
  }
  static std::string id(const std::string& name) {
    return error_id([&] { resolve_model(name); });
  }
  TempFolder t_;
  fs::path before_;
  std::vector<std::pair<std::string, std::optional<std::string>>> saved_;
};

TEST_F(HubCache, NamesAndRevisions) {
  const fs::path bert = add("models--bert-base"), org = add("models--org--name");
  add("models--org--name", kOther, "adapter_config.json", "refs/pr/3");
  ResolvedModel m = resolve_model("bert-base");
  EXPECT_EQ(m.folder, bert);
  EXPECT_EQ(m.commit, kCommit);
  EXPECT_EQ(m.kind, ModelKind::kModel);
  EXPECT_EQ(resolve_model("org/name").folder, org);
  EXPECT_EQ(resolve_model("org/name@main").folder, org);
  EXPECT_EQ(resolve_model("org/name@" + kCommit).folder, org);
  m = resolve_model("org/name@refs/pr/3");
  EXPECT_EQ(m.commit, kOther);
  EXPECT_EQ(m.kind, ModelKind::kAdapter);
  put(hub() / "models--bert-base" / "refs" / "main", kCommit + "\n");
  EXPECT_EQ(resolve_model("bert-base").folder, bert);
  EXPECT_EQ(error_id([&] { model_file(org, "config.json"); }), "");  // a link to a blob of the same repository
}

TEST_F(HubCache, NotFound) {
  add("models--distilbert-base-uncased");
  add("models--org--unreferenced", kCommit, "config.json", "");
  EXPECT_EQ(id("bert-base"), "model.not_found");
  EXPECT_EQ(id("org/unreferenced"), "model.not_found");
  EXPECT_EQ(id("org/unreferenced@" + kCommit), "");
  EXPECT_EQ(id("org/unreferenced@0123456"), "model.not_found");
  EXPECT_EQ(id("org/unreferenced@" + kOther), "model.not_found");
  EXPECT_EQ(id("distilbert-base-uncased@v2"), "model.not_found");
  const Error e = error_of([] { resolve_model("distilbert-base-uncase"); });
  EXPECT_EQ(e.code(), ErrorCode::kInput);
  const std::string text = e.what();
  EXPECT_NE(text.find(hub().string()), std::string::npos) << text;
  EXPECT_NE(text.find("hf download distilbert-base-uncase"), std::string::npos) << text;
  EXPECT_NE(text.find("did you mean 'distilbert-base-uncased'"), std::string::npos) << text;
}

TEST_F(HubCache, LocalFoldersComeFirst) {
  add("models--org--name");
  put("org/name/config.json", "{}");
  ResolvedModel m = resolve_model("org/name");
  EXPECT_EQ(m.folder, "org/name");
  EXPECT_EQ(m.commit, "");
  put("x@main/adapter_config.json", "{}");
  EXPECT_EQ(resolve_model("x@main").kind, ModelKind::kAdapter);
  put("run/adapter_config.json", "{}");
  put("run/trainer_state.json", "{}");
  EXPECT_EQ(resolve_model("run").kind, ModelKind::kRun);
  EXPECT_EQ(resolve_model("./run/").kind, ModelKind::kRun);
  ::setenv("HOME", (t_ / "work").c_str(), 1);
  EXPECT_EQ(resolve_model("~/run").kind, ModelKind::kRun);
  fs::create_directory("empty");
  EXPECT_EQ(id("empty"), "model.no_model");
  fs::create_directories("stopped/checkpoint-999");
  fs::create_directories("stopped/checkpoint-1000");
  fs::create_directories("stopped/checkpoint-99999999999999999999");
  fs::create_directories("stopped/checkpoint-1e9");
  EXPECT_NE(error_of([] { resolve_model("stopped"); }).info().hint.find("checkpoint-1000"), std::string::npos);
  put("weights.gguf", "");
  EXPECT_EQ(resolve_model("weights.gguf").kind, ModelKind::kGguf);
  put("named_otherwise", "GGUF and more");
  EXPECT_EQ(resolve_model("named_otherwise").kind, ModelKind::kGguf);
  EXPECT_EQ(error_of([] { resolve_model("missing.gguf"); }).info().what, "there is no such file");
  put("text", "");
  EXPECT_EQ(id("text"), "model.not_found");
}

TEST_F(HubCache, EnvironmentInItsOrder) {
  ::setenv("HOME", "/home/somebody", 1);
  EXPECT_EQ(hub_cache(), hub());
  ::setenv("HUGGINGFACE_HUB_CACHE", "/legacy", 1);
  ::setenv("HF_HOME", "/hf", 1);
  ::setenv("XDG_CACHE_HOME", "/xdg", 1);
  ::setenv("TRANSFORMERS_CACHE", "/never", 1);
  EXPECT_EQ(hub_cache(), hub());
  ::setenv("HF_HUB_CACHE", "", 1);
  EXPECT_EQ(hub_cache(), "/legacy");
  ::unsetenv("HUGGINGFACE_HUB_CACHE");
  EXPECT_EQ(hub_cache(), "/hf/hub");
  ::setenv("HF_HOME", "~/hf", 1);
  EXPECT_EQ(hub_cache(), "/home/somebody/hf/hub");
  ::unsetenv("HF_HOME");
  EXPECT_EQ(hub_cache(), "/xdg/huggingface/hub");
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(hub_cache(), "/home/somebody/.cache/huggingface/hub");
  ::unsetenv("HOME");
  EXPECT_TRUE(hub_cache().string().ends_with("/.cache/huggingface/hub"));
}

TEST_F(HubCache, NothingLeavesTheRepository) {
  add("models--org--name");
  const fs::path repo = hub() / "models--org--name";
  put(t_ / "secret" / "config.json", "{}");
  fs::create_directory_symlink(t_ / "secret", repo / "snapshots" / kOther);
  EXPECT_EQ(id("org/name@" + kOther), "link.outside");
  for (const char* content : {"../../../secret", "/etc", "..", "", "a/b", "a\nb"}) {
    put(repo / "refs" / "evil", content);
    EXPECT_EQ(id("org/name@evil"), "name.unsafe") << content;
  }
  put(t_ / "ref", kCommit);
  fs::create_symlink(t_ / "ref", repo / "refs" / "linked");
  EXPECT_EQ(id("org/name@linked"), "model.not_found");
  for (const char* name : {"../nowhere",
                           "org/name@../../../secret",
                           "org/name@/etc",
                           "org/name@",
                           "@",
                           "@main",
                           "a/b/c",
                           "/nowhere",
                           "./nowhere",
                           "~nobody",
                           "org\\name",
                           "a b",
                           "org/",
                           "/name",
                           "-x",
                           "x-",
                           ".x",
                           "x.",
                           "a--b",
                           "a..b",
                           "x.git",
                           "org/-x",
                           "models--org--name",
                           "é",
                           "org/name@a\nb",
                           "org/name@C:"}) {
    EXPECT_EQ(id(name), "model.not_found") << name;
  }
  EXPECT_EQ(id(std::string(97, 'a')), "model.not_found");
  EXPECT_EQ(id(std::string("a\0b", 3)), "model.not_found");
  EXPECT_EQ(id(""), "model.not_found");
  fs::create_symlink("../../../../secret/config.json", repo / "snapshots" / kCommit / "tokenizer.json");
  EXPECT_EQ(error_id([&] { model_file(repo / "snapshots" / kCommit, "tokenizer.json"); }), "link.outside");
}

TEST(RepoId, Rules) {
  for (const char* ok : {"gpt2", "org/name", "a", "A-b_c.d", "org/x.y", "0/1"}) EXPECT_TRUE(is_repo_id(ok)) << ok;
  for (const char* bad : {"", "/", "a/", "/a", "a/b/c", "a--b", "a..b", "-a", "a-", ".a", "a.", "a.git", "a b", "a@b", "a:b", "a\\b", "é"})
    EXPECT_FALSE(is_repo_id(bad)) << bad;
  EXPECT_TRUE(is_repo_id(std::string(96, 'a') + "/" + std::string(96, 'b')));
  EXPECT_FALSE(is_repo_id(std::string(97, 'a')));
}

}  // namespace
}  // namespace attune
