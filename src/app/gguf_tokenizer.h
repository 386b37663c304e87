// The tokenizer in a GGUF file's metadata as tokenizer.json and tokenizer_config.json (docs/formats.md, GGUF).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "io/gguf.h"

namespace attune {

/// Name and content of the files. Error(kInput) "convert.tokenizer" for a tokenizer that is not byte-level BPE, an unknown pre-tokenizer,
/// or lists that do not fit together.
std::vector<std::pair<std::string, std::string>> gguf_tokenizer_files(const GgufFile& file);

}  // namespace attune
