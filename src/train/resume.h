// What a checkpoint was made with, so that a run never goes on with something else in silence (reliability D9).
#pragma once

#include <set>
#include <string>

#include "base/json.h"

namespace attune {

inline constexpr const char* kFingerprintsName = "fingerprints.json";

/// Both are objects of texts (hashes, settings) or objects of such. Error(kState) "resume.mismatch" lists every field that differs with
/// both values; fields named in `allowed` may differ.
void require_same_run(const Json& saved, const Json& current, const std::set<std::string>& allowed, const std::string& where);

}  // namespace attune
