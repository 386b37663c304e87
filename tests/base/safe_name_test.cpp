// The table of reliability W1.
#include "temp_folder.h"

namespace attune {
namespace {

using namespace std::string_literals;

TEST(SafeName, Refused) {
  const std::string cases[] = {
      "",
      ".",
      "..",
      "...",
      "a.",
      "a ",
      " a",
      " ",
      "/",
      "/etc/passwd",
      "a/b",
      "a/",
      "/a",
      "../a",
      "a/../b",
      "./a",
      "\\",
      "a\\b",
      "..\\a",
      "\\\\server\\share",
      "//server/share",
      "C:",
      "C:\\a",
      "c:a",
      "a:b",
      "a:stream",
      "\\\\?\\C:\\a",
      "a*",
      "a?",
      "a\"",
      "a<b",
      "a>b",
      "a|b",
      "a\0b"s,
      "\0"s,
      "a\nb",
      "a\rb",
      "a\tb",
      "\x01",
      "\x1f",
      "a\x7f",
      "a\x1b[31m",
      "CON",
      "con",
      "Con.txt",
      "PRN",
      "AUX",
      "NUL",
      "nul.safetensors",
      "NUL .txt",
      "COM1",
      "com9.bin",
      "LPT1",
      "lpt9",
      "COM0",
      "CONIN$",
      "conout$",
      "aux.tar.gz",
      "%2e%2e%2fa",
      "a%2Fb",
      "a%5cb",
      "a%00",
      "%252e",
      "%2E.",
      std::string(256, 'a'),
      std::string(10'000, 'a'),
      "\xff",
      "a\xc0\xaf"
      "b",
      "\xed\xa0\x80",
      "a\xe2\x80",
      "a\u2044b",
      "a\u2215b",
      "a\uff0fb",
      "a\u29f8b",
      "a\u2216b",
      "a\uff3cb",
      "\uff0e\uff0e",
      "\u2024\u2024",
      "\u2025",
      "a\u202eb",
      "a\u200bb",
      "a\u200f",
      "\ufeffa",
      "a\u2028b",
      "a\u2066b",
      "a\u0085",
      "C\uff1a",
      "a\u2236b",
      "a\ufffe",
  };
  for (const std::string& name : cases) EXPECT_FALSE(is_safe_name(name)) << name;
  EXPECT_GE(std::size(cases), 80u);
}

TEST(SafeName, Accepted) {
  for (const std::string& name : {"a"s,
                                  "model.safetensors"s,
                                  "model-00001-of-00002.safetensors"s,
                                  ".gitattributes"s,
                                  "..a"s,
                                  "a..b"s,
                                  "-x"s,
                                  "a b"s,
                                  "~"s,
                                  "$HOME"s,
                                  "a%b"s,
                                  "100%"s,
                                  "a%2"s,
                                  "Modell für é"s,
                                  "模型.safetensors"s,
                                  "\U0001f600"s,
                                  "COM"s,
                                  "CONSOLE"s,
                                  "COM10"s,
                                  "NULL"s,
                                  "a;b"s,
                                  "a'b"s,
                                  "a&b"s,
                                  "@"s,
                                  std::string(255, 'a')}) {
    EXPECT_TRUE(is_safe_name(name)) << name;
    EXPECT_EQ(testing::error_id([&] { require_safe_name(name, "f"); }), "");
  }
}

TEST(SafeName, RelativePaths) {
  for (const char* p : {"a", "a/b", "1_Pooling/config.json", "refs/pr/3"}) EXPECT_TRUE(is_safe_relative_path(p)) << p;
  for (const char* p : {"", "/", "/a", "a/", "a//b", "a/../b", "../a", "a/..", "./a", "a/.", "a/b\\c", "a/C:", "a/nul"})
    EXPECT_FALSE(is_safe_relative_path(p)) << p;
  std::string deep = "a";
  while (deep.size() < 5000) deep += "/a";
  EXPECT_FALSE(is_safe_relative_path(deep));
}

TEST(SafeName, TheMessageShowsNoControlCharacters) {
  const Error e = testing::error_of([] { require_safe_name("../\x1b[31m", "index.json"); });
  EXPECT_EQ(e.info().id, "name.unsafe");
  EXPECT_EQ(e.info().got, "'../\\x1b[31m'");
}

}  // namespace
}  // namespace attune
