// The alert part of the YAML file: sources, channels, rules and the tasks bound to them.
#pragma once

#include <celeriac/config_reader.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tasks/alerts/rule.h"

namespace celeriac::alerts {

struct Config {
  std::map<std::string, Source> sources;
  std::map<std::string, Channel> channels;
  std::map<std::string, Rule> rules;
  std::vector<Binding> tasks;
  std::optional<std::string> redis;  // unset: alarms are remembered in memory

  bool empty() const { return rules.empty(); }
};

// Reads the keys `sources`, `channels`, `redis`, `defaults`, `rules` and `tasks` of the file's top
// map. Mistakes are noted in its document; the caller finishes the map and throws them.
Config read_alert_rules(ConfigMapView& top);

}  // namespace celeriac::alerts
