#include "base/error.h"

#include <fmt/format.h>

namespace attune {
namespace {

std::string message(const ErrorInfo& i) {
  std::string s = i.where.empty() ? i.what : i.where + ": " + i.what;
  if (!i.expected.empty()) s += "; expected " + i.expected;
  if (!i.got.empty()) s += (i.expected.empty() ? "; got " : ", got ") + i.got;
  if (!i.hint.empty()) s += "\n  hint: " + i.hint;
  return s;
}

}  // namespace

Error::Error(ErrorCode code, ErrorInfo info) : code_(code), info_(std::move(info)), text_(message(info_)) {}

void fail(ErrorCode code, ErrorInfo info) { throw Error(code, std::move(info)); }

Bug::Bug(const std::string& what, const char* file, int line) : std::logic_error(fmt::format("{}:{}: {}", file, line, what)) {}

std::string Problems::list() const {
  std::string s;
  for (const auto& p : first_) s += "\n  - " + p;
  if (count_ > first_.size()) s += fmt::format("\n  ... and {} more", count_ - first_.size());
  return s;
}

}  // namespace attune
