#include "io/artifacts.h"

#include "base/json.h"
#include "base/manifest.h"
#include "base/version.h"
#include "io/safetensors.h"

namespace attune {

Artifact text_artifact(std::string name, std::string content) {
  return {std::move(name), [content = std::move(content)](OutputFile& f) { f.write(content); }};
}

Artifact weights_artifact(std::string name, TensorMap tensors) {
  return {std::move(name), [tensors = std::move(tensors)](OutputFile& f) { write_safetensors(f, tensors); }};
}

void commit_artifacts(const fs::path& folder, const std::vector<Artifact>& artifacts, bool replace) {
  FolderCommit commit(folder, replace);
  for (const auto& a : artifacts) commit.add(a.name, a.fill);
  commit.commit();
}

void update_artifacts(const fs::path& folder, const std::vector<Artifact>& artifacts) {
  Json files = Json::array();
  for (const auto& a : artifacts) {
    write_file_atomically(folder / a.name, a.fill);
    files.push_back(Json{{"name", a.name}, {"size", attune::file_size(folder / a.name)}, {"sha256", sha256_file(folder / a.name)}});
  }
  const Json manifest = {
      {"format_version", kManifestVersion}, {"tool", "attune"}, {"tool_version", kVersion}, {"step", -1}, {"files", files}};
  write_file_atomically(folder / kManifestName, dump_json(manifest) + "\n");
}

}  // namespace attune
