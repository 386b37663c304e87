// Where the real data sets are: ATTUNE_DATA_DIR, else ../shared/data beside the source. Tests that need them skip where they are absent.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"

namespace attune {

inline fs::path data_dir() {
  const char* set = std::getenv("ATTUNE_DATA_DIR");
  return set != nullptr ? fs::path(set) : fs::path(ATTUNE_SOURCE_DIR).parent_path() / "shared/data";
}

}  // namespace attune

#define ATTUNE_NEEDS_DATA()                                                                 \
  if (!::attune::folder_exists(::attune::data_dir())) {                                     \
    GTEST_SKIP() << "no data sets in " << ::attune::data_dir() << " (set ATTUNE_DATA_DIR)"; \
  }
