#include "tensor/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/error.h"

namespace attune {

struct Tensor::Storage {
  Storage(int64_t n, MemoryClass mc, bool zeroed = false)
      : allocator(&Allocator::current()), data(zeroed ? allocator->take_zeroed(n, mc) : allocator->take(n, mc)), memory_class(mc) {}
  Storage(std::shared_ptr<const void> o, const void* d, MemoryClass mc) : owner(std::move(o)), data(const_cast<void*>(d)), memory_class(mc) {}
  ~Storage() {
    if (allocator) allocator->give(data, memory_class);
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  Allocator* allocator = nullptr;     // null: memory of `owner`
  std::shared_ptr<const void> owner;
  void* data;
  MemoryClass memory_class;
};

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

int64_t count(const Shape& shape) {
  const auto n = checked_product(shape);
  require(n && *n <= static_cast<uint64_t>(INT64_MAX) / 8, "shape too large");
  return static_cast<int64_t>(*n);
}

Tensor::Tensor(Shape shape, DType dtype, MemoryClass c)
    : storage_(std::make_shared<Storage>(count(shape) * size_of(dtype), c)), shape_(std::move(shape)), dtype_(dtype) {
  pitch_ = cols();
}

Tensor Tensor::zeros(Shape shape, MemoryClass c) {
  Tensor t;
  t.storage_ = std::make_shared<Storage>(count(shape) * size_of(DType::kF32), c, true);
  t.shape_ = std::move(shape);
  t.pitch_ = t.cols();
  return t;
}

Tensor Tensor::of(Shape shape, std::span<const float> values, MemoryClass c) {
  Tensor t(std::move(shape), DType::kF32, c);
  require(static_cast<int64_t>(values.size()) == t.size(), "values do not fill the shape");
  std::copy(values.begin(), values.end(), t.f32());
  return t;
}

Tensor Tensor::view(std::shared_ptr<const void> owner, const void* data, Shape shape, DType dtype, MemoryClass c) {
  require(owner != nullptr && reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(size_of(dtype)) == 0, "a view needs an owner and alignment");
  Tensor t;
  t.storage_ = std::make_shared<Storage>(std::move(owner), data, c);
  t.shape_ = std::move(shape);
  t.dtype_ = dtype;
  t.pitch_ = t.cols();
  return t;
}

void* Tensor::data() { return static_cast<char*>(storage_->data) + offset_ * size_of(dtype_); }
const void* Tensor::data() const { return static_cast<const char*>(storage_->data) + offset_ * size_of(dtype_); }

float* Tensor::f32() {
  require(dtype_ == DType::kF32, "tensor is not F32");
  return static_cast<float*>(data());
}
const float* Tensor::f32() const {
  require(dtype_ == DType::kF32, "tensor is not F32");
  return static_cast<const float*>(data());
}
std::span<float> Tensor::span() {
  require(contiguous(), "tensor is not contiguous");
  return {f32(), static_cast<size_t>(size())};
}
std::span<const float> Tensor::span() const {
  require(contiguous(), "tensor is not contiguous");
  return {f32(), static_cast<size_t>(size())};
}

Tensor Tensor::columns(int64_t begin, int64_t n) const {
  require(!shape_.empty() && begin >= 0 && n >= 0 && begin + n <= cols(), "column range outside the tensor");
  Tensor t = *this;
  t.offset_ += begin;
  t.shape_.back() = n;
  return t;
}

Tensor Tensor::row_range(int64_t begin, int64_t n) const {
  require(shape_.size() == 2 && begin >= 0 && n >= 0 && begin + n <= shape_[0], "row range outside the tensor");
  Tensor t = *this;
  t.offset_ += begin * pitch_;
  t.shape_[0] = n;
  return t;
}

Tensor Tensor::reshaped(Shape shape) const {
  require(contiguous() && count(shape) == size(), "reshape changes the element count or needs a contiguous tensor");
  Tensor t = *this;
  t.shape_ = std::move(shape);
  t.pitch_ = t.cols();
  return t;
}

Tensor Tensor::clone(MemoryClass c) const {
  Tensor t(shape_, dtype_, c);
  const auto item = static_cast<size_t>(size_of(dtype_));
  const size_t width = static_cast<size_t>(cols()) * item;
  const char* from = static_cast<const char*>(data());
  char* to = static_cast<char*>(t.data());
  if (contiguous()) {
    std::memcpy(to, from, static_cast<size_t>(bytes()));
  } else {
    for (int64_t r = 0; r < rows(); ++r)
      std::memcpy(to + static_cast<size_t>(r) * width, from + static_cast<size_t>(r * pitch_) * item, width);
  }
  return t;
}
Tensor Tensor::clone() const { return clone(memory_class()); }

MemoryClass Tensor::memory_class() const { return storage_->memory_class; }

namespace {

template <typename T, typename F>
void convert(const Tensor& from, float* to, F f) {
  const T* p = static_cast<const T*>(from.data());
  for (int64_t r = 0; r < from.rows(); ++r)
    for (int64_t c = 0; c < from.cols(); ++c) *to++ = f(p[r * from.pitch() + c]);
}

}  // namespace

Tensor Tensor::to_f32(MemoryClass c) const {
  if (dtype_ == DType::kF32) return memory_class() == c && contiguous() ? *this : clone(c);
  Tensor t(shape_, DType::kF32, c);
  float* out = t.f32();
  auto cast = [](auto x) { return static_cast<float>(x); };
  switch (dtype_) {
    case DType::kF16: convert<uint16_t>(*this, out, half_to_float); break;
    case DType::kBF16:
      convert<uint16_t>(*this, out, [](uint16_t h) {
        const uint32_t bits = static_cast<uint32_t>(h) << 16;
        float f;
        std::memcpy(&f, &bits, 4);
        return f;
      });
      break;
    case DType::kF64: convert<double>(*this, out, cast); break;
    case DType::kI64: convert<int64_t>(*this, out, cast); break;
    case DType::kI32: convert<int32_t>(*this, out, cast); break;
    case DType::kI16: convert<int16_t>(*this, out, cast); break;
    case DType::kI8: convert<int8_t>(*this, out, cast); break;
    case DType::kU8:
    case DType::kBool: convert<uint8_t>(*this, out, cast); break;
    case DType::kF32: break;
  }
  return t;
}

}  // namespace attune
