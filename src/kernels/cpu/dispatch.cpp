// Chooses the table by what the CPU and the system support (cpuid and saved registers, through the compiler's run-time check).
// ATTUNE_ISA caps the choice so that one machine can run every table.
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdlib>
#include <string>

#include "base/error.h"
#include "kernels/cpu/dense.h"
#include "kernels/cpu/tables.h"
#include "kernels/kernels.h"

namespace attune {

namespace {

#if defined(__x86_64__)
/// GCC 12 knows no name for AVX-VNNI: cpuid leaf 7, sub-leaf 1, EAX bit 4.
bool cpu_has_avx_vnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1) != 0;
}
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
bool has_avx2_vnni() { return has_avx2() && cpu_has_avx_vnni(); }
bool has_avx512_vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }

/// A table whose 8-bit products use the dot-product instructions.
Kernels with_vnni(const Kernels& base, const char* name, decltype(Kernels::int8_products) products) {
  Kernels table = base;
  table.name = name;
  table.int8_products = products;
  table.int8_limit = 127;
  table.int8_fast = true;
  return table;
}
#endif

struct Tables {
  static constexpr int kMost = 6;
  const Kernels* all[kMost + 1] = {};  // slowest first, ends with null
  int count = 0;
};

const Tables& available() {
  static const Tables tables = [] {
    Tables t;
    t.all[t.count++] = &reference_kernels();
#if defined(__x86_64__)
    t.all[t.count++] = &sse2::kTable;
    static const Kernels avx2_vnni = with_vnni(avx2::kTable, "cpu-avx2vnni", avx2vnni::int8_products);
    static const Kernels avx512_vnni = with_vnni(avx512::kTable, "cpu-avx512vnni", avx512vnni::int8_products);
    if (has_avx2()) t.all[t.count++] = &avx2::kTable;
    if (has_avx2_vnni()) t.all[t.count++] = &avx2_vnni;
    if (has_avx512()) t.all[t.count++] = &avx512::kTable;
    if (has_avx512_vnni()) t.all[t.count++] = &avx512_vnni;
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
    if (isa == "avx2" || isa == "avx2vnni") cpu::cap_dense(cpu::Cap::kAvx2);
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
  add(cpu_has_avx_vnni(), "avxvnni");
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
