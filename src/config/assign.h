// A written value into a field, with its type, limits and choices checked.
#pragma once

#include <string>

#include "config/field.h"
#include "config/node.h"

namespace attune {

/// "" when the value was taken, else what is wrong: "expected a number of at least 0, got 'abc'". A refused value changes nothing.
std::string assign(const Field& field, const ConfigNode& value);

}  // namespace attune
