// A tensor is a value: shape, type and shared storage. Row-major, last dimension contiguous; one row pitch so that Q, K and V can
// be columns of one buffer; no other strides.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/memory.h"

namespace attune {

using Shape = std::vector<int64_t>;
std::string to_string(const Shape& shape);  ///< "[2, 3]"
int64_t count(const Shape& shape);          ///< product; Bug when negative or too large

class Tensor {
 public:
  Tensor() = default;
  /// Uninitialised memory.
  Tensor(Shape shape, DType dtype = DType::kF32, MemoryClass c = MemoryClass::kActivations);
  static Tensor zeros(Shape shape, MemoryClass c = MemoryClass::kActivations);
  static Tensor of(Shape shape, std::span<const float> values, MemoryClass c = MemoryClass::kWeights);
  /// Memory of another owner (a mapped file), which lives as long as tensors share it and is never written; the ledger does not count it.
  static Tensor view(std::shared_ptr<const void> owner, const void* data, Shape shape, DType dtype, MemoryClass c);

  bool empty() const { return storage_ == nullptr; }
  const Shape& shape() const { return shape_; }
  int64_t dim(int i) const { return shape_[i < 0 ? shape_.size() + i : i]; }
  int64_t size() const { return count(shape_); }
  DType dtype() const { return dtype_; }
  int64_t bytes() const { return size() * size_of(dtype_); }
  int64_t cols() const { return shape_.empty() ? 1 : shape_.back(); }  ///< last dimension
  int64_t rows() const { return shape_.empty() ? 1 : size() / (cols() ? cols() : 1); }
  int64_t pitch() const { return pitch_; }  ///< elements between the starts of two rows
  bool contiguous() const { return pitch_ == cols(); }

  /// Bug unless the type is F32.
  float* f32();
  const float* f32() const;
  std::span<float> span();  ///< of a contiguous F32 tensor
  std::span<const float> span() const;
  void* data();
  const void* data() const;

  Tensor columns(int64_t begin, int64_t n) const;  ///< shares storage; keeps the pitch
  Tensor row_range(int64_t begin, int64_t n) const;  ///< shares storage; first dimension of a matrix
  Tensor reshaped(Shape shape) const;              ///< shares storage; contiguous only
  Tensor clone(MemoryClass c) const;               ///< contiguous copy
  Tensor clone() const;                            ///< contiguous copy of the same class
  Tensor to_f32(MemoryClass c) const;              ///< converts from any type
  MemoryClass memory_class() const;
  bool is_unique() const { return storage_.use_count() == 1; }  ///< no other Tensor shares the storage
  bool shares_storage_with(const Tensor& other) const { return storage_ == other.storage_; }

 private:
  struct Storage;
  std::shared_ptr<Storage> storage_;
  int64_t offset_ = 0, pitch_ = 0;  // elements
  Shape shape_;
  DType dtype_ = DType::kF32;
};

/// Names to tensors, sorted by name.
using TensorMap = std::map<std::string, Tensor>;

}  // namespace attune
