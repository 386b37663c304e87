// Rows picked out of a matrix, and their gradient put back.
#include "kernels/reference/reference.h"

namespace attune::reference {

void gather_rows(const Context&, int64_t r, int64_t c, const int64_t* rows, const float* x, int64_t x_pitch, float* y, int64_t y_pitch) {
  for (int64_t i = 0; i < r; ++i) {
    for (int64_t j = 0; j < c; ++j) y[i * y_pitch + j] = x[rows[i] * x_pitch + j];
  }
}

void scatter_add_rows(const Context&, int64_t r, int64_t c, const int64_t* rows, const float* dy, int64_t dy_pitch, float* dx,
                      int64_t dx_pitch) {
  for (int64_t i = 0; i < r; ++i) {
    for (int64_t j = 0; j < c; ++j) dx[rows[i] * dx_pitch + j] += dy[i * dy_pitch + j];
  }
}

}  // namespace attune::reference
