// Manifests: damage is noticed and named (reliability D13), hostile ones end in a problem, newer ones in an error.
#include "base/manifest.h"

#include "base/json.h"
#include "base/random.h"
#include "temp_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::put;
using testing::TempFolder;

constexpr const char* kHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::string manifest(const std::string& files, const std::string& head = "\"format_version\":1,\"step\":5,") {
  return "{" + head + "\"files\":" + files + "}";
}

TEST(Manifest, MalformedOnesAreProblems) {
  const std::string entry = std::string("{\"name\":\"a\",\"size\":3,\"sha256\":\"") + kHash + "\"}";
  const auto named = [&](const std::string& name) { return "[" + entry.substr(0, 9) + name + entry.substr(10) + "]"; };
  const std::string cases[] = {"",
                               "x",
                               "[]",
                               "null",
                               "{}",
                               "{\"format_version\":1}",
                               "{\"format_version\":0,\"files\":[]}",
                               "{\"format_version\":-1,\"files\":[]}",
                               "{\"format_version\":\"1\",\"files\":[]}",
                               "{\"format_version\":1.5,\"files\":[]}",
                               "{\"format_version\":null,\"files\":[]}",
                               manifest("{}"),
                               manifest("null"),
                               manifest("[1]"),
                               manifest("[null]"),
                               manifest("[[]]"),
                               manifest("[{}]"),
                               manifest("[" + entry + "," + entry + "]"),
                               manifest(named("")),
                               manifest(named("..")),
                               manifest(named("../a")),
                               manifest(named("/etc/passwd")),
                               manifest(named("a/../../b")),
                               manifest(named("C:")),
                               manifest(named("a\\u0000")),
                               manifest("[{\"name\":1,\"size\":3,\"sha256\":\"\"}]"),
                               manifest("[{\"name\":\"a\",\"sha256\":\"" + std::string(kHash) + "\"}]"),
                               manifest("[{\"name\":\"a\",\"size\":-1,\"sha256\":\"" + std::string(kHash) + "\"}]"),
                               manifest("[{\"name\":\"a\",\"size\":1e308,\"sha256\":\"" + std::string(kHash) + "\"}]"),
                               manifest("[{\"name\":\"a\",\"size\":18446744073709551615,\"sha256\":\"" + std::string(kHash) + "\"}]"),
                               manifest("[{\"name\":\"a\",\"size\":2.5,\"sha256\":\"" + std::string(kHash) + "\"}]"),
                               manifest("[{\"name\":\"a\",\"size\":null,\"sha256\":\"" + std::string(kHash) + "\"}]"),
                               manifest("[{\"name\":\"a\",\"size\":3}]"),
                               manifest("[{\"name\":\"a\",\"size\":3,\"sha256\":\"abc\"}]"),
                               manifest("[{\"name\":\"a\",\"size\":3,\"sha256\":\"" + std::string(64, 'Z') + "\"}]"),
                               manifest("[]", "\"format_version\":1,\"step\":-2,"),
                               manifest("[]", "\"format_version\":1,\"step\":1.5,"),
                               manifest("[]", "\"format_version\":1,\"format_version\":1,"),
                               manifest("[]") + "x"};
  TempFolder t;
  put(t / "a", "abc");
  for (const std::string& c : cases) {
    put(t / "manifest.json", c);
    const ManifestCheck check = check_manifest(t.path(), true);
    EXPECT_TRUE(check.present);
    EXPECT_FALSE(check.problems.empty()) << c;
  }
  EXPECT_GE(std::size(cases), 30u);
  put(t / "manifest.json", manifest("[" + entry + "]"));
  EXPECT_TRUE(check_manifest(t.path(), true).problems.empty());
  put(t / "manifest.json", manifest("[" + entry + "]", "\"format_version\":1,\"later_addition\":{},"));
  EXPECT_TRUE(check_manifest(t.path(), true).problems.empty());
}

TEST(Manifest, NewerFormatsSayWhichVersionIsNeeded) {
  TempFolder t;
  put(t / "manifest.json", "{\"format_version\":2,\"tool_version\":\"9.8.7\",\"files\":\"anything\"}");
  const Error e = testing::error_of([&] { check_manifest(t.path(), false); });
  EXPECT_EQ(e.info().id, "manifest.newer");
  EXPECT_EQ(e.code(), ErrorCode::kInput);
  EXPECT_NE(std::string(e.what()).find("9.8.7"), std::string::npos);
}

TEST(Manifest, AbsentOrNotAFile) {
  TempFolder t;
  EXPECT_FALSE(check_manifest(t.path(), true).present);
  EXPECT_FALSE(check_manifest(t / "nowhere", true).present);
  fs::create_directory(t / "manifest.json");
  EXPECT_FALSE(check_manifest(t.path(), true).problems.empty());
}

void make(const fs::path& target) {
  FolderCommit c(target, false);
  c.add("model.safetensors", std::string(5000, 'm'));
  c.add("optimizer.safetensors", std::string(5000, 'o'));
  c.add("trainer_state.json", "{\"a\": 1}");
  c.commit(3);
}

TEST(Manifest, AnyDamageIsFoundAndTheFileNamed) {
  TempFolder t;
  make(t / "c");
  const std::vector<std::string> names = {"model.safetensors", "optimizer.safetensors", "trainer_state.json"};
  Random random(7);
  for (int i = 0; i < 1000; ++i) {
    const std::string& name = names[random.below(3)];
    const fs::path path = t / "c" / name;
    const std::string good = read_file(path);
    std::string bad = good;
    const bool flip = random.below(2);
    if (flip) {
      char& c = bad[random.below(bad.size())];
      c = static_cast<char>(c ^ (1 << random.below(8)));
    } else {
      bad.resize(random.below(bad.size()));
    }
    put(path, bad);
    const ManifestCheck check = check_manifest(t / "c", true);
    ASSERT_EQ(check.problems.size(), 1u);
    EXPECT_TRUE(check.problems[0].starts_with(name + ":")) << check.problems[0];
    EXPECT_EQ(check_manifest(t / "c", false).problems.size(), flip ? 0u : 1u);
    put(path, good);
  }
  const std::string a = read_file(t / "c" / names[0]), b = read_file(t / "c" / names[1]);
  put(t / "c" / names[0], b);
  put(t / "c" / names[1], a);
  EXPECT_EQ(check_manifest(t / "c", true).problems.size(), 2u);
  fs::remove(t / "c" / names[0]);
  fs::remove(t / "c" / names[1]);
  fs::create_directory(t / "c" / names[1]);
  fs::remove(t / "c" / names[2]);
  put(t / "elsewhere", "{\"a\": 1}");
  fs::create_symlink(t / "elsewhere", t / "c" / names[2]);
  EXPECT_EQ(check_manifest(t / "c", true).problems,
            (std::vector<std::string>{names[0] + ": missing", names[1] + ": is not a regular file", names[2] + ": is not a regular file"}));
}

TEST(Manifest, ForeignFiles) {
  TempFolder t;
  make(t / "c");
  EXPECT_TRUE(foreign_files(t / "c").empty());
  put(t / "c" / "sub" / "notes", "x");
  EXPECT_EQ(foreign_files(t / "c"), (std::vector<std::string>{"sub/notes"}));
  fs::remove(t / "c" / "manifest.json");
  EXPECT_EQ(foreign_files(t / "c").size(), 4u);
}

}  // namespace
}  // namespace attune
