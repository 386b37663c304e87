// What each test tests, in one line each, for reports.
#pragma once

namespace attune {

enum class TestKind {
  kMcNemar, kPairedBootstrap, kRandomisation, kDeLong, kHolm, kWelch, kPairedT, kSignedRank, kRankSum, kEquivalence,
};
/// "Exact McNemar".
const char* name_of(TestKind test);
/// The null hypothesis, without a full stop.
const char* null_of(TestKind test);
/// What has to hold for the p value to mean what it says, without a full stop.
const char* assumption_of(TestKind test);

}  // namespace attune
