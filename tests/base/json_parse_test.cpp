// parse_json against a table of accepted and refused documents (reliability F10), with exact ids and positions.
#include <ctime>
#include <cmath>

#include "base/json.h"
#include "temp_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;

struct Case {
  std::string text, id, where;  // id "": accepted
};

std::vector<Case> cases() {
  std::vector<Case> c;
  const auto good = [&](std::string t) { c.push_back({std::move(t), "", ""}); };
  const auto bad = [&](std::string t, std::string id, std::string where) { c.push_back({std::move(t), "json." + id, "f:" + where}); };
  for (const char* t : {"0",
                        "-0",
                        "1",
                        "-1",
                        "9223372036854775807",
                        "-9223372036854775808",
                        "18446744073709551615",
                        "18446744073709551616",
                        "1e308",
                        "1E+2",
                        "1e-400",
                        "0.5",
                        "-0.0",
                        "1.7976931348623157e308",
                        "4.9e-324",
                        "123456789012345678901234567890",
                        "\"\"",
                        "\"a\"",
                        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                        "\"\\u0000\"",
                        "\"\\u00e9\"",
                        "\"\\ud83d\\ude00\"",
                        "\"\\uDBFF\\uDFFF\"",
                        "\"\xc3\xa9\"",
                        "\"\xf0\x9f\x98\x80\"",
                        "\"\x7f\"",
                        "true",
                        "false",
                        "null",
                        "[]",
                        "{}",
                        " [ ] ",
                        "\t\n\r {\"a\" : [1 , 2]}\n",
                        "[[[]]]",
                        "{\"\":0}",
                        "{\"a\":{\"a\":{\"a\":1}}}",
                        "[1,\"a\",true,null,{},[]]",
                        "{\"a\":1,\"A\":2}",
                        "{\"\xc3\xa9\":1,\"e\\u0301\":2}"})
    good(t);
  for (const char* t : {"", " ", "\n\t\r "})
    bad(t, "syntax", std::string(t) == "\n\t\r " ? "2:4" : "1:" + std::to_string(std::string(t).size() + 1));
  bad("\xef\xbb\xbf{}", "syntax", "1:1");
  // values that are none
  for (const char* t : {"nul",       "tru", "fals", "True", "None", "undefined", "'a'", "a", "/",   "#", "NaN", "Infinity",
                        "-Infinity", "nan", "+1",   ".5",   "]",    "}",         ",",   ":", "--1", "-", "-a"})
    bad(t, "syntax", "1:1");
  bad("01", "trailing", "1:2");
  bad("-01", "trailing", "1:3");
  bad("0x10", "trailing", "1:2");
  bad("1.", "syntax", "1:3");
  bad("1.e5", "syntax", "1:3");
  bad("1e", "syntax", "1:3");
  bad("1e+", "syntax", "1:4");
  bad("1ea", "syntax", "1:3");
  bad("1_000", "trailing", "1:2");
  for (const char* t : {"1e309", "-1e999", "1e99999999999999999999"}) bad(t, "range", "1:1");
  // texts
  bad("\"", "syntax", "1:1");
  bad("\"abc", "syntax", "1:1");
  bad("\"abc\\", "syntax", "1:5");
  bad("\"\\x41\"", "syntax", "1:2");
  bad("\"\\'\"", "syntax", "1:2");
  bad("\"\\u12\"", "syntax", "1:2");
  bad("\"\\u123g\"", "syntax", "1:2");
  bad("\"\\u+123\"", "syntax", "1:2");
  bad("\"\\u-123\"", "syntax", "1:2");
  bad("\"\\u12", "syntax", "1:2");
  bad("\"\\ud800\"", "syntax", "1:2");
  bad("\"\\ud800x\"", "syntax", "1:2");
  bad("\"\\ud800\\n\"", "syntax", "1:2");
  bad("\"\\ud800\\ud800\"", "syntax", "1:2");
  bad("\"\\ud800\\ue000\"", "syntax", "1:2");
  bad("\"\\ud800\\udbff\"", "syntax", "1:2");
  bad("\"\\udc00\"", "syntax", "1:2");
  for (int b = 0; b < 0x20; ++b) bad(std::string("\"a") + static_cast<char>(b) + "\"", "syntax", "1:3");
  // bytes that are no UTF-8
  for (const char* t : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
                        "\xed\xbf\xbf", "\xe2\x82", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                        "\xf8\x88\x80\x80\x80", "\xfe", "\xff", "\xf0\x9f\x98"})
    bad(std::string("\"ab") + t + "\"", "utf8", "1:4");
  bad("\"12345678901234567890\xff\"", "utf8", "1:22");
  // structure
  bad("[", "syntax", "1:2");
  bad("[1", "syntax", "1:3");
  bad("[1,", "syntax", "1:4");
  bad("[1,]", "syntax", "1:4");
  bad("[,1]", "syntax", "1:2");
  bad("[1 2]", "syntax", "1:4");
  bad("[1}", "syntax", "1:3");
  bad("[\"a\":1]", "syntax", "1:5");
  bad("{", "syntax", "1:2");
  bad("{\"a\"", "syntax", "1:5");
  bad("{\"a\":", "syntax", "1:6");
  bad("{\"a\":1", "syntax", "1:7");
  bad("{\"a\":1,", "syntax", "1:8");
  bad("{\"a\":1,}", "syntax", "1:8");
  bad("{,}", "syntax", "1:2");
  bad("{a:1}", "syntax", "1:2");
  bad("{1:1}", "syntax", "1:2");
  bad("{'a':1}", "syntax", "1:2");
  bad("{null:1}", "syntax", "1:2");
  bad("{\"a\" 1}", "syntax", "1:6");
  bad("{\"a\"=1}", "syntax", "1:5");
  bad("{\"a\":1 \"b\":2}", "syntax", "1:8");
  bad("{\"a\":1]", "syntax", "1:7");
  bad("{\"a\":}", "syntax", "1:6");
  bad("[1 // c\n]", "syntax", "1:4");
  bad("[1 /* c */]", "syntax", "1:4");
  bad("{\n \"a\": 1,\n \"b\": x\n}", "syntax", "3:7");
  // behind the end
  for (const char* t : {"1 2", "{} {}", "[] ,", "null x", "{}]"})
    bad(t, "trailing", std::string("1:") + (t[0] == '1' ? "3" : t[0] == 'n' ? "6" : t[2] == ' ' ? "4" : "3"));
  bad(std::string("{}\0", 3), "trailing", "1:3");
  bad("{}\n\n;", "trailing", "3:1");
  // the same key twice
  bad("{\"a\":1,\"a\":1}", "duplicate_key", "1:8");
  bad("{\"a\":1,\"\\u0061\":2}", "duplicate_key", "1:8");
  bad("{\"x\":{\"k\":1,\"k\":2}}", "duplicate_key", "1:13");
  bad("{\"\":1,\n\"\":2}", "duplicate_key", "2:1");
  std::string many = "{";
  for (int i = 0; i < 40; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  bad(many + "\"k0\":1}", "duplicate_key", "1:" + std::to_string(many.size() + 1));
  bad(many + "\"k39\":1}", "duplicate_key", "1:" + std::to_string(many.size() + 1));
  good(many + "\"k40\":1}");
  // depth
  for (const int depth : {1, 63, 64}) {
    good(std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']'));
    std::string objects;
    for (int i = 0; i < depth; ++i) objects += "{\"a\":";
    good(objects + "1" + std::string(static_cast<size_t>(depth), '}'));
  }
  bad(std::string(65, '[') + std::string(65, ']'), "depth", "1:65");
  bad(std::string(1'000'000, '['), "depth", "1:65");
  std::string objects;
  for (int i = 0; i < 1'000'000; ++i) objects += "{\"a\":";
  bad(objects, "depth", "1:" + std::to_string(64 * 5 + 1));
  return c;
}

TEST(JsonParse, Table) {
  const std::vector<Case> all = cases();
  EXPECT_GE(all.size(), 190u);
  for (const Case& c : all) {
    SCOPED_TRACE(c.text.substr(0, 60));
    try {
      parse_json(c.text, "f");
      EXPECT_EQ(c.id, "");
    } catch (const Error& e) {
      EXPECT_EQ(e.info().id, c.id) << e.what();
      EXPECT_EQ(e.info().where, c.where) << e.what();
      EXPECT_EQ(e.code(), ErrorCode::kInput);
    }
  }
}

TEST(JsonParse, EveryPrefixAndEveryFlippedByteEndsInAValueOrAnError) {
  const std::string text = R"({"a":[1,-2.5e3,"x\n\u00e9",true,null],"b":{"c":"é","d":[]},"e":1e-7})";
  for (size_t n = 0; n < text.size(); ++n) EXPECT_NE(error_id([&] { parse_json(text.substr(0, n), "f"); }), "") << n;
  for (size_t at = 0; at < text.size(); ++at) {
    for (int b = 0; b < 256; ++b) {
      std::string t = text;
      t[at] = static_cast<char>(b);
      error_id([&] { parse_json(t, "f"); });  // nothing but Error may come out
    }
  }
}

TEST(JsonParse, NumbersKeepTheirKind) {
  EXPECT_TRUE(parse_json("3", "f").is_number_unsigned());
  EXPECT_EQ(parse_json("18446744073709551615", "f").get<uint64_t>(), UINT64_MAX);
  EXPECT_EQ(parse_json("-9223372036854775808", "f").get<int64_t>(), INT64_MIN);
  EXPECT_TRUE(parse_json("3.0", "f").is_number_float());
  EXPECT_EQ(parse_json("18446744073709551616", "f").get<double>(), 0x1p64);
  EXPECT_EQ(parse_json("1e-400", "f").get<double>(), 0.0);
  EXPECT_EQ(parse_json("5e-324", "f").get<double>(), 5e-324);
  EXPECT_EQ(parse_json("0.1", "f").get<double>(), 0.1);
}

TEST(JsonParse, TextsAndOrder) {
  EXPECT_EQ(parse_json(R"("\ud83d\ude00\u00e9\u0000")", "f").get<std::string>(), std::string("\xf0\x9f\x98\x80\xc3\xa9\0", 7));
  const Json doc = parse_json(R"({"z":1,"a":2,"m":3})", "f");
  std::vector<std::string> keys;
  for (const auto& [k, v] : doc.items()) keys.push_back(k);
  EXPECT_EQ(keys, (std::vector<std::string>{"z", "a", "m"}));
  EXPECT_EQ(doc.at("a"), 2);
}

TEST(JsonParse, NaNOnlyWhereAllowed) {
  const JsonLimits nan{.allow_nan = true};
  EXPECT_TRUE(std::isnan(parse_json("[NaN]", "f", nan)[0].get<double>()));
  EXPECT_EQ(parse_json("Infinity", "f", nan).get<double>(), INFINITY);
  EXPECT_EQ(parse_json("-Infinity", "f", nan).get<double>(), -INFINITY);
  EXPECT_EQ(parse_json("1e999", "f", nan).get<double>(), INFINITY);
  EXPECT_EQ(error_id([&] { parse_json("nan", "f", nan); }), "json.syntax");
  EXPECT_EQ(error_id([&] { parse_json("-NaN", "f", nan); }), "json.syntax");
}

TEST(JsonParse, Limits) {
  EXPECT_EQ(error_id([] { parse_json("[1,2]", "f", {.max_bytes = 4}); }), "json.too_large");
  EXPECT_EQ(error_id([] { parse_json("[1,2]", "f", {.max_bytes = 5}); }), "");
  EXPECT_EQ(error_id([] { parse_json("[[1]]", "f", {.max_depth = 1}); }), "json.depth");
  testing::TempFolder t;
  testing::put(t / "a.json", "[1,2]");
  EXPECT_EQ(error_id([&] { read_json(t / "a.json", {.max_bytes = 4}); }), "json.too_large");
  EXPECT_EQ(read_json(t / "a.json"), Json({1, 2}));
  EXPECT_EQ(error_id([&] { read_json(t / "b.json"); }), "file.missing");
  EXPECT_EQ(error_of([&] { parse_json("[1,]", "dir/x.json"); }).info().where, "dir/x.json:1:4");
}

TEST(JsonParse, IsLinearInTheNumberOfKeys) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"token" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text.back() = '}';
  const std::clock_t begin = std::clock();  // processor time: other programs do not count
  const Json doc = parse_json(text, "f");
  EXPECT_EQ(doc.size(), 200'000u);
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 3.0);  // quadratic code needs minutes
}

}  // namespace
}  // namespace attune
