#pragma once

namespace attune {

/// The form a matrix's values are stored in.
enum class StoredForm { kPlain, kNf4, kInt8 };

}  // namespace attune
