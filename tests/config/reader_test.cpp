#include "config/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "sample_config.h"

namespace attune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Given {
  std::string yaml = {};
  std::vector<std::string> overrides = {}, flags = {};
};

Outer read(const Given& g, std::set<std::string>* paths = nullptr) {
  Outer c;
  FieldList list = fields_of(c);
  ConfigReader reader(list);
  Arguments args = reader.parse(g.flags);
  if (!g.yaml.empty()) reader.read_node(parse_yaml(g.yaml, "c.yaml"), "c.yaml");
  for (const auto& o : g.overrides) reader.read_override(o);
  for (const auto& o : reader.read_positionals(args, true)) reader.read_override(o);
  reader.read_flags(args);
  reader.finish();
  if (paths) *paths = reader.given();
  return c;
}

/// The message and id of the error, "" when there is none.
std::pair<std::string, std::string> error(const Given& g) {
  try {
    read(g);
    return {};
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
    return {e.info().id, e.what()};
  }
}

TEST(Reader, TakesEveryKindFromYaml) {
  Outer c = read({.yaml = R"(
name: hello
flag: no
inner: {size: 7, rate: 5e-4, layers: [0, 2], limit: null}
rate: 2
word: pear
texts: [a, "b,c"]
maybe: true
share: 0.25
numbers: {a: 1, b: 2.5}
counts: {q.*: 4}
modules: [query, value]
weights: {neg: 1, pos: 3}
free: {hidden_dropout_prob: 0.2, layers: 3, name: "7", on: true, nested: {a: [1, null]}}
colour: dark_blue
)"});
  EXPECT_EQ(c.name, "hello");
  EXPECT_FALSE(c.flag);
  EXPECT_EQ(c.inner.size, 7);
  EXPECT_EQ(c.inner.rate, 5e-4);
  EXPECT_THAT(c.inner.layers, ElementsAre(0, 2));
  EXPECT_FALSE(c.inner.limit);
  EXPECT_EQ(c.rate, 2);
  EXPECT_EQ(c.word, "pear");
  EXPECT_THAT(c.texts, ElementsAre("a", "b,c"));
  EXPECT_EQ(c.maybe, true);
  EXPECT_EQ(c.share, 0.25);
  EXPECT_EQ(c.numbers.at("b"), 2.5);
  EXPECT_EQ(c.counts.at("q.*"), 4);
  EXPECT_THAT(c.modules.names, ElementsAre("query", "value"));
  EXPECT_EQ(c.weights.numbers.at("pos"), 3);
  EXPECT_EQ(c.free, Json::parse(R"({"hidden_dropout_prob":0.2,"layers":3,"name":"7","on":true,"nested":{"a":[1,null]}})"));
  EXPECT_EQ(c.colour, Colour::kDarkBlue);
}

TEST(Reader, LaterSourcesWin) {
  Given g{.yaml = "inner: {size: 2}\nname: file", .overrides = {"inner.size=4", "name=override"}, .flags = {"--inner.size", "5"}};
  std::set<std::string> paths;
  Outer c = read(g, &paths);
  EXPECT_EQ(c.inner.size, 5);
  EXPECT_EQ(c.name, "override");
  EXPECT_THAT(paths, ElementsAre("inner.size", "name"));
}

TEST(Reader, BareUniqueNamesAndAliasesWorkEverywhere) {
  EXPECT_EQ(read({.yaml = "size: 9"}).inner.size, 9);
  EXPECT_EQ(read({.yaml = "inner: {sz: 8}"}).inner.size, 8);
  EXPECT_EQ(read({.overrides = {"sz=8"}}).inner.size, 8);
  EXPECT_EQ(read({.overrides = {"inner.sz=8"}}).inner.size, 8);
  EXPECT_EQ(read({.flags = {"--inner-size=6"}}).inner.size, 6);
  EXPECT_EQ(read({.flags = {"--inner_size", "6"}}).inner.size, 6);
  EXPECT_EQ(read({.flags = {"-n", "short"}}).name, "short");
  EXPECT_EQ(read({.flags = {"positional"}}).name, "positional");
  EXPECT_EQ(read({.overrides = {"free.x=0.5"}}).free, Json::parse(R"({"x":0.5})"));
}

TEST(Reader, ABareNameMeansTheTopWhereBothHaveIt) {
  Outer c = read({.flags = {"--rate", "7"}});
  EXPECT_EQ(c.rate, 7);
  EXPECT_EQ(c.inner.rate, 0.5);
}

TEST(Reader, SwitchesNegateAndTakePythonWords) {
  EXPECT_FALSE(read({.flags = {"--no-flag"}}).flag);
  EXPECT_FALSE(read({.flags = {"--flag", "False"}}).flag);
  EXPECT_TRUE(read({.yaml = "flag: false", .flags = {"--flag"}}).flag);
  EXPECT_EQ(read({.flags = {"--no-maybe"}}).maybe, false);
  EXPECT_EQ(error({.flags = {"--no-flag=1"}}).first, "flag.value");
  EXPECT_EQ(error({.flags = {"--no-name"}}).first, "flag.unknown");
}

TEST(Reader, ListsOnTheCommandLine) {
  EXPECT_THAT(read({.flags = {"--texts", "a, b"}}).texts, ElementsAre("a", "b"));
  EXPECT_THAT(read({.flags = {"--texts", "[a, 'b,c']"}}).texts, ElementsAre("a", "b,c"));
  EXPECT_THAT(read({.flags = {"--repeated", "a,b", "--repeated", "[c]"}}).repeated, ElementsAre("a,b", "[c]"));
  EXPECT_THAT(read({.flags = {"--layers", "0,-1"}}).inner.layers, ElementsAre(0, -1));
  EXPECT_EQ(read({.yaml = "counts: {a: 1}", .overrides = {"counts.layer.1.q=5"}}).counts,
            (std::map<std::string, int64_t>{{"a", 1}, {"layer.1.q", 5}}));
  EXPECT_EQ(read({.overrides = {"weights.pos=2"}}).weights, (WordOrNumbers{"", {{"pos", 2}}}));
  EXPECT_EQ(error({.overrides = {"counts.x=0"}}).first, "config.value");
  EXPECT_EQ(read({.overrides = {"counts=a=1,b=2"}}).counts.at("b"), 2);
}

TEST(Reader, OnePlainWordIsANameAndEverythingElseAPattern) {
  EXPECT_THAT(read({.flags = {"--modules", "q_lin"}}).modules.names, ElementsAre("q_lin"));
  EXPECT_THAT(read({.flags = {"--modules", "q_lin,v_lin"}}).modules.names, ElementsAre("q_lin", "v_lin"));
  EXPECT_EQ(read({.flags = {"--modules", "all-linear"}}).modules.pattern, "all-linear");
  EXPECT_EQ(read({.flags = {"--modules", ".*\\.(q|v)_lin"}}).modules.pattern, ".*\\.(q|v)_lin");
  EXPECT_EQ(read({.yaml = "modules: .*(q|v){1,2}_lin"}).modules.pattern, ".*(q|v){1,2}_lin");
}

TEST(Reader, AllProblemsAreReportedAtOnce) {
  auto [id, text] =
      error({.yaml = "inner:\n  size: eleven\n  rate: 0\nnmae: x\nword: apply", .overrides = {"cuonts=1"}, .flags = {"--colour", "green"}});
  EXPECT_EQ(id, "config.value");
  EXPECT_THAT(text, HasSubstr("6 problems"));
  EXPECT_THAT(text, HasSubstr("c.yaml:2: inner.size: expected a whole number of at least 1 and at most 10, got 'eleven'"));
  EXPECT_THAT(text, HasSubstr("c.yaml:3: inner.rate: expected a number above 0, got '0'"));
  EXPECT_THAT(text, HasSubstr("c.yaml:4: nmae: unknown key; did you mean 'name'?"));
  EXPECT_THAT(text, HasSubstr("did you mean 'apple'?"));
}

TEST(Reader, UnknownNamesGetTheNearest) {
  EXPECT_THAT(error({.yaml = "inner: {siez: 1}"}).second, HasSubstr("did you mean 'size'?"));
  EXPECT_THAT(error({.yaml = "inner: {colour: red}"}).second, HasSubstr("it belongs at the top"));
  EXPECT_THAT(error({.yaml = "colour: {size: 1}"}).second, HasSubstr("expected one of red, dark_blue, got a map"));
  EXPECT_THAT(error({.flags = {"--colur", "red"}}).second, HasSubstr("did you mean '--colour'?"));
  EXPECT_THAT(error({.overrides = {"inner.sise=2"}}).second, HasSubstr("did you mean 'size'?"));
  EXPECT_EQ(error({.flags = {"--colur=red"}}).first, "flag.unknown");
  EXPECT_EQ(error({.flags = {"a", "b"}}).first, "argument.unexpected");
}

TEST(Reader, WrongShapesAreErrors) {
  EXPECT_EQ(error({.yaml = "inner: 3"}).first, "config.type");
  EXPECT_EQ(error({.yaml = "[1, 2]"}).first, "config.type");
  EXPECT_EQ(error({.yaml = "name: [a]"}).first, "config.value");
  EXPECT_EQ(error({.yaml = "flag: 2"}).first, "config.value");
  EXPECT_EQ(error({.yaml = "inner: {rate: .nan}"}).first, "config.value");
  EXPECT_EQ(error({.yaml = "share: 1.5"}).first, "config.value");
  EXPECT_EQ(error({.yaml = "inner: {size: 2.5}"}).first, "config.value");
  EXPECT_EQ(error({.yaml = "inner: {size: 99999999999999999999}"}).first, "config.value");
  EXPECT_EQ(error({.yaml = "inner: {sz: 1, size: 2}"}).first, "config.duplicate_key");
  EXPECT_EQ(error({.flags = {"--name"}}).first, "flag.value");
  EXPECT_EQ(error({.flags = {"--name", "--flag"}}).first, "flag.value");
}

TEST(Reader, ARefusedValueChangesNothing) {
  Outer c;
  FieldList list = fields_of(c);
  ConfigReader reader(list);
  reader.read_override("inner.size=99");
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(c.inner.size, 3);
}

}  // namespace
}  // namespace attune
