// Chooses the table by what the CPU and the system support (cpuid and saved registers, through the compiler's run-time check).
// ATTUNE_ISA caps the choice so that one machine can run every table.
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "kernels/cpu/dense.h"
#include "kernels/cpu/tables.h"
#include "kernels/kernels.h"

namespace attune {

namespace {

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

struct Tables {
  static constexpr int kMost = 4;
  const Kernels* all[kMost + 1] = {};  // slowest first, ends with null
  int count = 0;
};

const Tables& available() {
  static const Tables tables = [] {
    Tables t;
    t.all[t.count++] = &reference_kernels();
#if defined(__x86_64__)
    t.all[t.count++] = &sse2::kTable;
    if (has_avx2()) t.all[t.count++] = &avx2::kTable;
    if (has_avx512()) t.all[t.count++] = &avx512::kTable;
#endif
    return t;
  }();
  return tables;
}

const Kernels& choose() {
  const Tables& tables = available();
  const char* wanted = std::getenv("ATTUNE_ISA");
  if (!wanted || !*wanted) return *tables.all[tables.count - 1];
  const std::string name = wanted;
  std::string names;
  for (int i = 0; i < tables.count; ++i) {
    const std::string own = tables.all[i]->name;
    const std::string isa = own.rfind("cpu-", 0) == 0 ? own.substr(4) : own;
    if (i > 0) names += ", ";
    names += isa;
    if (isa != name) continue;
    if (isa == "sse2") cpu::cap_dense(cpu::Cap::kSse2);
    if (isa == "avx2") cpu::cap_dense(cpu::Cap::kAvx2);
    return *tables.all[i];
  }
  fail(ErrorCode::kUsage, {.id = "kernels.isa",
                           .where = "ATTUNE_ISA",
                           .what = "no such instruction set on this CPU",
                           .expected = names,
                           .got = name,
                           .hint = "unset ATTUNE_ISA to use the fastest"});
}

std::string list_features() {
  std::string s;
#if defined(__x86_64__)
  const auto add = [&s](bool has, const char* name) {
    if (!has) return;
    if (!s.empty()) s += ' ';
    s += name;
  };
  add(__builtin_cpu_supports("sse2"), "sse2");
  add(__builtin_cpu_supports("sse4.2"), "sse4.2");
  add(__builtin_cpu_supports("avx"), "avx");
  add(__builtin_cpu_supports("avx2"), "avx2");
  add(__builtin_cpu_supports("fma"), "fma");
  add(__builtin_cpu_supports("avx512f"), "avx512f");
  add(__builtin_cpu_supports("avx512bw"), "avx512bw");
  add(__builtin_cpu_supports("avx512dq"), "avx512dq");
  add(__builtin_cpu_supports("avx512vl"), "avx512vl");
  add(__builtin_cpu_supports("avx512vnni"), "avx512vnni");
#endif
  return s;
}

}  // namespace

const Kernels& cpu_kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

const Kernels* const* all_kernels() { return available().all; }

const char* cpu_features() {
  static const std::string features = list_features();
  return features.c_str();
}

}  // namespace attune
