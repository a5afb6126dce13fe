#include "worker/cli/banner.h"

#include <gnu/libc-version.h>
#include <sys/utsname.h>

namespace celeriac::worker {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

}  // namespace

std::string to_text(const Banner& banner) {
  std::string text = " \n -------------- " + banner.nodename + " v" + banner.version +
                     " (celeriac)\n--- ***** ----- \n-- ******* ---- " + banner.platform + " " +
                     banner.time + "\n- *** --- * --- \n- ** ---------- [config]\n";
  text += "- ** ---------- .> app:         " + banner.app + "\n";
  text += "- ** ---------- .> transport:   " + banner.transport + "\n";
  text += "- ** ---------- .> results:     " + banner.results + "\n";
  text += "- *** --- * --- .> concurrency: " + banner.concurrency + "\n";
  text += std::string("-- ******* ---- .> task events: ") +
          (banner.task_events ? "ON" : "OFF (enable -E to monitor tasks in this worker)") + "\n";
  text += "--- ***** ----- \n -------------- [queues]\n";
  for (const protocol::Queue& queue : banner.queues) {
    text += "                .> " + padded(queue.name, 16) + " exchange=" + queue.exchange.name +
            "(" + queue.exchange.type + ") key=" + queue.routing_key + "\n";
  }
  if (!banner.tasks.empty()) {
    text += "\n[tasks]\n";
    for (const std::string& task : banner.tasks) text += "  . " + task + "\n";
  }
  return text + "\n";
}

std::string platform_name() {
  utsname name{};
  ::uname(&name);
  return std::string(name.sysname) + "-" + name.release + "-" + name.machine + "-with-glibc" +
         ::gnu_get_libc_version();
}

}  // namespace celeriac::worker
