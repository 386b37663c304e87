// A figure that the rows may leave undefined.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace attune {

/// A value, or why there is none: "all rows are of class 'positive'".
struct Figure {
  std::optional<double> value;
  std::string reason;  ///< "" where there is a value

  static Figure of(double value) { return {value, ""}; }
  static Figure none(std::string reason) { return {std::nullopt, std::move(reason)}; }
};

}  // namespace attune
