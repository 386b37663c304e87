#include "report/point_names.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace attune::report {
namespace {

struct Box {
  double x, y, width, height;
  bool holds(double px, double py) const { return x <= px && px <= x + width && y <= py && py <= y + height; }
  bool meets(const Box& b) const { return x < b.x + b.width && b.x < x + width && y < b.y + b.height && b.y < y + height; }
};

/// No name may cover these, and no line to a name cross a point.
struct Drawn {
  std::vector<Box> points, whiskers;
};
Drawn drawn_parts(const Chart& chart, const NameScales& at) {
  Drawn parts;
  for (const Series& s : chart.series)
    for (size_t i = 0; i < s.y.size(); ++i) {
      const double x = at.x(s.x[i]), y = at.y(s.y[i]);
      if (!s.dashed) parts.points.push_back({x - 0.008, y - 0.014, 0.016, 0.028});
      if (s.has_whisker(i)) parts.whiskers.push_back({x - 0.003, at.y(s.low[i]), 0.006, at.y(s.high[i]) - at.y(s.low[i])});
    }
  return parts;
}

/// A name's middle `up` above the point, its nearer end `away` to the right or left.
struct Offset {
  bool left;
  double away, up;
  static constexpr double kLine = 0.042, kGap = 0.016;
  Box box(double x, double y, double width) const { return {left ? x - width - away : x + away, y + up - kLine / 2, width, kLine}; }
  bool is_far() const { return away > kGap || std::fabs(up) > kLine; }
  /// The line from (x, y) runs into a point other than its own.
  bool crosses(double x, double y, const std::vector<Box>& points) const {
    for (int i = 1; i <= 20; ++i) {
      const double px = x + 0.05 * i * (left ? -away : away), py = y + 0.05 * i * up;
      if (std::any_of(points.begin(), points.end(), [&](const Box& b) { return b.holds(px, py) && !b.holds(x, y); })) return true;
    }
    return false;
  }
};

/// Nearest first, and right before left. None far away and level: its line would lie on what it passes.
std::vector<Offset> offsets(double aspect) {
  std::vector<Offset> all;
  for (const double away : {Offset::kGap, 0.05, 0.09, 0.13, 0.17, 0.25, 0.35})
    for (const double lines : {0.0, 0.7, 1.4, 2.1, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0})
      for (const bool left : {false, true})
        for (const int sign : {1, -1})
          if (away == Offset::kGap || lines > 1) all.push_back({left, away, sign * lines * Offset::kLine});
  const auto length = [&](const Offset& o) { return std::hypot(o.away * aspect, o.up); };
  std::stable_sort(all.begin(), all.end(), [&](const Offset& a, const Offset& b) { return length(a) < length(b); });
  return all;
}

bool is_ringed(const Series& s, size_t i) { return std::find(s.marked.begin(), s.marked.end(), i) != s.marked.end(); }

std::vector<size_t> naming_order(const Series& s) {
  std::vector<size_t> order(s.labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_partition(order.begin(), order.end(), [&](size_t i) { return is_ringed(s, i); });
  return order;
}

}  // namespace

std::vector<PointName> place_names(const Chart& chart, const NameScales& scales) {
  const Drawn drawn = drawn_parts(chart, scales);
  const std::vector<Offset> nearest_first = offsets(scales.aspect);
  std::vector<Box> taken;
  std::vector<PointName> names;
  for (const Series& s : chart.series)
    for (const size_t i : naming_order(s)) {
      if (s.labels[i].empty() || !std::isfinite(s.x[i]) || !std::isfinite(s.y[i])) continue;
      const double x = scales.x(s.x[i]), y = scales.y(s.y[i]), width = scales.width(s.labels[i]);
      const bool ringed = is_ringed(s, i);
      if (!ringed && std::any_of(s.marked.begin(), s.marked.end(), [&](size_t m) { return std::fabs(scales.x(s.x[m]) - x) < 0.016 && std::fabs(scales.y(s.y[m]) - y) < 0.028; })) continue;
      const auto fits = [&](const Offset& o) {
        const Box box = o.box(x, y, width);
        const auto is_free = [&](const std::vector<Box>& boxes) { return std::none_of(boxes.begin(), boxes.end(), [&](const Box& b) { return b.meets(box); }); };
        if (box.x < 0 || box.x + width > 1.02 || box.y < 0 || box.y + box.height > 1) return false;
        return is_free(drawn.points) && is_free(drawn.whiskers) && is_free(taken) && (!o.is_far() || (ringed && !o.crosses(x, y, drawn.points)));
      };
      const auto found = std::find_if(nearest_first.begin(), nearest_first.end(), fits);
      if (found == nearest_first.end()) continue;
      const Box box = found->box(x, y, width);
      taken.push_back(box);
      names.push_back({s.labels[i], x, y, found->left ? box.x + width : box.x, y + found->up, found->left, found->is_far()});
    }
  return names;
}

}  // namespace attune::report
