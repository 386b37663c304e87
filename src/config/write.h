// A field list written out: as YAML that reads back, as JSON schema, as the help of a command.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "config/field.h"

namespace attune {

/// Every value as it is, sections in the order of the list.
std::string dump_yaml(const FieldList& list);
/// JSON Schema (draft 2020-12) of the YAML file: for editors.
nlohmann::ordered_json json_schema(const FieldList& list);
/// "  --learning-rate NUMBER   highest learning rate [5.0e-05]", grouped by section.
std::string flags_help(const FieldList& list);

}  // namespace attune
