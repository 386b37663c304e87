#include "config/node.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "config/scalar.h"

namespace attune {
namespace {

std::string id_of(const std::string& yaml) {
  try {
    parse_yaml(yaml, "f.yaml");
    return "";
  } catch (const Error& e) {
    return e.info().id;
  }
}

TEST(Node, HostileDocumentsEndInAnError) {
  EXPECT_EQ(id_of("a: 1\na: 2"), "config.duplicate_key");
  EXPECT_EQ(id_of("a: [1"), "config.syntax");
  EXPECT_EQ(id_of("a: b: c"), "config.syntax");
  EXPECT_EQ(id_of("---\na: 1\n---\nb: 2"), "config.syntax");
  EXPECT_EQ(id_of("? [x]\n: 1"), "config.syntax");
  EXPECT_EQ(id_of("a: \xff"), "config.utf8");
  EXPECT_EQ(id_of(std::string(3 << 20, ' ')), "config.too_large");
  EXPECT_EQ(id_of(std::string(100, '[') + std::string(100, ']')), "config.depth");
  EXPECT_NE(id_of(std::string(200'000, '[')), "");
  EXPECT_NE(id_of(std::string(200'000, '{')), "");
  EXPECT_EQ(id_of("# x\n,a: 1"), "config.syntax");  // yaml-cpp 0.7's LoadAll does not end here
  EXPECT_EQ(id_of("a: 1\n]\nb: 2"), "config.syntax");
  EXPECT_EQ(id_of("a: &x [*x]"), "config.depth");
}

TEST(Node, AliasesThatMultiplyAreRefused) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 8; ++i) {
    std::string all;
    for (int j = 0; j < 10; ++j) all += (j ? ",*a" : "*a") + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + all + "]\n";
  }
  EXPECT_EQ(id_of(bomb), "config.depth");
}

TEST(Node, KeepsLinesAndQuotes) {
  ConfigNode n = parse_yaml("a: 1\nb:\n  c: \"2\"\n", "f.yaml");
  EXPECT_EQ(n.members[1].line, 2);
  EXPECT_EQ(n.members[1].value.members[0].line, 3);
  EXPECT_TRUE(n.members[1].value.members[0].value.quoted);
  EXPECT_EQ(to_json(n), Json::parse(R"({"a":1,"b":{"c":"2"}})"));
}

TEST(Scalar, Numbers) {
  EXPECT_EQ(parse_integer("1e3"), 1000);
  EXPECT_EQ(parse_integer("+7"), 7);
  EXPECT_FALSE(parse_integer("7.5"));
  EXPECT_FALSE(parse_integer("7 "));
  EXPECT_FALSE(parse_integer(""));
  EXPECT_EQ(parse_number("5e-4"), 5e-4);
  EXPECT_FALSE(parse_number("inf"));
  EXPECT_FALSE(parse_number("1_000"));
  EXPECT_EQ(number_text(5e-5), "5.0e-05");
  EXPECT_EQ(number_text(16), "16");
}

}  // namespace
}  // namespace attune
