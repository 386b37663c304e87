// GGUF (llama.cpp's model files), versions 2 and 3, little-endian, read only. Everything in the file is checked against its real size
// before memory is asked for; the limits are ggml's and ours (docs/formats.md, GGUF).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "quant/gguf_blocks.h"
#include "tensor/tensor.h"

namespace attune {

struct GgufTensor {
  std::string name;
  const GgufType* type = nullptr;
  Shape shape;  ///< row-major: the file's dimensions the other way round
  uint64_t begin = 0, bytes = 0;  ///< in the file
};

class GgufFile {
 public:
  /// Reads the header. Error(kInput) "gguf.magic", "gguf.version", "gguf.truncated", "gguf.key", "gguf.value", "gguf.alignment",
  /// "gguf.split" (one of several files), "gguf.tensor", "gguf.type", "gguf.layout".
  explicit GgufFile(fs::path path);

  const fs::path& path() const { return path_; }
  /// Key -> value; an F32 is the shortest decimal number that is the same F32 (1e-05, not 9.999999747e-06). Arrays hold at most 2^24 values.
  const std::map<std::string, Json>& metadata() const { return metadata_; }
  /// Typed reading; the default when the key is absent, Error(kInput) "gguf.value" for a value of another type.
  int64_t integer(const std::string& key, int64_t absent, int64_t least = 0, int64_t most = INT32_MAX) const;
  double number(const std::string& key, double absent) const;
  bool boolean(const std::string& key, bool absent) const;
  std::string text(const std::string& key, const std::string& absent) const;
  std::vector<std::string> texts(const std::string& key) const;  ///< empty when absent

  const std::vector<GgufTensor>& tensors() const { return tensors_; }  ///< by name
  const GgufTensor* find(const std::string& name) const;
  /// Dequantised. Error(kInput) "gguf.type" for a type that is not readable, "quant.not_finite" for a scale or weight that is no number.
  Tensor read_f32(const GgufTensor& tensor, MemoryClass c = MemoryClass::kWeights) const;
  /// SHA-256 over the tensors: names, types, shapes and bytes as stored. Reads all of them.
  std::string fingerprint() const;

 private:
  const Json* value(const std::string& key) const;
  [[noreturn]] void wrong(const std::string& key, const std::string& expected) const;

  fs::path path_;
  std::map<std::string, Json> metadata_;
  std::vector<GgufTensor> tensors_;
};

/// True for a file that begins as GGUF does.
bool is_gguf(const fs::path& path);

}  // namespace attune
