// Working memory of a kernel call: one block per calling thread, kept from call to call so that a step causes no page faults.
#pragma once

#include <stdint.h>

namespace attune::cpu {

/// At least `floats` floats, 64-byte aligned, content undefined, valid until the same thread calls again. Threads of a kernel's team
/// share out the caller's block. Error(kMemory) when there is no memory.
float* scratch(int64_t floats);

}  // namespace attune::cpu
