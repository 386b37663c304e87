#include "peft/counts.h"

#include <fmt/format.h>

namespace attune {

std::string with_thousands(int64_t n) {
  std::string s = std::to_string(n);
  const int64_t first = n < 0 ? 1 : 0;
  for (int64_t i = static_cast<int64_t>(s.size()) - 3; i > first; i -= 3) s.insert(static_cast<size_t>(i), ",");
  return s;
}

std::string ParameterCounts::line() const {
  return fmt::format("trainable params: {} || all params: {} || trainable%: {:.4f}", with_thousands(trainable), with_thousands(all),
                     percent());
}

std::string ParameterCounts::split() const {
  const int64_t rest = trainable - adapter - head;
  std::string s;
  const auto part = [&](const char* name, int64_t n) {
    if (n) s += fmt::format("{}{} {}", s.empty() ? "" : " + ", name, with_thousands(n));
  };
  part("adapter", adapter);
  part("head", head);
  part("base", rest);
  return fmt::format("{} = {} trainable", s.empty() ? "nothing" : s, with_thousands(trainable));
}

}  // namespace attune
