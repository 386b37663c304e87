// Shared by the kernel tests: random arrays, comparison, and the list of tables to test.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "kernels/kernels.h"
#include "tolerance.h"

namespace attune {

using Floats = std::vector<float>;

inline Floats normals(int64_t n, uint64_t seed, double scale = 1.0) {
  Random random(seed);
  Floats v(static_cast<size_t>(n));
  for (float& x : v) x = static_cast<float>(scale * random.normal());
  return v;
}
inline std::vector<uint64_t> keys(int64_t n, uint64_t seed) {
  Random random(seed);
  std::vector<uint64_t> v(static_cast<size_t>(n));
  for (uint64_t& x : v) x = random.next();
  return v;
}

/// All elements within tolerance * (scale + |want|); names the first that is not. NaN matches NaN.
inline void expect_near(const Floats& got, const Floats& want, double tolerance, const std::string& what, double scale = 1.0) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(want[i]) && std::isnan(got[i])) continue;
    if (got[i] == want[i]) continue;
    const double limit = tolerance * (scale + std::fabs(static_cast<double>(want[i])));
    const double off = std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    ASSERT_TRUE(off <= limit) << what << "[" << i << "]: got " << got[i] << ", expected " << want[i] << ", off " << off << " > " << limit;
  }
}
inline bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

inline std::vector<const Kernels*> tables() {
  std::vector<const Kernels*> list;
  for (const Kernels* const* t = all_kernels(); *t; ++t) list.push_back(*t);
  return list;
}

/// A test that runs on each table this CPU has.
class EachTable : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& k() const { return *GetParam(); }
  const Kernels& ref() const { return reference_kernels(); }
  Context ctx(int threads = 2) const { return {.kernels = GetParam(), .threads = threads}; }
};
inline std::string table_name(const testing::TestParamInfo<const Kernels*>& info) {
  std::string s = info.param->name;
  for (char& c : s) c = c == '-' ? '_' : c;
  return s;
}
#define ATTUNE_EACH_TABLE(Suite)     \
  class Suite : public EachTable {}; \
  INSTANTIATE_TEST_SUITE_P(Kernels, Suite, testing::ValuesIn(tables()), table_name)

constexpr int64_t kWidths[] = {1, 2, 3, 7, 15, 16, 17, 31, 64, 97, 384, 769};

}  // namespace attune
