// From what the user typed to a folder: an existing folder, else the local Hugging Face cache (docs/formats.md, 12.2-12.5). Names and
// the content of refs are checked before they become paths; links end inside the repository or are refused.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/suggest.h"
#include "io/gguf.h"
#include "io/model_folder.h"

namespace attune {
namespace {

std::string environment(const char* name) {
  const char* v = std::getenv(name);
  return v ? v : "";
}

fs::path home() {
  if (const std::string h = environment("HOME"); !h.empty()) return h;
  const passwd* p = ::getpwuid(::getuid());
  return p && p->pw_dir ? p->pw_dir : "/";
}

fs::path expand(const std::string& path) {
  if (path == "~") return home();
  return path.starts_with("~/") ? home() / path.substr(2) : fs::path(path);
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

/// The repository folder when `folder` (canonical) is .../models--x/snapshots/<commit>, else `folder` itself.
fs::path boundary(const fs::path& folder) {
  const fs::path snapshots = folder.parent_path(), repo = snapshots.parent_path();
  return snapshots.filename() == "snapshots" && repo.filename().string().starts_with("models--") ? repo : folder;
}

ModelKind kind_of(const fs::path& folder) {
  if (file_exists(folder / "trainer_state.json")) return ModelKind::kRun;
  if (file_exists(folder / "adapter_config.json")) return ModelKind::kAdapter;
  if (file_exists(folder / "config.json")) return ModelKind::kModel;
  std::string checkpoint;
  int64_t step = -1;
  for (const std::string& name : list_folder(folder)) {
    if (!name.starts_with("checkpoint-") || name.size() > 29 || name.find_first_not_of("0123456789", 11) != std::string::npos ||
        name.size() == 11)
      continue;
    if (const int64_t n = std::stoll(name.substr(11)); n > step) {
      step = n;
      checkpoint = name;
    }
  }
  fail(ErrorCode::kInput, {.id = "model.no_model",
                           .where = folder.string(),
                           .what = "is a folder, but holds no model",
                           .expected = "config.json, adapter_config.json or trainer_state.json in it",
                           .got = "",
                           .hint = checkpoint.empty() ? "" : fmt::format("perhaps you mean {}", (folder / checkpoint).string())});
}

bool is_commit(const std::string& s) { return s.size() == 40 && s.find_first_not_of("0123456789abcdef") == std::string::npos; }

std::string repo_folder_name(const std::string& id) {
  std::string s = "models--";
  for (const char c : id) s += c == '/' ? std::string("--") : std::string(1, c);
  return s;
}

std::vector<std::string> cached_models(const fs::path& cache) {
  std::vector<std::string> ids;
  if (!folder_exists(cache)) return ids;
  for (const std::string& name : list_folder(cache)) {
    if (!name.starts_with("models--")) continue;
    std::string id = name.substr(8);
    if (const size_t dashes = id.find("--"); dashes != std::string::npos) id.replace(dashes, 2, "/");
    ids.push_back(id);
  }
  return ids;
}

[[noreturn]] void not_found(const std::string& name, std::string what, std::string hint) {
  fail(ErrorCode::kInput,
       {.id = "model.not_found", .where = name, .what = std::move(what), .expected = "", .got = "", .hint = std::move(hint)});
}

struct RepoName {
  std::string id, revision = "main";
};

/// Splits at the last '@'; refuses what cannot be a name on the Hub.
RepoName repo_name(const std::string& name) {
  RepoName r{name};
  if (const size_t at = name.rfind('@'); at != std::string::npos) r = {name.substr(0, at), name.substr(at + 1)};
  const bool path_like =
      name.starts_with("/") || name.starts_with(".") || name.starts_with("~") || std::count(r.id.begin(), r.id.end(), '/') > 1;
  if (path_like) not_found(name, "there is no such folder", "");
  if (!is_repo_id(r.id))
    not_found(name, "is no folder and cannot be the name of a model on the Hub", "a name looks like distilbert-base-uncased or org/name");
  if (!is_safe_relative_path(r.revision))
    not_found(name, "the revision behind '@' is not a safe name", "a revision is a branch, a tag or a commit of 40 hexadecimal digits");
  return r;
}

}  // namespace

fs::path hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string v = environment(name); !v.empty()) return expand(v);
  }
  if (const std::string v = environment("HF_HOME"); !v.empty()) return expand(v) / "hub";
  if (const std::string v = environment("XDG_CACHE_HOME"); !v.empty()) return expand(v) / "huggingface" / "hub";
  return home() / ".cache" / "huggingface" / "hub";
}

bool is_repo_id(const std::string& id) {
  const auto part_ok = [](std::string_view p) {
    if (p.empty() || p.size() > 96 || p.front() == '-' || p.front() == '.' || p.back() == '-' || p.back() == '.') return false;
    return std::all_of(p.begin(), p.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    });
  };
  if (id.find("--") != std::string::npos || id.find("..") != std::string::npos || id.ends_with(".git")) return false;
  const size_t slash = id.find('/');
  if (slash == std::string::npos) return part_ok(id);
  return part_ok(std::string_view(id).substr(0, slash)) && part_ok(std::string_view(id).substr(slash + 1));
}

fs::path model_file(const fs::path& folder, const std::string& name) {
  require_safe_name(name, folder.string());
  const fs::path path = folder / name;
  std::error_code e;
  if (!fs::is_symlink(path, e)) return path;
  const fs::path end = fs::canonical(path, e);
  if (e) {
    fail(ErrorCode::kInput, {.id = "link.broken",
                             .where = path.string(),
                             .what = "is a link that leads nowhere: " + e.message(),
                             .expected = "",
                             .got = "",
                             .hint = "copy or download the folder again"});
  }
  const fs::path limit = boundary(fs::canonical(folder, e));
  if (e || !is_inside(end, limit)) {
    fail(ErrorCode::kInput, {.id = "link.outside",
                             .where = path.string(),
                             .what = "is a link out of the model folder, which is not followed",
                             .expected = "a target inside " + limit.string(),
                             .got = end.string(),
                             .hint = "put a copy of the file there, or name the other folder as the model"});
  }
  return path;
}

ResolvedModel resolve_model(const std::string& name) {
  if (name.empty() || name.find('\0') != std::string::npos)
    not_found(name, "the name of the model is empty", "give a folder or a name such as distilbert-base-uncased");
  const fs::path local = expand(name);
  if (folder_exists(local)) return {kind_of(local), local, ""};
  if (file_exists(local)) {
    if (local.extension() == ".gguf" || is_gguf(local)) return {ModelKind::kGguf, local, ""};
    not_found(name, "is a file, not a model folder", "give the folder that holds config.json, or a .gguf file");
  }
  if (local.extension() == ".gguf") not_found(name, "there is no such file", "");

  const RepoName repo = repo_name(name);
  const fs::path cache = hub_cache();
  const fs::path folder = cache / repo_folder_name(repo.id);
  const std::string fetch = fmt::format("give a folder, or fetch it with: hf download {}   (of the package huggingface_hub)", repo.id);
  if (!folder_exists(folder)) {
    const std::string near = nearest(repo.id, cached_models(cache));
    not_found(name, fmt::format("there is no such folder, and no such model in the Hugging Face cache {}", cache.string()),
              fmt::format("{}{}", near.empty() ? "" : fmt::format("did you mean '{}'? ", near), fetch));
  }
  std::string commit = repo.revision;
  if (!is_commit(commit)) {
    const fs::path ref = folder / "refs" / repo.revision;
    std::error_code e;
    const fs::path real = fs::canonical(ref, e);
    if (e || !file_exists(ref) || !is_inside(real, fs::canonical(folder))) {
      not_found(name, fmt::format("the Hugging Face cache {} has the model, but not its revision '{}'", cache.string(), repo.revision),
                fetch);
    }
    commit = read_file(ref, 4096);
    commit.erase(0, commit.find_first_not_of(" \t\r\n"));
    commit.erase(commit.find_last_not_of(" \t\r\n") + 1);
    require_safe_name(commit, ref.string());
  }
  const fs::path snapshot = folder / "snapshots" / commit;
  std::error_code e;
  const fs::path real = fs::canonical(snapshot, e);
  if (e || !folder_exists(snapshot)) {
    not_found(name, fmt::format("the Hugging Face cache {} has no files of commit {}", cache.string(), commit), fetch);
  }
  if (!is_inside(real, fs::canonical(folder))) {
    fail(ErrorCode::kInput, {.id = "link.outside",
                             .where = snapshot.string(),
                             .what = "is a link out of the repository's folder, which is not followed",
                             .expected = "",
                             .got = real.string(),
                             .hint = ""});
  }
  return {kind_of(snapshot), snapshot, commit};
}

}  // namespace attune
