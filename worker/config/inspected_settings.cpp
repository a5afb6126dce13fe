// The settings as `celery inspect conf` and `report` show them.
#include <regex>

#include "worker/config/settings.h"

namespace celeriac::worker {

namespace {

// Celery's mask in remote control; in its log and banner it is `**`.
constexpr std::string_view kInspectMask = "********";

// Celery 5.x, app/utils.py HIDDEN_SETTINGS.
bool is_hidden(std::string_view name) {
  static const std::regex words("API|TOKEN|KEY|SECRET|PASS|PROFANITIES_LIST|SIGNATURE|DATABASE",
                                std::regex::icase);
  return std::regex_search(name.begin(), name.end(), words);
}

Json masked_url(std::string text) {
  constexpr std::string_view kShown = ":**@";  // nothing else in a shown address looks so
  for (std::size_t at = 0; (at = text.find(kShown, at)) != std::string::npos; ++at) {
    text.replace(at + 1, 2, kInspectMask);
  }
  return Json(std::move(text));
}

Json masked(std::string_view name, const Json& value) {
  if (const JsonObject* object = value.as_object()) {
    JsonObject inner;
    for (const auto& [key, item] : *object) inner.set(key, masked(key, item));
    return Json(std::move(inner));
  }
  if (is_hidden(name)) return Json(kInspectMask);
  const std::string* text = value.as_string();
  return text ? masked_url(*text) : value;
}

}  // namespace

JsonObject inspected_settings(const Settings& settings) {
  JsonObject object;
  for (const Setting& setting : setting_table()) {
    object.set(setting.name, masked(setting.name, setting.show(settings)));
  }
  for (const MeaninglessSetting& setting : meaningless_settings()) {
    object.set(setting.name, setting.in_force);
  }
  object.set("deprecated_settings", Json());  // there are none
  return object;
}

}  // namespace celeriac::worker
