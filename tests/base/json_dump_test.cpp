// dump_json against Python's json.dumps (tests/golden/json, tools/goldens/json_text.py).
#include <cmath>

#include "base/json.h"
#include "temp_folder.h"

namespace attune {
namespace {

TEST(JsonDump, EqualsPython) {
  const Json cases = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/json/dumps.json");
  ASSERT_GE(cases.size(), 50u);
  for (const Json& c : cases) {
    const Json value = parse_json(c.at("input").get<std::string>(), "golden");
    EXPECT_EQ(dump_json(value), c.at("indented_sorted").get<std::string>());
    EXPECT_EQ(dump_json(value, {.sort_keys = false, .ascii = false}), c.at("indented_utf8").get<std::string>());
    EXPECT_EQ(dump_json(value, {.indent = -1, .sort_keys = false}), c.at("line").get<std::string>());
    EXPECT_EQ(dump_json(value, {.sort_keys = false, .ascii = false, .compact = true}), c.at("compact").get<std::string>());
  }
}

TEST(JsonDump, FloatsAreReprOfPython) {
  const Json cases = read_json(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/json/floats.json");
  ASSERT_GE(cases.size(), 500u);
  for (const auto& [bits, text] : cases.items()) {
    const uint64_t b = std::stoull(bits, nullptr, 16);
    double v;
    memcpy(&v, &b, 8);
    EXPECT_EQ(dump_json(Json(v)), text.get<std::string>()) << bits;
    EXPECT_EQ(parse_json(text.get<std::string>(), "f").get<double>(), v);
  }
}

TEST(JsonDump, NeverWritesNaN) {
  EXPECT_THROW(dump_json(Json(NAN)), Bug);
  EXPECT_THROW(dump_json(Json(INFINITY)), Bug);
  EXPECT_EQ(dump_json(Json({1.5, NAN, -INFINITY}), {.indent = -1, .nan_as_null = true}), "[1.5, null, null]");
}

TEST(JsonDump, BytesThatAreNoUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(dump_json(Json("a\xff\xc3z"), {.ascii = false}), "\"a\xef\xbf\xbd\xef\xbf\xbdz\"");
  EXPECT_EQ(dump_json(Json("a\xff")), "\"a\\ufffd\"");
}

TEST(JsonDump, DepthIsBounded) {
  Json deep = 1;
  for (int i = 0; i < 2000; ++i) deep = Json::array({std::move(deep)});
  EXPECT_THROW(dump_json(deep), Bug);
}

}  // namespace
}  // namespace attune
