// What sentence-transformers writes beside a model: modules.json, the pooling module's config.json, sentence_bert_config.json.
#pragma once

#include "base/files.h"
#include "tasks/task.h"

namespace attune {

/// Settings of feature-extraction: pooling, normalisation and length as the folder says; mean, length 1 and `max_positions` where it
/// says nothing. Error(kInput) "modules.pooling": a pooling or module that is not known.
TaskSettings sentence_settings(const fs::path& folder, int64_t max_positions);

}  // namespace attune
