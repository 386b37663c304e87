// A struct with one field of every kind, for the tests of the mechanism.
#pragma once

#include "base/json.h"
#include "config/field.h"

namespace attune {

enum class Colour { kRed, kDarkBlue };

struct Inner {
  int64_t size = 3;
  double rate = 0.5;
  std::vector<int64_t> layers;
  std::optional<int64_t> limit;
  void fields(FieldList& f) {
    f.add("size", size, {.help = "whole number", .aliases = {"inner_size", "sz"}, .least = 1, .most = 10});
    f.add("rate", rate, {.help = "number above 0", .least = 0, .above = true});
    f.add("layers", layers, {.help = "whole numbers"});
    f.add("limit", limit, {.help = "may be null", .least = 0});
  }
};

struct Outer {
  std::string name = "x";
  bool flag = true;
  Inner inner;
  double rate = 1;  // also inside: the top wins for the bare name
  std::string word;
  std::vector<std::string> texts;
  std::vector<std::string> repeated;
  std::optional<bool> maybe;
  std::optional<double> share;
  std::map<std::string, double> numbers;
  std::map<std::string, int64_t> counts;
  NameSelection modules;
  WordOrNumbers weights{"none", {}};
  Json free = Json::object();
  Colour colour = Colour::kRed;

  void fields(FieldList& f) {
    f.add("name", name, {.help = "text", .aliases = {"title", "-n"}, .position = 1});
    f.add("flag", flag, {.help = "switch"});
    f.group("inner", inner, "Inner");
    f.add("rate", rate, {.help = "number"});
    f.add("word", word, {.help = "one of two", .choices = {"", "apple", "pear"}});
    f.add("texts", texts, {.help = "list"});
    f.add("repeated", repeated, {.help = "list", .repeat = true});
    f.add("maybe", maybe, {.help = "switch or null"});
    f.add("share", share, {.help = "number or null", .least = 0, .most = 1});
    f.add("numbers", numbers, {.help = "map"});
    f.add("counts", counts, {.help = "map", .least = 1});
    f.add("modules", modules, {.help = "names or pattern"});
    f.add("weights", weights, {.help = "word or map", .choices = {"none", "balanced"}});
    f.add("free", free, {.help = "anything"});
    f.add_enum("colour", colour, {{"red", Colour::kRed}, {"dark_blue", Colour::kDarkBlue}}, {.help = "enumeration"});
  }
};

}  // namespace attune
