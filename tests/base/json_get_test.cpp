// Typed members: every kind of value against every reader, and the extremes of reliability F6.
#include "base/json.h"
#include "temp_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;

std::string int_id(const std::string& value, int64_t least = INT64_MIN, int64_t most = INT64_MAX) {
  const Json doc = parse_json("{\"n\":" + value + "}", "f", {.allow_nan = true});
  return error_id([&] { get_int(doc, "n", 0, "f", least, most); });
}

TEST(JsonGet, IntegerExtremes) {
  struct {
    const char* text;
    const char* id;
    int64_t value;
  } const cases[] = {{"-1", "", -1},
                     {"0", "", 0},
                     {"-0", "", 0},
                     {"1", "", 1},
                     {"2147483647", "", 2147483647},
                     {"2147483648", "", 2147483648},
                     {"2147483649", "", 2147483649},
                     {"4294967295", "", 4294967295},
                     {"4294967296", "", 4294967296},
                     {"4294967297", "", 4294967297},
                     {"9007199254740993", "", 9007199254740993},
                     {"9223372036854775807", "", INT64_MAX},
                     {"-9223372036854775808", "", INT64_MIN},
                     {"9223372036854775808", "json.range", 0},
                     {"9223372036854775809", "json.range", 0},
                     {"18446744073709551615", "json.range", 0},
                     {"18446744073709551616", "json.range", 0},
                     {"-9223372036854775809", "json.range", 0},
                     {"1e308", "json.range", 0},
                     {"-1e308", "json.range", 0},
                     {"1e999", "json.type", 0},
                     {"NaN", "json.type", 0},
                     {"1.5", "json.type", 0},
                     {"-0.1", "json.type", 0},
                     {"1e-300", "json.type", 0},
                     {"16.0", "", 16},
                     {"1e3", "", 1000},
                     {"9007199254740992.0", "", 9007199254740992},
                     {"9007199254740994.0", "json.range", 0},
                     {"\"1\"", "json.type", 0},
                     {"true", "json.type", 0},
                     {"[1]", "json.type", 0},
                     {"{}", "json.type", 0}};
  for (const auto& c : cases) {
    EXPECT_EQ(int_id(c.text), c.id) << c.text;
    if (!*c.id) {
      EXPECT_EQ(get_int(parse_json(std::string("{\"n\":") + c.text + "}", "f"), "n", 7, "f"), c.value);
    }
  }
  EXPECT_EQ(get_int(parse_json("{\"n\":null}", "f"), "n", 7, "f"), 7);
  EXPECT_EQ(get_int(parse_json("{}", "f"), "n", 7, "f"), 7);
}

TEST(JsonGet, IntegerLimits) {
  EXPECT_EQ(int_id("0", 1), "json.range");
  EXPECT_EQ(int_id("1", 1), "");
  EXPECT_EQ(int_id("10", 1, 10), "");
  EXPECT_EQ(int_id("11", 1, 10), "json.range");
  EXPECT_EQ(int_id("11.0", 1, 10), "json.range");
  const Error e = error_of([] { get_int(parse_json("{\"hidden_size\":-5}", "f"), "hidden_size", 0, "config.json", 1, 10); });
  EXPECT_EQ(e.info().where, "config.json");
  EXPECT_EQ(std::string(e.what()), "config.json: 'hidden_size' is out of range; expected an integer from 1 to 10, got -5");
}

TEST(JsonGet, EveryReaderAgainstEveryType) {
  const Json doc =
      parse_json(R"({"null":null,"bool":true,"int":3,"float":2.5,"text":"x","texts":["a","b"],"mixed":["a",1],"object":{}})", "f");
  const auto ids = [&](const std::string& key) {
    return std::vector<std::string>{error_id([&] { get_int(doc, key, 0, "f"); }), error_id([&] { get_number(doc, key, 0, "f"); }),
                                    error_id([&] { get_bool(doc, key, false, "f"); }), error_id([&] { get_string(doc, key, "", "f"); }),
                                    error_id([&] { get_strings(doc, key, "f"); })};
  };
  using Ids = std::vector<std::string>;
  const std::string t = "json.type";
  EXPECT_EQ(ids("absent"), (Ids{"", "", "", "", ""}));
  EXPECT_EQ(ids("null"), (Ids{"", "", "", "", ""}));
  EXPECT_EQ(ids("bool"), (Ids{t, t, "", t, t}));
  EXPECT_EQ(ids("int"), (Ids{"", "", t, t, t}));
  EXPECT_EQ(ids("float"), (Ids{t, "", t, t, t}));
  EXPECT_EQ(ids("text"), (Ids{t, t, t, "", t}));
  EXPECT_EQ(ids("texts"), (Ids{t, t, t, t, ""}));
  EXPECT_EQ(ids("mixed"), (Ids{t, t, t, t, t}));
  EXPECT_EQ(ids("object"), (Ids{t, t, t, t, t}));
  EXPECT_EQ(get_strings(doc, "texts", "f"), (Ids{"a", "b"}));
  EXPECT_EQ(get_number(doc, "float", 0, "f"), 2.5);
  EXPECT_EQ(get_number(doc, "int", 0, "f"), 3);
  EXPECT_TRUE(get_bool(doc, "bool", false, "f"));
  EXPECT_EQ(get_string(doc, "text", "", "f"), "x");
  EXPECT_EQ(error_id([] { get_int(Json::array(), "n", 0, "f"); }), t);
}

}  // namespace
}  // namespace attune
