#include "train/resume.h"

#include <map>

#include "base/error.h"

namespace attune {
namespace {

void flatten(const Json& value, const std::string& path, std::map<std::string, std::string>& out) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) flatten(inner, path.empty() ? key : path + "." + key, out);
    return;
  }
  std::string text = value.is_string() ? value.get<std::string>() : dump_json(value, {.indent = -1, .nan_as_null = true});
  if (text.size() == 64) text = text.substr(0, 12) + "...";  // a hash
  out[path] = text;
}

}  // namespace

void require_same_run(const Json& saved, const Json& current, const std::set<std::string>& allowed, const std::string& where) {
  std::map<std::string, std::string> before, now;
  flatten(saved, "", before);
  flatten(current, "", now);
  Problems problems;
  for (const auto& [key, value] : before) {
    const auto it = now.find(key);
    const std::string other = it == now.end() ? "absent" : it->second;
    if (other != value && !allowed.contains(key)) problems.add(key + ": was " + value + ", now " + other);
  }
  for (const auto& [key, value] : now)
    if (!before.contains(key) && !allowed.contains(key)) problems.add(key + ": was absent, now " + value);
  if (problems.empty()) return;
  fail(ErrorCode::kState, {.id = "resume.mismatch",
                           .where = where,
                           .what = "the checkpoint was made with something else, so going on would be another run:" + problems.list(),
                           .hint = "put back what was changed, or start again with --overwrite"});
}

}  // namespace attune
