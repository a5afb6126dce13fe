// Everything a worker program is told, and the table that defines each setting once.
//
// From the table come the YAML reader, the environment, the command line's options,
// `--print-config`, `celery inspect conf` and docs/configuration.md.
#pragma once

#include <celeriac/config_reader.h>
#include <celeriac/json.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/log/settings.h"
#include "worker/worker.h"

namespace celeriac::worker {

// What the process does about itself before and around the worker.
struct ProcessSettings {
  std::vector<std::string> modules;  // -A, in order
  bool detach = false;
  std::string pidfile;
  std::string uid, gid;  // names or numbers
  std::string umask;     // octal, as in a shell
  bool quiet = false;    // no banner
};

// Celery's three broker addresses; `settle` makes of them what the broker is told.
struct BrokerAddresses {
  std::vector<std::string> url, read_url, write_url;
};

struct Settings {
  BrokerAddresses addresses;
  WorkerSettings worker;
  LogSettings log;
  ProcessSettings process;
};

struct Setting {
  std::string name;     // Celery's lower-case name, or our own
  std::string topic;    // the heading it stands under in the documentation
  std::string type;     // "true or false", "whole number from 0" … for people
  std::string meaning;  // what it does, with its unit
  // The worker's options on the command line, "-c,--concurrency", and what their value is
  // called. An option without a placeholder is a flag, and stands for `flag_value`.
  std::string option, placeholder, flag_value;
  // Its text in the environment or on the command line is YAML: a map, or a list of maps.
  bool structured = false;
  // May hold a password or a token.
  bool secret = false;

  // Takes the value if there is one, and notes what is wrong with it.
  std::function<void(Settings&, const ConfigValueView&)> read;
  // The value in force, secrets hidden.
  std::function<Json(const Settings&)> show;
};

// In the order of the documentation.
const std::vector<Setting>& setting_table();
const Setting* find_setting(std::string_view name);

// Settings of Celery that mean nothing here: accepted, and warned of once with the reason.
struct MeaninglessSetting {
  std::string name;
  std::string reason;
  Json in_force;  // the value that comes closest to what happens here
};
const std::vector<MeaninglessSetting>& meaningless_settings();

// Fills in what follows from other settings, after the last source was read.
void settle(Settings& settings);

// Every setting in force and what means nothing here, for `celery inspect conf`: hidden is what
// Celery hides there.
JsonObject inspected_settings(const Settings& settings);

}  // namespace celeriac::worker
