// Programs run without a shell.
#include "base/run_program.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace attune {
namespace {

fs::path sh() { return *find_program("sh"); }

TEST(RunProgram, GivesStatusAndBothOutputs) {
  const ProgramResult r = run_program(sh(), {"-c", "cat; echo oops >&2; exit 7"}, "given\n");
  EXPECT_EQ(r.status, 7);
  EXPECT_EQ(r.output, "given\noops\n");
}

TEST(RunProgram, TakesMoreThanAPipeHolds) {
  const std::string much(3 << 20, 'x');
  EXPECT_EQ(run_program(*find_program("cat"), {}, much).output, much);
  EXPECT_EQ(run_program(*find_program("true"), {}, much).status, 0);
}

TEST(RunProgram, ArgumentsAreNotReadByAShell) { EXPECT_EQ(run_program(*find_program("echo"), {"$(id) `id` ; id"}, "").output, "$(id) `id` ; id\n"); }

TEST(RunProgram, ASignalIsAStatus) { EXPECT_EQ(run_program(sh(), {"-c", "kill -9 $$"}, "").status, 128 + 9); }

TEST(RunProgram, WhatCannotBeStartedIsAnError) {
  EXPECT_FALSE(find_program("no-such-program-anywhere"));
  try {
    run_program("/no/such/program", {}, "");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.info().id, "program.failed");
  }
}

}  // namespace
}  // namespace attune
