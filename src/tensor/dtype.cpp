#include "tensor/dtype.h"

#include <array>
#include <utility>

namespace attune {
namespace {

struct Row {
  DType type;
  std::string_view name;
  int64_t size;
};
constexpr std::array<Row, 10> kTypes{{{DType::kF32, "F32", 4},
                                      {DType::kF16, "F16", 2},
                                      {DType::kBF16, "BF16", 2},
                                      {DType::kF64, "F64", 8},
                                      {DType::kI64, "I64", 8},
                                      {DType::kI32, "I32", 4},
                                      {DType::kI16, "I16", 2},
                                      {DType::kI8, "I8", 1},
                                      {DType::kU8, "U8", 1},
                                      {DType::kBool, "BOOL", 1}}};

}  // namespace

int64_t size_of(DType t) { return kTypes[static_cast<size_t>(t)].size; }
std::string_view name_of(DType t) { return kTypes[static_cast<size_t>(t)].name; }

std::optional<DType> dtype_named(std::string_view s) {
  for (const auto& row : kTypes)
    if (row.name == s) return row.type;
  return std::nullopt;
}

}  // namespace attune
