// Tasks as a JSON Schema, for gateways, validators and callers in other languages.
#pragma once

#include <celeriac/registry.h>

#include <vector>

namespace celeriac::worker {

// A document of draft 2020-12 with a definition for each task, under its name in `$defs`: an
// object whose properties are `arguments` (all by name), `positional` (all by position) and
// `result`. So `#/$defs/tasks.add/properties/arguments` is what `kwargs` must be.
Json json_schema(const std::vector<const TaskDefinition*>& tasks);

// Indented by two spaces, for people.
std::string indented_json(const Json& value);

}  // namespace celeriac::worker
