#include "worker/consumer/state_db.h"

#include <celeriac/error.h>
#include <celeriac/json.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

namespace celeriac::worker {

namespace {

constexpr int kVersion = 1;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw ConfigError(path + ": not a state file of celeriac (" + why +
                    "); give --statedb another path, or remove the file");
}

}  // namespace

std::vector<std::string> StateDb::load() const {
  std::ifstream file(path_, std::ios::binary);
  if (!enabled() || !file) return {};
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Json document;
  try {
    document = parse_json(text);
  } catch (const MessageError& error) {
    refuse(path_, error.what());
  }
  const Json::Array* list = document["revoked"].as_array();
  if (document["version"] != Json(kVersion) || !list) refuse(path_, "another version");
  std::vector<std::string> ids;
  for (const Json& id : *list) {
    if (const std::string* value = id.as_string()) ids.push_back(*value);
  }
  return ids;
}

void StateDb::save(const std::vector<std::string>& revoked) const {
  if (!enabled()) return;
  Json::Array ids;
  for (const std::string& id : revoked) ids.emplace_back(id);
  const std::string fresh = path_ + ".new";
  std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
  file << dump_json(Json::object({{"version", kVersion}, {"revoked", std::move(ids)}})) << '\n';
  file.close();
  if (!file || std::rename(fresh.c_str(), path_.c_str()) != 0) {
    throw Error("cannot write the state file " + path_ + ": " + std::strerror(errno));
  }
}

}  // namespace celeriac::worker
