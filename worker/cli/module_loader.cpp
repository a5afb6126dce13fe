#include "worker/cli/module_loader.h"

#include <celeriac/error.h>
#include <celeriac/module.h>
#include <dlfcn.h>

#include <filesystem>

namespace celeriac::worker {
namespace {

using AbiFunction = int();
using RegisterFunction = void(Registry&);

template <class Function>
Function* symbol(void* module, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(module, name));
}

// The dynamic linker looks for a bare name in the system's directories only.
std::string with_directory(const std::string& path) {
  if (path.find('/') == std::string::npos && std::filesystem::exists(path)) return "./" + path;
  return path;
}

}  // namespace

void load_module(const std::string& path, Registry& registry) {
  void* module = ::dlopen(with_directory(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module) {
    const char* reason = ::dlerror();
    const bool is_file = path.ends_with(".so") || path.find(".so.") != std::string::npos;
    throw ConfigError("cannot load the task module '" + path +
                      "': " + (reason ? reason : "unknown reason") +
                      (is_file ? ""
                               : "; -A takes the path of a shared object made with "
                                 "CELERIAC_MODULE, not a Python application"));
  }
  auto* abi = symbol<AbiFunction>(module, "celeriac_module_abi");
  auto* register_tasks = symbol<RegisterFunction>(module, "celeriac_register_tasks");
  if (!abi || !register_tasks) {
    throw ConfigError("'" + path +
                      "' is no task module; write CELERIAC_MODULE(registry) { … } in one of its "
                      "files");
  }
  if (const int version = abi(); version != kModuleAbi) {
    throw ConfigError("the task module '" + path + "' was built for ABI " +
                      std::to_string(version) + " of celeriac, and this is ABI " +
                      std::to_string(kModuleAbi) + "; build it again with this version's headers");
  }
  try {
    register_tasks(registry);
  } catch (const ConfigError& error) {
    throw ConfigError("task module '" + path + "': " + error.what());
  }
}

}  // namespace celeriac::worker
