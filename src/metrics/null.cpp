#include "metrics/null.h"

#include <array>
#include <cstddef>

namespace attune {
namespace {

struct Lines {
  const char *name, *null, *assumption;
};
constexpr std::array<Lines, 10> kLines{{
    {"Exact McNemar", "both models are right equally often", "rows are independent; only those on which one model alone is right count"},
    {"Paired bootstrap (BCa)", "the metric is the same for both models on the population the rows come from",
     "rows, or documents where rows come in them, are independent draws and not few"},
    {"Approximate randomisation", "which model gave which prediction of a row makes no difference", "rows, or documents where rows come in them, are exchangeable"},
    {"DeLong", "both scores have the same area under the ROC curve", "rows are independent; the normal distribution holds: dozens of rows of each class"},
    {"Holm", "each of the adjusted tests' nulls; the chance of any false rejection stays at alpha", "none beyond those of the adjusted tests"},
    {"Welch t", "both variants have the same mean over seeds", "runs are independent, their scores about normal; variances may differ"},
    {"Paired t", "the mean difference over shared seeds is zero", "seeds are independent, differences about normal"},
    {"Wilcoxon signed-rank", "differences over shared seeds lie symmetrically about zero", "seeds are independent"},
    {"Wilcoxon rank-sum (Mann-Whitney)", "scores of both variants come from one distribution", "runs are independent; 3 against 3 cannot reach p < 0.1"},
    {"Two one-sided tests (TOST)", "the difference is at least as large as the margin, on either side", "the margin was chosen beforehand; the mean difference is about normal"},
}};
const Lines& lines_of(TestKind test) { return kLines[static_cast<size_t>(test)]; }

}  // namespace

const char* name_of(TestKind test) { return lines_of(test).name; }
const char* null_of(TestKind test) { return lines_of(test).null; }
const char* assumption_of(TestKind test) { return lines_of(test).assumption; }

}  // namespace attune
