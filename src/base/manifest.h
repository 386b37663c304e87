// manifest.json: written last into a folder made by FolderCommit; says what must be there.
#pragma once

#include "base/files.h"

namespace attune {

inline constexpr const char* kManifestName = "manifest.json";
inline constexpr int64_t kManifestVersion = 1;

/// True when the folder's manifest can be read and lists `name` (a file of the folder) with the size it has.
bool manifest_vouches(const fs::path& folder, const std::string& name);

/// Files below `folder` that its manifest does not list (all of them when there is no manifest), sorted; at most
/// `most`, so that a look at somebody's home ends soon.
std::vector<std::string> foreign_files(const fs::path& folder, size_t most = 100);

}  // namespace attune
