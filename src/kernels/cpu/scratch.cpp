#include "kernels/cpu/scratch.h"

#include "tensor/memory.h"

namespace attune::cpu {

namespace {

struct Block {
  void* data = nullptr;
  int64_t bytes = 0;
  void drop() {
    if (data) Allocator::global().give(data, MemoryClass::kOther);
    data = nullptr;
    bytes = 0;
  }
  ~Block() { drop(); }
};

thread_local Block block;

}  // namespace

float* scratch(int64_t floats) {
  const int64_t bytes = floats * static_cast<int64_t>(sizeof(float));
  if (bytes > block.bytes || !block.data) {
    const int64_t wanted = bytes > block.bytes ? bytes + bytes / 4 : bytes;
    block.drop();
    block.data = Allocator::global().take(wanted, MemoryClass::kOther);
    block.bytes = wanted;
  }
  return static_cast<float*>(block.data);
}

}  // namespace attune::cpu
