#include "worker/cli/process.h"

#include <celeriac/error.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace celeriac::worker {
namespace {

constexpr const char* kDetachedMark = "CELERIAC_DETACHED";

std::optional<unsigned> number(const std::string& text, int base) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

[[noreturn]] void refused(const std::string& what) {
  throw ConfigError("cannot " + what + ": " + std::strerror(errno));
}

gid_t group_id(const std::string& name) {
  if (const auto id = number(name, 10)) return *id;
  const struct group* entry = ::getgrnam(name.c_str());
  if (!entry) throw ConfigError("--gid: there is no group '" + name + "'");
  return entry->gr_gid;
}

void take_user(const std::string& name, const std::string& group) {
  const auto id = number(name, 10);
  const passwd* entry = id ? ::getpwuid(*id) : ::getpwnam(name.c_str());
  if (!entry && !id) throw ConfigError("--uid: there is no user '" + name + "'");
  const uid_t uid = entry ? entry->pw_uid : *id;
  const gid_t gid = !group.empty() ? group_id(group) : entry ? entry->pw_gid : ::getgid();
  if (uid == ::getuid() && gid == ::getgid()) return;
  if (::setgid(gid) != 0) refused("become group " + std::to_string(gid));
  if (entry && ::initgroups(entry->pw_name, gid) != 0) {
    refused("take the groups of user '" + name + "'");
  }
  if (::setuid(uid) != 0) refused("become user '" + name + "'");
}

}  // namespace

bool is_detached_child() {
  return ::getenv(kDetachedMark) != nullptr;
}

void enter_directory(const std::string& directory) {
  if (::chdir(directory.c_str()) != 0) refused("work in the directory '" + directory + "'");
}

void take_identity(const ProcessSettings& settings) {
  if (!settings.umask.empty()) {
    const auto mask = number(settings.umask, 8);
    if (!mask || *mask > 0777) {
      throw ConfigError("--umask is '" + settings.umask + "'; it must be octal, as 022");
    }
    ::umask(static_cast<mode_t>(*mask));
  }
  if (!settings.uid.empty()) {
    take_user(settings.uid, settings.gid);
  } else if (!settings.gid.empty()) {
    const gid_t gid = group_id(settings.gid);
    if (gid != ::getgid() && ::setgid(gid) != 0) refused("become group '" + settings.gid + "'");
  }
}

void detach(char** argv) {
  const pid_t first = ::fork();
  if (first < 0) refused("go into the background");
  if (first > 0) {
    ::waitpid(first, nullptr, 0);
    return;
  }
  // Only calls that are safe after fork from here on. The second fork gives up the session's
  // lead, so that no terminal is ever ours again.
  ::setsid();
  if (::fork() != 0) ::_exit(0);
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (int standard = 0; standard <= 2; ++standard) ::dup2(nowhere, standard);
  if (nowhere > 2) ::close(nowhere);
  ::setenv(kDetachedMark, "1", 1);
  ::execv("/proc/self/exe", argv);
  ::_exit(1);
}

}  // namespace celeriac::worker
