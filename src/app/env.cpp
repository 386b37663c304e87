#include "app/env.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "base/version.h"
#include "kernels/kernels.h"

namespace attune {

Json environment() {
  Json e = Json::object();
  e["version"] = std::string(kVersion);
#ifdef NDEBUG
  std::string build = "release";
#else
  std::string build = "debug";
#endif
#ifdef __SANITIZE_ADDRESS__
  build += ", address sanitizer";
#endif
#if defined(__clang__)
  e["build"] = fmt::format("{}, clang {}.{}, {}", build, __clang_major__, __clang_minor__, "x86-64 with run-time dispatch");
#else
  e["build"] = fmt::format("{}, gcc {}.{}, {}", build, __GNUC__, __GNUC_MINOR__, "x86-64 with run-time dispatch");
#endif
  e["cpu_features"] = cpu_features();
  e["kernels"] = cpu_kernels().name;
  e["threads"] = default_threads();
  e["cores_online"] = sysconf(_SC_NPROCESSORS_ONLN);
  e["memory_bytes"] = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  Json variables = Json::object();
  for (const char* name : {"ATTUNE_ISA", "ATTUNE_THREADS", "OMP_NUM_THREADS", "HF_HOME", "HF_HUB_CACHE", "NO_COLOR"})
    if (const char* value = std::getenv(name)) variables[name] = value;
  e["environment"] = variables;
  return e;
}

}  // namespace attune
