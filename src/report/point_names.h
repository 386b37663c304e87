// Where the names of points stand in a picture, so that none hides a point, a whisker or another name. page/drawing.js does the same on the page.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "report/chart.h"

namespace attune::report {

/// Places are shares of the plot's width and height, from the lower left.
struct PointName {
  std::string text;
  double point_x, point_y;
  double x, y;  ///< of the end nearer to the point, half way up the name
  bool left;    ///< of the point: the name ends at x
  bool led;     ///< too far from its point to be understood without a line
};

struct NameScales {
  std::function<double(double)> x, y;                 ///< values to shares
  std::function<double(const std::string&)> width;    ///< of a name, as a share
  double aspect;                                      ///< width to height of the plot
};

/// Names of ringed points first: they go as far as they must. Those of others stand beside their points or are left out, as they are under a ring,
/// where they would be taken for the ringed point's.
std::vector<PointName> place_names(const Chart& chart, const NameScales& scales);

}  // namespace attune::report
