#include "config/write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "config/reader.h"
#include "sample_config.h"

namespace attune {
namespace {

using testing::HasSubstr;

Outer reread(const std::string& yaml) {
  Outer c;
  FieldList list = fields_of(c);
  ConfigReader reader(list);
  reader.read_node(parse_yaml(yaml, "dump"), "dump");
  reader.finish();
  return c;
}

TEST(Write, ADumpReadsBackAsTheSameValues) {
  Outer c;
  c.inner.layers = {0, -1};
  c.inner.rate = 5e-5;
  c.word = "pear";
  c.texts = {"no", "1",    "a, b", "tab\there", "quote\"", "",   "caf\xc3\xa9", "~",  "- x", "line\nbreak", "null",
             "#c", "a: b", "0x1",  "y",         "{",       "*a", "&a",          "!t", "%",   "@",           "`"};
  c.repeated = {"x"};
  c.maybe = false;
  c.share = 1.0 / 3;
  c.numbers = {{"a b", 0.1}, {"no", 2}};
  c.counts = {{"layer.*\\.q", 4}};
  c.modules.pattern = ".*\\.(q|v)$";
  c.weights = {"", {{"neg", 0.5}}};
  c.free = Json::parse(R"({"p":0.1,"n":1,"f":2.0,"t":"0.5","b":false,"z":null,"l":["true",{"a":1e-12}]})");
  c.colour = Colour::kDarkBlue;
  c.name = "yes";
  std::string text = dump_yaml(fields_of(c));
  Outer back = reread(text);
  EXPECT_EQ(back.texts, c.texts);
  EXPECT_EQ(back.free, c.free);
  EXPECT_EQ(back.free["f"].type(), c.free["f"].type());
  EXPECT_EQ(back.name, "yes");
  EXPECT_EQ(back.modules, c.modules);
  EXPECT_EQ(back.weights, c.weights);
  EXPECT_EQ(back.numbers, c.numbers);
  EXPECT_EQ(back.share, c.share);
  EXPECT_EQ(dump_yaml(fields_of(back)), text);
}

TEST(Write, DefaultsReadBack) {
  Outer c;
  EXPECT_EQ(dump_yaml(fields_of(c)), [] {
    Outer defaults;
    Outer back = reread(dump_yaml(fields_of(defaults)));
    return dump_yaml(fields_of(back));
  }());
}

TEST(Write, SchemaKnowsKindsAndLimits) {
  Outer c;
  Json s = json_schema(fields_of(c));
  EXPECT_EQ(s["properties"]["inner"]["properties"]["size"]["type"], "integer");
  EXPECT_EQ(s["properties"]["inner"]["properties"]["size"]["maximum"], 10);
  EXPECT_EQ(s["properties"]["inner"]["properties"]["rate"]["exclusiveMinimum"], 0);
  EXPECT_EQ(s["properties"]["colour"]["enum"][1], "dark_blue");
  EXPECT_EQ(s["properties"]["share"]["anyOf"][1]["type"], "null");
  EXPECT_FALSE(s["additionalProperties"].get<bool>());
}

TEST(Write, HelpNamesEveryOptionAndItsDefault) {
  Outer c;
  std::string h = flags_help(fields_of(c));
  EXPECT_THAT(h, HasSubstr("--[no-]flag"));
  EXPECT_THAT(h, HasSubstr("--size N"));
  EXPECT_THAT(h, HasSubstr("[3]"));
  EXPECT_THAT(h, HasSubstr("also --inner-size, --sz"));
  EXPECT_THAT(h, HasSubstr("{red,dark_blue}"));
}

}  // namespace
}  // namespace attune
