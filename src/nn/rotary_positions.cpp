#include "nn/rotary_positions.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/suggest.h"

namespace attune {
namespace {

constexpr double kPi = 3.14159265358979323846;

/// The `rope_*` object with its place in the file.
struct RopeValues {
  Json json = Json::object();
  std::string where;

  double required(const char* key) const {
    if (!json.contains(key) || json[key].is_null()) refuse(std::string(key) + " is missing");
    return positive(key, 0);
  }
  double positive(const char* key, double absent) const {
    const double x = get_number(json, key, absent, where);
    if (!(x > 0) || !std::isfinite(x)) refuse(std::string(key) + " must be above 0");
    return x;
  }
  [[noreturn]] void refuse(std::string what) const { fail(ErrorCode::kInput, {.id = "config.rope", .where = where, .what = std::move(what)}); }
};

RopeValues values_of(const ModelConfig& c) {
  RopeValues v;
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const auto it = c.json.find(key);
    if (it == c.json.end() || it->is_null()) continue;
    v.where = c.where + " (" + key + ")";
    if (!it->is_object()) v.refuse("is no object");
    v.json = *it;
    break;
  }
  if (v.where.empty()) v.where = c.where;
  for (const char* key : {"rope_theta", "partial_rotary_factor"})
    if (!v.json.contains(key) && c.json.contains(key)) v.json[key] = c.json[key];
  if (const auto it = c.json.find("original_max_position_embeddings"); it != c.json.end() && !it->is_null()) v.json["original_max_position_embeddings"] = *it;
  return v;
}

}  // namespace

std::vector<float> RotaryPositions::plain(double theta) const {
  std::vector<float> f;
  for (int64_t i = 0; i < dim_; i += 2) f.push_back(static_cast<float>(1.0 / std::pow(theta, static_cast<double>(i) / static_cast<double>(dim_))));
  return f;
}

RotaryPositions::RotaryPositions(const ModelConfig& c, int64_t head_dim, int64_t max_positions) : dim_(head_dim), max_positions_(max_positions) {
  if (head_dim % 2 != 0)
    fail(ErrorCode::kInput, {.id = "config.head_dim", .where = c.where, .what = "rotary positions need an even head size", .got = std::to_string(head_dim)});
  const RopeValues v = values_of(c);
  theta_ = v.positive("rope_theta", 10000.0);
  const std::string type = get_string(v.json, "rope_type", get_string(v.json, "type", "default", v.where), v.where);
  frequencies_ = plain(theta_);
  if (type == "default") return;  // Llama keeps partial_rotary_factor but does not use it here
  static const std::vector<std::string> known{"default", "linear", "dynamic", "llama3", "yarn"};
  if (std::find(known.begin(), known.end(), type) == known.end())
    fail(ErrorCode::kInput, {.id = "config.rope_type", .where = v.where, .what = "rope type \"" + type + "\" is not supported", .expected = "default, linear, dynamic, llama3 or yarn", .hint = suggestion(type, known)});
  if (get_number(v.json, "partial_rotary_factor", 1.0, v.where) != 1.0) v.refuse("partial_rotary_factor is not supported with rope type \"" + type + "\"");
  const double s = v.required("factor"), dim = static_cast<double>(dim_);
  const double original = v.positive("original_max_position_embeddings", static_cast<double>(max_positions));
  if (type == "linear") {
    for (float& f : frequencies_) f = static_cast<float>(static_cast<double>(f) / s);
  } else if (type == "dynamic") {
    if (dim_ <= 2) v.refuse("rope type \"dynamic\" needs a head size above 2");
    dynamic_factor_ = s;
  } else if (type == "llama3") {
    const double low = v.required("low_freq_factor"), high = v.required("high_freq_factor");
    if (high <= low) v.refuse("high_freq_factor must be above low_freq_factor");
    for (float& f : frequencies_) {
      const double x = static_cast<double>(f), wavelength = 2 * kPi / x;
      const double t = (original / wavelength - low) / (high - low);
      f = static_cast<float>(wavelength < original / high ? x : wavelength > original / low ? x / s : (1 - t) * x / s + t * x);
    }
  } else {
    const auto dimension_of = [&](double rotations) { return dim * std::log(original / (rotations * 2 * kPi)) / (2 * std::log(theta_)); };
    double low = dimension_of(v.positive("beta_fast", 32)), high = dimension_of(v.positive("beta_slow", 1));
    if (get_bool(v.json, "truncate", true, v.where)) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, dim - 1);
    if (low == high) high += 0.001;
    for (size_t i = 0; i < frequencies_.size(); ++i) {
      const double x = static_cast<double>(frequencies_[i]), ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
      frequencies_[i] = static_cast<float>(x / s * ramp + x * (1 - ramp));
    }
    const auto scale = [&](double m) { return s <= 1 ? 1.0 : 0.1 * m * std::log(s) + 1; };
    const double mscale = get_number(v.json, "mscale", 0, v.where), all = get_number(v.json, "mscale_all_dim", 0, v.where);
    attention_factor_ = static_cast<float>(get_number(v.json, "attention_factor", mscale != 0 && all != 0 ? scale(mscale) / scale(all) : scale(1), v.where));
  }
}

std::vector<float> RotaryPositions::frequencies(int64_t length) const {
  if (dynamic_factor_ <= 0 || length <= max_positions_) return frequencies_;
  const double dim = static_cast<double>(dim_), l = static_cast<double>(length), m = static_cast<double>(max_positions_);
  return plain(theta_ * std::pow(dynamic_factor_ * l / m - (dynamic_factor_ - 1), dim / (dim - 2)));
}

Tensor RotaryPositions::table(const Batch& batch) const {
  const int64_t half = dim_ / 2;
  Tensor t({batch.tokens(), dim_});
  for (int64_t b = 0; b < batch.sequences(); ++b) {
    const int64_t begin = batch.starts[static_cast<size_t>(b)], end = batch.starts[static_cast<size_t>(b) + 1];
    int64_t length = 0;
    for (int64_t i = begin; i < end; ++i) length = std::max<int64_t>(length, batch.positions[static_cast<size_t>(i)] + 1);
    const std::vector<float> f = frequencies(length);
    for (int64_t i = begin; i < end; ++i) {
      float* row = t.f32() + i * dim_;
      const auto position = static_cast<float>(batch.positions[static_cast<size_t>(i)]);
      for (int64_t e = 0; e < half; ++e) {
        const double angle = static_cast<double>(position * f[static_cast<size_t>(e)]);  // rounded to F32 as transformers does
        row[e] = static_cast<float>(std::cos(angle)) * attention_factor_;
        row[half + e] = static_cast<float>(std::sin(angle)) * attention_factor_;
      }
    }
  }
  return t;
}

}  // namespace attune
