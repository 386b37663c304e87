// safetensors: read leniently, write strictly (byte-identical with the official writer). Format: docs/formats.md; rules R1-R12 are
// the ids of the errors ("safetensors.R7"). Data is copied into memory, since the file may change under us; map() is for our own files.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "tensor/tensor.h"

namespace attune {

struct TensorEntry {
  std::string name;
  std::string dtype;  ///< as in the file; may be one we cannot compute with
  Shape shape;
  uint64_t begin = 0, end = 0;  ///< in the data buffer
};

/// The validated header of one file; every rule is checked against the real file size before anything is allocated.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(fs::path path);
  const fs::path& path() const { return path_; }
  const std::vector<TensorEntry>& entries() const { return entries_; }  ///< by name
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const TensorEntry* find(const std::string& name) const;
  /// As stored. Error(kInput) "safetensors.dtype" for a type outside DType.
  Tensor read(const std::string& name, MemoryClass c = MemoryClass::kWeights) const;
  /// Converted to F32 (F16, BF16, F64 widened or narrowed).
  Tensor read_f32(const std::string& name, MemoryClass c = MemoryClass::kWeights) const;
  /// As read(), but the tensor shares `file`, a mapping of this file, and is not to be written; a copy where the data is not aligned.
  /// Error(kInput) "file.truncated" when the mapping is not as long as the header said.
  Tensor map(const std::string& name, const std::shared_ptr<const MappedFile>& file, MemoryClass c = MemoryClass::kWeights) const;
  /// All tensors as stored.
  TensorMap read_all(MemoryClass c = MemoryClass::kWeights) const;
  /// `count` raw bytes of one tensor, from its byte `offset` on.
  void read_bytes(const TensorEntry& e, uint64_t offset, uint64_t count, void* out) const;

 private:
  std::pair<const TensorEntry*, DType> typed(const std::string& name) const;

  fs::path path_;
  uint64_t data_begin_ = 0;
  std::vector<TensorEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

/// Header and data as the official writer lays them out (dtype rank descending, then name), for write_file_atomically or FolderCommit::add.
void write_safetensors(OutputFile& out, const TensorMap& tensors, const std::map<std::string, std::string>& metadata = {{"format", "pt"}});
uint64_t safetensors_size(const TensorMap& tensors, const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

}  // namespace attune
