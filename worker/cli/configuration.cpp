#include "worker/cli/configuration.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "worker/cli/module_loader.h"
#include "worker/config/load.h"

namespace celeriac::worker {
namespace {

constexpr int kFailure = 1;
constexpr int kUsageError = 2;

void read_file(const std::string& path, const std::vector<Extension>& extensions,
               const ConfigEnvironment& environment, Settings& settings,
               std::vector<std::string>& warnings, std::vector<ConfigMistake>& mistakes) {
  // A directory can be opened, and throws when it is read.
  if (std::filesystem::is_directory(path)) {
    mistakes.push_back({path, 0, 0, "is a directory"});
    return;
  }
  std::ifstream stream(path);
  if (!stream) {
    mistakes.push_back({path, 0, 0, std::string("cannot be read: ") + std::strerror(errno)});
    return;
  }
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  auto file = read_config(text, path, environment);
  // What is no YAML has no keys to check.
  if (file->ok() || file->root_node().kind == ConfigNode::Kind::map) {
    ConfigMapView top = file->root().map("the file");
    read_worker_section(top.get("worker"), settings, warnings);
    for (const Extension& extension : extensions) {
      if (extension.read) extension.read(top);
    }
    top.finish();
  }
  const auto found = file->mistakes();
  mistakes.insert(mistakes.end(), found.begin(), found.end());
}

}  // namespace

Configuration load_configuration(const CommandLine& line, const std::vector<Extension>& extensions,
                                 const ConfigEnvironment& environment) {
  Configuration result;
  result.warnings = line.warnings;
  for (const std::string& path : line.config_files) {
    read_file(path, extensions, environment, result.settings, result.warnings, result.mistakes);
  }
  read_environment(environment, result.settings, result.mistakes);
  for (const CommandLine::Given& given : line.given) {
    read_text(*given.setting, given.text, given.origin, result.settings, result.usage_mistakes);
  }
  settle(result.settings);
  return result;
}

std::vector<ConfigMistake> check_file(const std::string& path,
                                      const std::vector<Extension>& extensions,
                                      const ConfigEnvironment& environment,
                                      std::vector<std::string>& warnings) {
  Settings settings;
  std::vector<ConfigMistake> mistakes;
  read_file(path, extensions, environment, settings, warnings, mistakes);
  return mistakes;
}

int report(const Configuration& configuration) {
  for (const ConfigMistake& mistake : configuration.mistakes) {
    std::cerr << "Error: " << to_string(mistake) << "\n";
  }
  for (const ConfigMistake& mistake : configuration.usage_mistakes) {
    std::cerr << "Error: " << to_string(mistake) << "\n";
  }
  return configuration.mistakes.empty() ? kUsageError : kFailure;
}

void register_all(const Settings& settings, const std::vector<Extension>& extensions,
                  Registry& registry) {
  for (const Extension& extension : extensions) extension.register_tasks(registry);
  for (const std::string& module : settings.process.modules) load_module(module, registry);
}

ConfigEnvironment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (!value) return std::nullopt;
    return std::string(value);
  };
}

}  // namespace celeriac::worker
