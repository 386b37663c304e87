// The choice of a table and of the number of threads. Choices are made once a process: each is tried in a fresh one.
#include <array>
#include <cstring>

#include "base/error.h"
#include "kernels/support.h"

namespace attune {
namespace {

using testing::ExitedWithCode;

TEST(DispatchTest, TablesAreCompleteAndNamed) {
  ASSERT_FALSE(tables().empty());
  EXPECT_EQ(tables().front(), &reference_kernels());
  for (const Kernels* k : tables()) {
    EXPECT_TRUE(k->gemm && k->bias_activation && k->activation_backward && k->bias_backward && k->dropout_add_layer_norm &&
                k->dropout_add_layer_norm_backward && k->dropout && k->embedding && k->embedding_backward && k->gather_rows &&
                k->scatter_add_rows && k->attention && k->attention_backward && k->cross_entropy && k->axpby && k->sum_of_squares &&
                k->all_finite && k->adamw)
        << k->name;
  }
}

class DispatchDeathTest : public testing::Test {
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// Ends the process with 0 when cpu_kernels() is the table `name`, with the error's code when it fails.
[[noreturn]] void choose(const char* isa, const std::string& name) {
  setenv("ATTUNE_ISA", isa, 1);
  try {
    std::exit(cpu_kernels().name == name ? 0 : 99);
  } catch (const Error& e) {
    std::fputs(e.what(), stderr);
    std::exit(static_cast<int>(e.code()));
  }
}
[[noreturn]] void count(const char* ours, const char* omp, int expected) {
  ours ? setenv("ATTUNE_THREADS", ours, 1) : unsetenv("ATTUNE_THREADS");
  omp ? setenv("OMP_NUM_THREADS", omp, 1) : unsetenv("OMP_NUM_THREADS");
  try {
    std::exit(default_threads() == expected ? 0 : 99);
  } catch (const Error& e) {
    std::fputs(e.what(), stderr);
    std::exit(static_cast<int>(e.code()));
  }
}

// An entry that idle_kernels forgot would compute in a dry run.
TEST(DispatchTest, TheIdleTableRestsInEveryEntry) {
  const Kernels idle = idle_kernels(cpu_kernels());
  using Words = std::array<void*, sizeof(Kernels) / sizeof(void*)>;
  Words real_entries, idle_entries;
  std::memcpy(&real_entries, &cpu_kernels(), sizeof real_entries);
  std::memcpy(&idle_entries, &idle, sizeof idle_entries);
  for (size_t i = 2; i < real_entries.size(); ++i) {  // before are the name and two facts
    if (real_entries[i] == nullptr)
      EXPECT_EQ(idle_entries[i], nullptr) << "entry " << i;
    else
      EXPECT_NE(idle_entries[i], real_entries[i]) << "entry " << i;
  }
}

TEST_F(DispatchDeathTest, CapIsObeyed) {
  for (const Kernels* k : tables()) {
    const std::string name = k->name, isa = name == "reference" ? name : name.substr(4);
    EXPECT_EXIT(choose(isa.c_str(), name), ExitedWithCode(0), "") << name;
  }
  EXPECT_EXIT(choose("", tables().back()->name), ExitedWithCode(0), "");
  EXPECT_EXIT(choose("avx1024", ""), ExitedWithCode(2), "ATTUNE_ISA.*avx1024");
}

TEST_F(DispatchDeathTest, ThreadsComeFromTheEnvironment) {
  EXPECT_EXIT(count("3", "5", 3), ExitedWithCode(0), "");
  EXPECT_EXIT(count(nullptr, "5,2", 5), ExitedWithCode(0), "");
  EXPECT_EXIT(count("many", nullptr, 0), ExitedWithCode(2), "ATTUNE_THREADS.*many");
  EXPECT_EXIT(count("0", nullptr, 0), ExitedWithCode(2), "ATTUNE_THREADS");
  EXPECT_GE(default_threads(), 1);
}

}  // namespace
}  // namespace attune
