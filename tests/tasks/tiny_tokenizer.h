// An uncased BERT tokenizer of a few words.
#pragma once

#include <stdlib.h>

#include <string>
#include <vector>

#include "base/files.h"
#include "text/tokenizer.h"

namespace attune {

inline std::shared_ptr<const Tokenizer> tiny_tokenizer(const std::vector<std::string>& words) {
  std::string pattern = (fs::temp_directory_path() / "attune_tokenizer_XXXXXX").string();
  const fs::path folder = ::mkdtemp(pattern.data());
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (const std::string& word : words) vocabulary += word + "\n";
  write_file_atomically(folder / "vocab.txt", vocabulary);
  write_file_atomically(folder / "tokenizer_config.json", R"({"do_lower_case": true, "tokenizer_class": "BertTokenizer", "model_max_length": 512})");
  auto tokenizer = load_tokenizer(folder);
  fs::remove_all(folder);
  return tokenizer;
}

}  // namespace attune
