// The error types are public: include/attune/error.h.
#pragma once

#include "attune/error.h"
