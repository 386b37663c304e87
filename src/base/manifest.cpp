#include "base/manifest.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace attune {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{16} << 20;

struct Manifest {
  int64_t step = -1;
  struct Entry {
    std::string name, sha256;
    uint64_t size = 0;
  };
  std::vector<Entry> files;
};

/// Throws Error for anything that is not a manifest we understand.
Manifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / kManifestName;
  const std::string where = path.string();
  const Json doc = read_json(path, {.max_bytes = kMaxBytes});
  const auto bad = [&](std::string what) {
    fail(ErrorCode::kInput, {.id = "manifest.content", .where = where, .what = std::move(what), .expected = "", .got = "", .hint = ""});
  };
  if (!doc.is_object()) bad("is not an object");
  const int64_t version = get_int(doc, "format_version", 0, where, 0);
  if (version == 0) bad("has no 'format_version'");
  if (version > kManifestVersion) {
    fail(ErrorCode::kInput, {.id = "manifest.newer",
                             .where = where,
                             .what = fmt::format("was written in format {} by attune {}", version,
                                                 get_string(doc, "tool_version", "(unknown version)", where)),
                             .expected = fmt::format("format {} or older", kManifestVersion),
                             .got = "",
                             .hint = "use that version of attune or a newer one"});
  }
  Manifest m;
  m.step = get_int(doc, "step", -1, where, -1);
  const auto files = doc.find("files");
  if (files == doc.end() || !files->is_array()) bad("has no list 'files'");
  std::set<std::string> seen;
  for (const Json& f : *files) {
    if (!f.is_object()) bad("'files' holds something that is no object");
    Manifest::Entry e;
    e.name = get_string(f, "name", "", where);
    if (!is_safe_relative_path(e.name)) require_safe_name(e.name, where);
    if (!is_safe_relative_path(e.name)) bad("'files' holds a path that is not safe");
    if (!seen.insert(e.name).second) bad(fmt::format("lists '{}' twice", e.name));
    e.size = static_cast<uint64_t>(get_int(f, "size", -1, where, 0));
    e.sha256 = get_string(f, "sha256", "", where);
    if (!f.contains("size") || f.find("size")->is_null()) bad(fmt::format("gives no size of '{}'", e.name));
    if (e.sha256.size() != 64 || e.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
      bad(fmt::format("gives no SHA-256 of '{}'", e.name));
    }
    m.files.push_back(std::move(e));
  }
  return m;
}

}  // namespace

ManifestCheck check_manifest(const fs::path& folder, bool hashes) {
  ManifestCheck check;
  struct stat s;
  if (::lstat((folder / kManifestName).c_str(), &s) != 0) return check;
  check.present = true;
  Manifest m;
  try {
    m = read_manifest(folder);
  } catch (const Error& e) {
    if (e.info().id == "manifest.newer") throw;
    check.problems.push_back(fmt::format("{}: {}{}", kManifestName, e.info().what, e.info().got.empty() ? "" : " (" + e.info().got + ")"));
    return check;
  }
  check.step = m.step;
  for (const Manifest::Entry& e : m.files) {
    const fs::path path = folder / e.name;
    if (::lstat(path.c_str(), &s) != 0) {
      check.problems.push_back(e.name + ": missing");
    } else if (!S_ISREG(s.st_mode)) {
      check.problems.push_back(e.name + ": is not a regular file");
    } else if (static_cast<uint64_t>(s.st_size) != e.size) {
      check.problems.push_back(
          fmt::format("{}: expected {} bytes, got {}", e.name, grouped(e.size), grouped(static_cast<uint64_t>(s.st_size))));
    } else if (hashes) {
      try {
        if (sha256_file(path) != e.sha256) check.problems.push_back(e.name + ": the content differs from what was written (SHA-256)");
      } catch (const Error& error) {
        check.problems.push_back(fmt::format("{}: {}", e.name, error.info().what));
      }
    }
  }
  return check;
}

bool manifest_vouches(const fs::path& folder, const std::string& name) {
  struct stat s;
  if (::lstat((folder / name).c_str(), &s) != 0 || !S_ISREG(s.st_mode)) return false;
  try {
    const Manifest m = read_manifest(folder);
    return std::any_of(m.files.begin(), m.files.end(),
                       [&](const auto& e) { return e.name == name && e.size == static_cast<uint64_t>(s.st_size); });
  } catch (const Error&) {  // none, or none we understand
    return false;
  }
}

std::vector<std::string> foreign_files(const fs::path& folder, size_t most) {
  std::set<std::string> known;
  try {
    for (const auto& e : read_manifest(folder).files) known.insert(e.name);
    known.insert(kManifestName);
  } catch (const Error&) {  // no manifest or none we understand: nothing here is known to be ours
  }
  std::vector<std::string> foreign;
  std::error_code e;
  for (fs::recursive_directory_iterator it(folder, e), end; !e && it != end && foreign.size() < most; it.increment(e)) {
    const std::string name = it->path().lexically_relative(folder).generic_string();
    std::error_code type;
    if (it->is_directory(type) && !it->is_symlink(type)) continue;
    if (!known.count(name)) foreign.push_back(name);
  }
  if (e) foreign.push_back("(unreadable: " + e.message() + ")");
  std::sort(foreign.begin(), foreign.end());
  return foreign;
}

}  // namespace attune
