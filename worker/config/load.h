// Where settings come from: file < environment < command line.
#pragma once

#include <celeriac/config_reader.h>

#include <optional>
#include <string>
#include <vector>

#include "worker/config/settings.h"

namespace celeriac::worker {

// Reads the settings under `worker:`. Mistakes are noted in the document; the names of
// settings that mean nothing here are added to `warnings`, with the reason.
void read_worker_section(ConfigValueView section, Settings& settings,
                         std::vector<std::string>& warnings);

// Reads CELERY_BROKER_URL, CELERY_RESULT_BACKEND and their kin: CELERY_<SETTING> for every
// setting and CELERY_WORKER_<OPTION> for every option of the worker.
void read_environment(const ConfigEnvironment& environment, Settings& settings,
                      std::vector<ConfigMistake>& mistakes);

// Gives one setting a value written as text. `origin` names where it was written, as in
// "--concurrency".
void read_text(const Setting& setting, const std::string& text, const std::string& origin,
               Settings& settings, std::vector<ConfigMistake>& mistakes);

// The variables that set it, the strongest last.
std::vector<std::string> environment_names(const Setting& setting);

// docs/configuration.md, as the table says it.
std::string settings_reference();

// `--print-config`: the settings in force as YAML that reads back equal but for secrets.
std::string settings_as_yaml(const Settings& settings);

}  // namespace celeriac::worker
