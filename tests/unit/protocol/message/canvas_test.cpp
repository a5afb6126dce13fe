// Against tests/golden/canvas.json: what Celery publishes for the same workflows.

#include "protocol/message/canvas.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

namespace celeriac::protocol {
namespace {

CanvasContext in_task(const std::string& id, const std::string& root) {
  CanvasContext context;
  context.new_id = [next = 0]() mutable { return "new-" + std::to_string(++next) + "-"; };
  context.origin = "gen1@host1";
  context.parent_id = id;
  context.root_id = root;
  context.oid = "oid";
  return context;
}

// Sorted, without null options: they say nothing.
Json plain(const Json& value) {
  if (const Json::Array* items = value.as_array()) {
    Json::Array list;
    for (const Json& item : *items) list.push_back(plain(item));
    return list;
  }
  const JsonObject* object = value.as_object();
  if (!object) return value;
  std::map<std::string, Json> sorted;
  for (const auto& [key, member] : *object) sorted[key] = plain(member);
  if (const JsonObject* options = sorted["options"].as_object()) {
    JsonObject given;
    for (const auto& [key, option] : *options) {
      if (!option.is_null()) given.set(key, option);
    }
    sorted["options"] = given;
  } else {
    sorted.erase("options");
  }
  JsonObject result;
  for (auto& [key, member] : sorted) result.set(key, std::move(member));
  return result;
}

// `#1`, `#2` … in the place of new ids, in their order.
std::string numbered(const Json& value) {
  std::string text = dump_json(plain(value));
  static const std::regex id("new-[0-9]+-");
  std::map<std::string, std::size_t> numbers;
  std::string result;
  auto rest = text.cbegin();
  for (std::sregex_iterator match(text.begin(), text.end(), id), end; match != end; ++match) {
    result.append(rest, (*match)[0].first);
    result +=
        "#" + std::to_string(numbers.try_emplace(match->str(), numbers.size() + 1).first->second);
    rest = (*match)[0].second;
  }
  return result.append(rest, text.cend());
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json describe(const TaskMessage& message) {
  Json stamped;
  if (!message.stamped_headers.empty()) {
    stamped = Json::Array(message.stamped_headers.begin(), message.stamped_headers.end());
  }
  return Json::object({{"task", message.task},
                       {"id", message.id},
                       {"root_id", message.root_id},
                       {"parent_id", text_or_null(message.parent_id)},
                       {"group", text_or_null(message.group)},
                       {"group_index", message.group_index},
                       {"stamped_headers", stamped},
                       {"stamps", message.stamps},
                       {"delayed", message.eta.has_value()},
                       {"priority", message.priority},
                       {"body", Json::array({message.args, message.kwargs,
                                             Json::object({{"callbacks", message.callbacks},
                                                           {"errbacks", message.errbacks},
                                                           {"chain", message.chain},
                                                           {"chord", message.chord}})})}});
}

Json::Array describe(const std::vector<Effect>& effects) {
  Json::Array sent;
  for (const Effect& effect : effects) {
    if (const auto* publish = std::get_if<PublishTask>(&effect)) {
      sent.push_back(Json::object({{"publish", describe(publish->message)}}));
    } else if (const auto* size = std::get_if<SetChordSize>(&effect)) {
      sent.push_back(Json::object({{"size", Json::array({size->group_id, size->size})}}));
    } else if (const auto* group = std::get_if<SaveGroup>(&effect)) {
      sent.push_back(Json::object({{"save", group->result_tuple}}));
    }
  }
  return sent;
}

Json read_golden() {
  std::ifstream file(CELERIAC_GOLDEN_FOLDER "/canvas.json");
  std::ostringstream text;
  text << file.rdbuf();
  return parse_json(text.str());
}

class CanvasGolden : public testing::TestWithParam<Json> {};

TEST_P(CanvasGolden, PublishesWhatCeleryPublishes) {
  const Json& golden = GetParam();
  const Applied applied =
      apply_signature(Signature::from_json(golden["signature"]), *golden["args"].as_array(),
                      *golden["options"].as_object(), in_task("P", "R"));
  Json::Array sent = describe(applied.effects);
  sent.push_back(Json::object({{"result", applied.result_tuple}}));
  EXPECT_EQ(numbered(sent), dump_json(plain(golden["sent"])));
}

class ReplaceGolden : public testing::TestWithParam<Json> {};

TEST_P(ReplaceGolden, PublishesWhatCeleryPublishes) {
  const Json& golden = GetParam();
  const Json& request = golden["request"];
  TaskMessage message;
  message.id = "P";
  message.root_id = "R";
  message.callbacks = request["callbacks"];
  message.errbacks = request["errbacks"];
  message.chain = request["chain"];
  message.chord = request["chord"];
  message.group = request["group"].string_or("");
  message.group_index = request["group_index"].as_int();
  const std::vector<Effect> effects =
      replace_task(message, Signature::from_json(golden["signature"]), in_task("P", "R"));
  EXPECT_EQ(numbered(describe(effects)), dump_json(plain(golden["sent"])));
}

std::string name_of(const testing::TestParamInfo<Json>& info) {
  std::string name = info.param["name"].string_or("");
  std::ranges::replace(name, ' ', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, CanvasGolden, testing::ValuesIn(*read_golden()["cases"].as_array()),
                         name_of);
INSTANTIATE_TEST_SUITE_P(All, ReplaceGolden,
                         testing::ValuesIn(*read_golden()["replacements"].as_array()), name_of);

}  // namespace
}  // namespace celeriac::protocol
