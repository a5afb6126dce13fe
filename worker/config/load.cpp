#include "worker/config/load.h"

#include <algorithm>
#include <set>

namespace celeriac::worker {
namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
  return result;
}

// `TASK_EVENTS` of "-E,--task-events,--events": the option's name for the environment.
std::string option_variable(const Setting& setting) {
  const std::size_t dashes = setting.option.find("--");
  if (dashes == std::string::npos) return "";
  const std::size_t end = std::min(setting.option.find(',', dashes), setting.option.size());
  return "CELERY_WORKER_" + upper(setting.option.substr(dashes + 2, end - dashes - 2));
}

bool is_flag_option(const Setting& setting) {
  return !setting.flag_value.empty();
}

void take_mistakes(const ConfigDocument& document, std::vector<ConfigMistake>& mistakes) {
  const auto found = document.mistakes();
  mistakes.insert(mistakes.end(), found.begin(), found.end());
}

const MeaninglessSetting* find_meaningless(std::string_view name) {
  for (const MeaninglessSetting& setting : meaningless_settings()) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

// A flag option's variable is true or false, as click reads it; only true says anything.
void read_flag_variable(const Setting& setting, const std::string& text, const std::string& origin,
                        Settings& settings, std::vector<ConfigMistake>& mistakes) {
  auto document = config_of_text(text == "1" ? "true" : text == "0" ? "false" : text, origin);
  const auto on = document->root(origin).flag();
  take_mistakes(*document, mistakes);
  if (on.value_or(false)) read_text(setting, setting.flag_value, origin, settings, mistakes);
}

}  // namespace

void read_worker_section(ConfigValueView section, Settings& settings,
                         std::vector<std::string>& warnings) {
  ConfigMapView map = section.map("the worker section");
  for (const Setting& setting : setting_table()) setting.read(settings, map.get(setting.name));
  std::vector<std::string> accepted;
  if (section.is_map()) {
    for (const auto& [key, value] : section.node()->members) {
      const MeaninglessSetting* meaningless = find_meaningless(key.text);
      if (!meaningless) continue;
      warnings.push_back(key.text + " has no effect: " + meaningless->reason);
      accepted.push_back(key.text);
    }
  }
  map.finish(accepted);
}

std::vector<std::string> environment_names(const Setting& setting) {
  std::vector<std::string> names;
  if (setting.name == "broker_url" || setting.name == "result_backend") {
    names.push_back(upper(setting.name));  // Celery's command line reads them unprefixed, too
  }
  const std::string by_option = option_variable(setting);
  const std::string by_name = "CELERY_" + upper(setting.name);
  if (!by_option.empty() && by_option != by_name) names.push_back(by_option);
  names.push_back(by_name);
  return names;
}

void read_environment(const ConfigEnvironment& environment, Settings& settings,
                      std::vector<ConfigMistake>& mistakes) {
  for (const Setting& setting : setting_table()) {
    const std::string by_option = is_flag_option(setting) ? option_variable(setting) : "";
    for (const std::string& name : environment_names(setting)) {
      const auto value = environment(name);
      if (!value || value->empty()) continue;
      if (name == by_option) {
        read_flag_variable(setting, *value, name, settings, mistakes);
      } else {
        read_text(setting, *value, name, settings, mistakes);
      }
    }
  }
}

void read_text(const Setting& setting, const std::string& text, const std::string& origin,
               Settings& settings, std::vector<ConfigMistake>& mistakes) {
  auto document =
      setting.structured ? read_config(text, origin, nullptr) : config_of_text(text, origin);
  if (document->ok()) setting.read(settings, document->root(setting.name));
  for (ConfigMistake& mistake : document->mistakes()) {
    mistake.line = 0;
    if (setting.secret) {
      const std::size_t at = mistake.text.find(text);
      if (!text.empty() && at != std::string::npos) mistake.text.replace(at, text.size(), "…");
    }
    mistakes.push_back(mistake);
  }
}

std::string settings_as_yaml(const Settings& settings) {
  std::string yaml = "worker:\n";
  std::string topic;
  for (const Setting& setting : setting_table()) {
    if (setting.topic != topic) {
      topic = setting.topic;
      yaml += "  # " + topic + "\n";
    }
    yaml += "  " + setting.name + ": " + dump_json(setting.show(settings)) + "\n";
  }
  return yaml;
}

}  // namespace celeriac::worker
