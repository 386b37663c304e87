// Counts and scores of single-label classification, equal to scikit-learn with zero_division=0. Everything follows from the confusion matrix.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace attune {

/// Rows are the gold class, columns the predicted one.
class ConfusionMatrix {
 public:
  ConfusionMatrix() = default;
  explicit ConfusionMatrix(int64_t classes) : classes_(classes), counts_(static_cast<size_t>(classes * classes)) {}
  int64_t classes() const { return classes_; }
  int64_t at(int64_t gold, int64_t predicted) const { return counts_[static_cast<size_t>(gold * classes_ + predicted)]; }
  void add(int64_t gold, int64_t predicted, int64_t count = 1) { counts_[static_cast<size_t>(gold * classes_ + predicted)] += count; }
  int64_t total() const;
  int64_t correct() const;
  int64_t gold_count(int64_t c) const;
  int64_t predicted_count(int64_t c) const;
  /// Of the rows of a gold class: rows of the matrix sum to 1, those of a class without rows to 0.
  double share(int64_t gold, int64_t predicted) const;
  bool operator==(const ConfusionMatrix&) const = default;

 private:
  int64_t classes_ = 0;
  std::vector<int64_t> counts_;
};

/// Ids from 0 to classes - 1; anything else is a Bug.
ConfusionMatrix confusion_matrix(std::span<const int32_t> gold, std::span<const int32_t> predicted, int64_t classes);

struct ClassScores {
  double precision = 0, recall = 0, f1 = 0;
  int64_t support = 0;  ///< rows of that class in the gold
};
ClassScores class_scores(const ConfusionMatrix& m, int64_t c);

enum class Average {
  kMicro,
  kMacro,     ///< mean over the classes of gold or predictions: scikit-learn's default when no list of labels is given
  kMacroAll,  ///< mean over all classes, unseen ones as 0
  kWeighted,  ///< by support
};
ClassScores average_scores(const ConfusionMatrix& m, Average average);

/// All are 0 for an empty matrix.
double accuracy(const ConfusionMatrix& m);
/// Share of the most frequent gold class: what always saying it would reach.
double majority_rate(const ConfusionMatrix& m);
int64_t majority_class(const ConfusionMatrix& m);  ///< the first of equals; -1 for an empty matrix
/// Matthews correlation (Gorodkin's R_K for more than two classes); 0 when a side is constant.
double matthews(const ConfusionMatrix& m);
/// Cohen's kappa; NaN when both sides are the same constant.
double cohen_kappa(const ConfusionMatrix& m);
/// Mean recall of the classes in the gold.
double balanced_accuracy(const ConfusionMatrix& m);

/// Probabilities of logits, in double.
std::vector<double> softmax(std::span<const float> logits);
/// Index of the largest value (the first of equals; NaN loses to everything).
int32_t argmax(std::span<const float> values);

}  // namespace attune
