#include "metrics/language.h"

#include <fmt/format.h>

#include <cmath>

namespace attune {

Json language_metrics(double loss, int64_t tokens, int64_t bytes) {
  Json m = Json::object();
  m["perplexity"] = std::exp(loss);
  m["bits_per_byte"] = bytes > 0 ? Json(loss * static_cast<double>(tokens) / (std::log(2.0) * static_cast<double>(bytes))) : Json(nullptr);
  m["tokens"] = tokens;
  m["bytes"] = bytes;
  return m;
}

std::string language_table(const Json& m) {
  std::string text = fmt::format("  perplexity     {:.3f} over {} tokens\n", m["perplexity"].get<double>(), m["tokens"].get<int64_t>());
  if (m["bits_per_byte"].is_number()) text += fmt::format("  bits per byte  {:.4f} over {} bytes\n", m["bits_per_byte"].get<double>(), m["bytes"].get<int64_t>());
  if (m.contains("stride")) text += fmt::format("  windows of {} tokens, moving by {}\n", m["context"].get<int64_t>(), m["stride"].get<int64_t>());
  return text;
}

}  // namespace attune
