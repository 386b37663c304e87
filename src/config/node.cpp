#include "config/node.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <set>
#include <sstream>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "config/scalar.h"

namespace attune {
namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 32;
constexpr size_t kMaxNodes = 100'000;

class Builder {
 public:
  explicit Builder(const std::string& where) : where_(where) {}

  ConfigNode build(const YAML::Node& node, int depth) {
    ConfigNode out;
    out.line = node.Mark().line + 1;
    // An alias can point at its own parent, or multiply: both end here.
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes)
      fail(ErrorCode::kUsage,
           {.id = "config.depth", .where = at(out.line), .what = "nested too deeply or too large once its aliases are expanded"});
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        out.kind = ConfigNode::Kind::kText;
        out.text = node.Scalar();
        out.quoted = node.Tag() == "!";
        break;
      case YAML::NodeType::Sequence:
        out.kind = ConfigNode::Kind::kList;
        for (const auto& item : node) out.items.push_back(build(item, depth + 1));
        break;
      case YAML::NodeType::Map: {
        out.kind = ConfigNode::Kind::kMap;
        std::set<std::string> seen;
        for (const auto& member : node) {
          int line = member.first.Mark().line + 1;
          if (!member.first.IsScalar())
            fail(ErrorCode::kUsage, {.id = "config.syntax", .where = at(line), .what = "a key must be a plain word"});
          std::string key = member.first.Scalar();
          if (!seen.insert(key).second)
            fail(ErrorCode::kUsage, {.id = "config.duplicate_key", .where = at(line), .what = fmt::format("'{}' is given twice", key)});
          out.members.push_back({std::move(key), line, build(member.second, depth + 1)});
        }
        break;
      }
    }
    return out;
  }

 private:
  std::string at(int line) const { return line > 0 ? fmt::format("{}:{}", where_, line) : where_; }
  const std::string& where_;
  size_t nodes_ = 0;
};

class Ignore : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

}  // namespace

ConfigNode parse_yaml(std::string_view text, const std::string& where) {
  if (text.size() > kMaxBytes)
    fail(ErrorCode::kUsage, {.id = "config.too_large",
                             .where = where,
                             .what = "too large for a configuration",
                             .expected = "at most 1 MiB",
                             .got = grouped(text.size()) + " bytes"});
  if (size_t bad = first_invalid_utf8(text); bad != std::string_view::npos)
    fail(ErrorCode::kUsage, {.id = "config.utf8", .where = where, .what = fmt::format("byte {} is not UTF-8", bad)});
  try {
    const std::string copy(text);
    std::istringstream stream(copy);
    YAML::Parser parser(stream);
    Ignore ignore;
    // Not LoadAll: it never ends where the parser stops before a stray "," and takes each look at it for a document.
    if (!parser.HandleNextDocument(ignore)) return {};
    if (parser.HandleNextDocument(ignore))
      fail(ErrorCode::kUsage, {.id = "config.syntax", .where = where, .what = "holds more than one YAML document, or a stray sign"});
    return Builder(where).build(YAML::Load(copy), 0);
  } catch (const YAML::Exception& e) {
    std::string at = e.mark.is_null() ? where : fmt::format("{}:{}", where, e.mark.line + 1);
    fail(ErrorCode::kUsage, {.id = "config.syntax", .where = at, .what = "not readable as YAML: " + e.msg});
  }
}

ConfigNode parse_value(const std::string& text, const std::string& where) {
  if (!text.empty() && (text[0] == '[' || text[0] == '{')) {
    ConfigNode node = parse_yaml(text, where);
    node.line = 0;
    return node;
  }
  ConfigNode node;
  node.kind = ConfigNode::Kind::kText;
  node.text = text;
  return node;
}

nlohmann::ordered_json to_json(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::kNull:
      return nullptr;
    case ConfigNode::Kind::kList: {
      Json list = Json::array();
      for (const auto& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case ConfigNode::Kind::kMap: {
      Json object = Json::object();
      for (const auto& m : node.members) object[m.key] = to_json(m.value);
      return object;
    }
    case ConfigNode::Kind::kText:
      break;
  }
  if (node.quoted) return node.text;
  if (node.text == "null" || node.text == "~") return nullptr;
  if (node.text == "true" || node.text == "True") return true;
  if (node.text == "false" || node.text == "False") return false;
  if (node.text.find_first_of(".eE") == std::string::npos)
    if (auto i = parse_integer(node.text)) return *i;
  if (auto d = parse_number(node.text)) return *d;
  return node.text;
}

std::string describe(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::kNull:
      return "nothing";
    case ConfigNode::Kind::kList:
      return "a list";
    case ConfigNode::Kind::kMap:
      return "a map";
    case ConfigNode::Kind::kText:
      break;
  }
  return "'" + (node.text.size() > 80 ? node.text.substr(0, 80) + "..." : node.text) + "'";
}

}  // namespace attune
