// The layers of docs/design.md, section 2, read from the include lines. Also: vendor headers stay in their folder, and only base/ opens
// files.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

// What each folder of src/ may include beside itself and base.
const std::map<std::string, Names> kAllowed = {
    {"base", {}},
    {"config", {}},
    {"tensor", {}},
    {"quant", {"tensor"}},
    {"kernels", {"quant", "tensor"}},
    {"ops", {"kernels", "quant", "tensor"}},
    {"nn", {"config", "ops", "kernels", "quant", "tensor"}},
    {"models", {"config", "nn", "ops", "kernels", "quant", "tensor"}},
    {"peft", {"config", "nn", "ops", "kernels", "quant", "tensor"}},
    {"text", {"config"}},
    {"data", {"config", "text", "tensor"}},
    {"metrics", {"config"}},
    {"io", {"config", "quant", "tensor"}},
    {"tasks", {"config", "nn", "ops", "kernels", "tensor", "data", "text", "metrics"}},
    {"train", {"config", "tasks", "nn", "ops", "kernels", "quant", "tensor", "data", "io", "metrics", "text"}},
    {"report", {"config", "metrics"}},
    {"app",
     {"config", "train", "tasks", "peft", "models", "data", "text", "io", "metrics", "report", "nn", "ops", "kernels", "quant", "tensor"}},
    {"cli", {"config", "app", "report"}},
};
// One file a subject: an architecture, a PEFT method and a task never include another. What they share stands in files of its own.
const Names kFoldersOfSiblings = {"models", "peft", "tasks"};

struct Include {
  std::string file;  // "src/nn/linear.cpp"
  std::string folder;
  int line;
  std::string header;
};

std::string read(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream s;
  s << in.rdbuf();
  return s.str();
}

std::vector<fs::path> sources() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(ATTUNE_SOURCE_DIR) / "src")) {
    std::string ext = entry.path().extension().string();
    if (ext == ".h" || ext == ".cpp" || ext == ".inc") files.push_back(entry.path());
  }
  return files;
}

std::vector<Include> includes() {
  static const std::regex line_form(R"re(^\s*#\s*include\s*["<]([^">]+)[">])re");
  std::vector<Include> all;
  for (const auto& path : sources()) {
    fs::path relative = path.lexically_relative(ATTUNE_SOURCE_DIR);
    std::istringstream text(read(path));
    std::string line;
    for (int number = 1; std::getline(text, line); ++number) {
      std::smatch m;
      if (std::regex_search(line, m, line_form)) all.push_back({relative.string(), std::next(relative.begin())->string(), number, m[1]});
    }
  }
  return all;
}

std::string folder_of(const std::string& header) {
  std::string first = header.substr(0, header.find('/'));
  return header.find('/') != std::string::npos && kAllowed.contains(first) ? first : "";
}

bool may_include(const std::string& from, const std::string& to) {
  return to.empty() || to == from || to == "base" || kAllowed.at(from).contains(to);
}

TEST(Layering, FoldersIncludeOnlyWhatStandsBelowThem) {
  auto all = includes();
  EXPECT_GT(all.size(), 100u);
  for (const auto& i : all) {
    ASSERT_TRUE(kAllowed.contains(i.folder)) << i.file << ": src/" << i.folder << " is not in the table of docs/design.md, section 2";
    EXPECT_TRUE(may_include(i.folder, folder_of(i.header))) << i.file << ":" << i.line << " includes " << i.header;
  }
}

TEST(Layering, TheTableItselfHasNoCycle) {
  for (const auto& [folder, below] : kAllowed)
    for (const auto& other : below) EXPECT_FALSE(kAllowed.at(other).contains(folder)) << folder << " and " << other << " allow each other";
}

TEST(Layering, TheCheckSeesAnUpwardInclude) {
  EXPECT_FALSE(may_include("ops", folder_of("nn/module.h")));
  EXPECT_FALSE(may_include("base", folder_of("config/field.h")));
  EXPECT_TRUE(may_include("nn", folder_of("ops/ops.h")));
}

/// The subjects of a folder: .cpp files the registry names, which have no header of their own. A header called like one, or `lora_x.h`
/// beside `lora.cpp`, belongs to it.
Names subjects(const std::string& folder) {
  Names names;
  for (const auto& entry : fs::directory_iterator(fs::path(ATTUNE_SOURCE_DIR) / "src" / folder)) {
    fs::path header = entry.path();
    header.replace_extension(".h");
    if (entry.path().extension() == ".cpp" && entry.path().stem() != "registry" && !fs::exists(header))
      names.insert(entry.path().stem().string());
  }
  return names;
}

std::string owner(const Names& names, const std::string& stem) {
  for (const auto& name : names)
    if (stem == name || stem.starts_with(name + "_")) return name;
  return "";
}

TEST(Layering, SiblingsDoNotIncludeOneAnother) {
  std::map<std::string, Names> all;
  for (const auto& folder : kFoldersOfSiblings) all[folder] = subjects(folder);
  EXPECT_TRUE(all["models"].contains("bert"));
  EXPECT_TRUE(all["peft"].contains("lora"));
  EXPECT_EQ(owner({"lora", "full"}, "lora_config"), "lora");
  for (const auto& i : includes()) {
    if (!kFoldersOfSiblings.contains(i.folder) || folder_of(i.header) != i.folder) continue;
    std::string stem = fs::path(i.file).stem().string();
    std::string theirs = owner(all[i.folder], fs::path(i.header).stem().string()), ours = owner(all[i.folder], stem);
    EXPECT_TRUE(theirs.empty() || theirs == ours || stem == "registry")
        << i.file << ":" << i.line << " includes " << i.header << ", which belongs to " << theirs;
  }
}

TEST(Layering, VendorHeadersStayInTheirFolder) {
  const std::vector<std::pair<std::string, std::string>> rules = {
      {"dnnl", "src/kernels/cpu/"},    {"oneapi/", "src/kernels/cpu/"}, {"cuda", "src/kernels/cuda/"}, {"immintrin.h", "src/kernels/cpu/"},
      {"omp.h", "src/kernels/cpu/"},   {"yaml-cpp/", "src/config/"},    {"openssl/", "src/base/"},     {"zlib.h", "src/base/"},
      {"x86intrin.h", "src/kernels/"}, {"cpuid.h", "src/kernels/"},
  };
  for (const auto& i : includes())
    for (const auto& [header, place] : rules)
      if (i.header.starts_with(header)) {
        EXPECT_TRUE(i.file.starts_with(place)) << i.file << ":" << i.line << " includes " << i.header;
      }
}

TEST(Layering, OnlyBaseOpensFiles) {
  static const std::regex opens(R"re(\b(i|o)?fstream\b|\bfopen\s*\(|\bfreopen\s*\(|[^\w.>:]open\s*\(|::open(at)?\s*\(|\bmmap\s*\()re");
  for (const auto& path : sources()) {
    std::string file = path.lexically_relative(ATTUNE_SOURCE_DIR).string();
    if (file.starts_with("src/base/") || file.ends_with(".inc")) continue;
    std::istringstream text(read(path));
    std::string line;
    for (int number = 1; std::getline(text, line); ++number) {
      std::string code = line.substr(0, line.find("//"));
      EXPECT_FALSE(std::regex_search(code, opens)) << file << ":" << number << " opens a file itself: " << line;
    }
  }
}

TEST(Layering, PublicHeadersIncludeNothingPrivate) {
  fs::path folder = fs::path(ATTUNE_SOURCE_DIR) / "include/attune";
  static const std::regex line_form(R"re(^\s*#\s*include\s*"([^"]+)")re");
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::istringstream text(read(entry.path()));
    std::string line;
    while (std::getline(text, line)) {
      std::smatch m;
      if (std::regex_search(line, m, line_form)) {
        EXPECT_TRUE(m[1].str().starts_with("attune/")) << entry.path() << " includes " << m[1];
      }
    }
  }
}

}  // namespace
