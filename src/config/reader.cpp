#include "config/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/suggest.h"
#include "config/assign.h"
#include "config/scalar.h"

namespace attune {
namespace {

std::string underscored(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

std::string at(const std::string& where, int line) { return line > 0 ? fmt::format("{}:{}", where, line) : where; }

bool is_switch(const Field& f) { return std::holds_alternative<bool*>(f.target) || std::holds_alternative<std::optional<bool>*>(f.target); }

bool is_map(const Field& f) {
  return std::holds_alternative<nlohmann::ordered_json*>(f.target) || std::holds_alternative<std::map<std::string, double>*>(f.target) ||
         std::holds_alternative<std::map<std::string, int64_t>*>(f.target) || std::holds_alternative<WordOrNumbers*>(f.target);
}

bool has_spelling(const Field& f, const std::string& name) {
  auto all = spellings(f);
  return std::any_of(all.begin(), all.end(), [&](const auto& s) { return underscored(s) == name; });
}

}  // namespace

ConfigReader::ConfigReader(const FieldList& list) : list_(list) {}

void ConfigReader::problem(const std::string& id, const std::string& text) {
  if (problems_.empty()) first_id_ = id;
  problems_.add(text);
}

void ConfigReader::finish() const {
  if (problems_.empty()) return;
  std::string list = problems_.list();
  if (problems_.count() == 1) fail(ErrorCode::kUsage, {.id = first_id_, .what = list.substr(list.find("- ") + 2)});
  fail(ErrorCode::kUsage, {.id = first_id_, .what = fmt::format("{} problems in the configuration{}", problems_.count(), list)});
}

std::vector<const Field*> ConfigReader::find(const std::string& name) const {
  std::vector<const Field*> found;
  for (const auto& f : list_.all()) {
    if (f.path == name) return {&f};
    bool same = f.group.empty()
                    ? has_spelling(f, name)
                    : has_spelling(f, name) || (name.starts_with(f.group + ".") && has_spelling(f, name.substr(f.group.size() + 1)));
    if (same) found.push_back(&f);
  }
  // A top-level field wins over one of the same name inside a section.
  auto top = std::find_if(found.begin(), found.end(), [](const Field* f) { return f->group.empty(); });
  return top == found.end() ? found : std::vector<const Field*>{*top};
}

std::string ConfigReader::unknown(const std::string& name, const std::string& group) const {
  std::string bare = name.substr(name.find_last_of('.') + 1);
  std::vector<std::string> here, everywhere;
  for (const auto& f : list_.all()) {
    if (f.spec.hidden) continue;
    for (const auto& s : spellings(f)) {
      if (f.group == group) here.push_back(s);
      everywhere.push_back(s);
      if (f.group != group && underscored(s) == bare && !group.empty())
        return fmt::format("unknown key; it belongs {}", f.group.empty() ? "at the top" : "under " + f.group);
    }
  }
  if (group.empty())
    for (const auto& [path, help] : list_.groups()) here.push_back(path);
  std::string near = nearest(bare, here);
  if (near.empty()) near = nearest(bare, everywhere);
  if (!near.empty()) return fmt::format("unknown key; did you mean '{}'?", near);
  std::vector<std::string> names;
  for (const auto& f : list_.all())
    if (f.group == group && !f.spec.hidden) names.push_back(f.name);
  if (group.empty())
    for (const auto& [path, help] : list_.groups()) names.push_back(path);
  return fmt::format("unknown key; known: {}", fmt::join(names, ", "));
}

void ConfigReader::take(const Field& field, const ConfigNode& value, const std::string& where) {
  given_.insert(field.path);
  if (std::string wrong = assign(field, value); !wrong.empty())
    problem("config.value", (where.empty() ? "" : where + ": ") + field.path + ": " + wrong);
}

void ConfigReader::take_member(const Field& field, const ConfigNode& map) {
  auto merged = [&](auto* target) {
    auto before = *target;
    take(field, map, "");
    if constexpr (std::is_same_v<decltype(before), nlohmann::ordered_json>)
      before.update(*target);
    else if constexpr (std::is_same_v<decltype(before), WordOrNumbers>)
      for (const auto& [k, v] : target->numbers) before.numbers[k] = v;
    else if constexpr (requires { typename decltype(before)::mapped_type; })
      for (const auto& [k, v] : *target) before[k] = v;
    *target = std::move(before);
    if constexpr (std::is_same_v<decltype(before), WordOrNumbers>) target->word.clear();
  };
  std::visit(
      [&](const auto& target) {
        if constexpr (std::is_pointer_v<std::decay_t<decltype(target)>>) merged(target);
      },
      field.target);
}

void ConfigReader::read_yaml(const fs::path& file) {
  read_node(parse_yaml(read_file(file, uint64_t{1} << 20), file.string()), file.string());
}

void ConfigReader::read_node(const ConfigNode& top, const std::string& where) {
  if (top.kind == ConfigNode::Kind::kNull) return;
  if (top.kind != ConfigNode::Kind::kMap) {
    problem("config.type", fmt::format("{}: expected keys and values, got {}", where, describe(top)));
    return;
  }
  read_members(top, "", where);
}

void ConfigReader::read_members(const ConfigNode& node, const std::string& prefix, const std::string& where) {
  std::string group = prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1);
  std::set<std::string> taken;
  for (const auto& m : node.members) {
    std::string path = prefix + m.key, here = at(where, m.line);
    const auto& groups = list_.groups();
    bool section = std::any_of(groups.begin(), groups.end(), [&](const auto& g) { return g.first == path; });
    if (section) {
      auto own = m.value.kind == ConfigNode::Kind::kText ? find(underscored(path)) : std::vector<const Field*>();
      if (m.value.kind == ConfigNode::Kind::kMap)
        read_members(m.value, path + ".", where);
      else if (own.size() == 1)  // "quantization: nf4" in place of "quantization: {type: nf4}"
        take(*own[0], m.value, here);
      else if (m.value.kind != ConfigNode::Kind::kNull)
        problem("config.type", fmt::format("{}: {}: expected keys and values, got {}", here, path, describe(m.value)));
      continue;
    }
    auto found = find(underscored(path));
    if (found.size() != 1) {
      problem(found.empty() ? "config.unknown_key" : "config.ambiguous_key",
              fmt::format("{}: {}: {}", here, path,
                          found.empty() ? unknown(m.key, group) : fmt::format("could be {} or {}", found[0]->path, found[1]->path)));
      continue;
    }
    if (!taken.insert(found[0]->path).second) {
      problem("config.duplicate_key", fmt::format("{}: {} is given twice under different names", here, found[0]->path));
      continue;
    }
    take(*found[0], m.value, here);
  }
}

void ConfigReader::read_override(const std::string& text) {
  size_t split = text.find('=');
  std::string name = text.substr(0, split), key = underscored(name);
  if (split == std::string::npos) return problem("config.override", fmt::format("'{}' is not of the form key=value", text));
  auto found = find(key);
  ConfigNode value = parse_value(text.substr(split + 1), text);
  if (found.size() == 1) return take(*found[0], value, "");
  if (found.size() > 1) return problem("config.ambiguous_key", fmt::format("{}: could be {} or {}", name, found[0]->path, found[1]->path));
  // model_config.hidden_dropout_prob=0.2: one member of a map, the others stay.
  for (const auto& f : list_.all()) {
    if (!key.starts_with(f.path + ".") || !is_map(f)) continue;
    ConfigNode map;
    map.kind = ConfigNode::Kind::kMap;
    map.members.push_back({name.substr(f.path.size() + 1), 0, std::move(value)});
    return take_member(f, map);
  }
  size_t dot = name.find_last_of('.');
  std::string group = dot == std::string::npos ? "" : name.substr(0, dot);
  const auto& groups = list_.groups();
  if (std::none_of(groups.begin(), groups.end(), [&](const auto& g) { return g.first == group; })) group.clear();
  problem("config.unknown_key", name + ": " + unknown(name, group));
}

Arguments ConfigReader::parse(const std::vector<std::string>& args) {
  Arguments out;
  bool flags_end = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (flags_end || arg.size() < 2 || arg[0] != '-') {
      out.positionals.push_back(arg);
      continue;
    }
    if (arg == "--") {
      flags_end = true;
      continue;
    }
    size_t equals = arg.find('=');
    std::string spelled = arg.substr(0, equals);
    std::vector<const Field*> found;
    bool negated = false;
    if (arg.starts_with("--")) {
      std::string name = underscored(spelled.substr(2));
      found = find(name);
      if (found.empty() && name.starts_with("no_")) {
        found = find(name.substr(3));
        std::erase_if(found, [](const Field* f) { return !is_switch(*f); });
        negated = !found.empty();
      }
    } else {
      for (const auto& f : list_.all())
        if (std::find(f.spec.aliases.begin(), f.spec.aliases.end(), spelled) != f.spec.aliases.end()) found.push_back(&f);
    }
    if (found.size() != 1) {
      if (found.size() > 1) {
        problem("flag.ambiguous", fmt::format("{}: could be --{} or --{}", spelled, found[0]->path, found[1]->path));
      } else {
        std::vector<std::string> known;
        for (const auto& f : list_.all())
          for (auto s : spellings(f)) {
            std::replace(s.begin(), s.end(), '_', '-');
            known.push_back("--" + s);
          }
        std::string near = nearest(spelled, known);
        problem("flag.unknown", near.empty() ? fmt::format("unknown flag {}; --help lists them", spelled)
                                             : fmt::format("unknown flag {}; did you mean '{}'?", spelled, near));
      }
      // Its value, if it had one, is not a mistake of its own.
      if (equals == std::string::npos && i + 1 < args.size() && args[i + 1][0] != '-') ++i;
      continue;
    }
    Arguments::Flag flag{static_cast<size_t>(found[0] - list_.all().data()), spelled, ""};
    bool last = i + 1 == args.size();
    if (negated) {
      flag.value = "false";
      if (equals != std::string::npos) problem("flag.value", spelled + " takes no value");
    } else if (equals != std::string::npos) {
      flag.value = arg.substr(equals + 1);
    } else if (is_switch(*found[0])) {
      // Also `--fp16 True`, as Python programs take it.
      bool value = !last && (args[i + 1] == "True" || args[i + 1] == "False" || args[i + 1] == "true" || args[i + 1] == "false");
      flag.value = value ? args[++i] : "true";
    } else if (last || args[i + 1].starts_with("--")) {
      problem("flag.value", fmt::format("{} needs a value: {} {}", spelled, spelled, value_kind(*found[0])));
      continue;
    } else {
      flag.value = args[++i];
    }
    out.flags.push_back(std::move(flag));
  }
  return out;
}

void ConfigReader::read_flags(const Arguments& args) {
  // A list flag given twice adds up: --text a --text b. Commas stay commas in it then.
  std::map<size_t, std::vector<const Arguments::Flag*>> by_field;
  for (const auto& flag : args.flags) by_field[flag.field].push_back(&flag);
  for (const auto& [index, flags] : by_field) {
    const Field& field = list_.all()[index];
    ConfigNode value = parse_value(flags.back()->value, flags.back()->spelled);
    bool whole = field.spec.repeat && std::holds_alternative<std::vector<std::string>*>(field.target);
    if (whole) {
      value = {};
      value.kind = ConfigNode::Kind::kList;
      for (const auto* f : flags) {
        ConfigNode item;
        item.kind = ConfigNode::Kind::kText;
        item.text = f->value;
        value.items.push_back(std::move(item));
      }
    }
    given_.insert(field.path);
    if (std::string wrong = assign(field, value); !wrong.empty()) problem("flag.value", flags.back()->spelled + ": " + wrong);
  }
}

std::vector<std::string> ConfigReader::read_positionals(const Arguments& args, bool overrides) {
  std::vector<std::string> settings;
  int position = 0;
  const Field* list = nullptr;  // takes all that follow
  ConfigNode rest;
  rest.kind = ConfigNode::Kind::kList;
  for (const auto& text : args.positionals) {
    if (overrides && text.find('=') != std::string::npos && !file_exists(text)) {
      settings.push_back(text);
      continue;
    }
    ++position;
    const Field* target = nullptr;
    for (const auto& f : list_.all())
      if (f.spec.position == position) target = &f;
    if (!target) target = list;
    if (!target) {
      problem("argument.unexpected", fmt::format("unexpected argument '{}'", text));
      continue;
    }
    ConfigNode value;
    value.kind = ConfigNode::Kind::kText;
    value.text = text;
    if (target->spec.repeat) {
      list = target;
      rest.items.push_back(std::move(value));
    } else {
      take(*target, value, "");
    }
  }
  if (list) take(*list, rest, "");
  return settings;
}

}  // namespace attune
