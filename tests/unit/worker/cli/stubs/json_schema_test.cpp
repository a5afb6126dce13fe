#include "worker/cli/stubs/json_schema.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

std::string half(std::int8_t number) {
  return std::to_string(number / 2);
}

TEST(JsonSchema, DescribesArgumentsByNameAndByPositionAndTheResult) {
  Registry registry;
  registry.add("half", half, params(param("number", 2)), {.description = "Halves."});
  EXPECT_EQ(indented_json(json_schema(registry.tasks())), R"JSON({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$defs": {
    "half": {
      "type": "object",
      "description": "Halves.",
      "properties": {
        "arguments": {
          "type": "object",
          "properties": {
            "number": {
              "type": "integer",
              "minimum": -128,
              "maximum": 127,
              "default": 2
            }
          },
          "required": [],
          "additionalProperties": false
        },
        "positional": {
          "type": "array",
          "prefixItems": [
            {
              "type": "integer",
              "minimum": -128,
              "maximum": 127,
              "default": 2
            }
          ],
          "items": false,
          "minItems": 0
        },
        "result": {
          "type": "string"
        }
      }
    }
  }
}
)JSON");
}

TEST(JsonSchema, AllowsAnythingOfATaskThatWasDefinedWithoutTypes) {
  Registry registry;
  registry.add(TaskDefinition{.name = "raw",
                              .options = {},
                              .body = TaskDefinition::Function{},
                              .parameters = {Parameter{"x", "", std::nullopt}},
                              .returns = ""});
  const Json task = json_schema(registry.tasks())["$defs"]["raw"]["properties"];
  EXPECT_EQ(task["result"], Json::object());
  EXPECT_EQ(task["arguments"]["properties"]["x"], Json::object());
}

}  // namespace
}  // namespace celeriac::worker
