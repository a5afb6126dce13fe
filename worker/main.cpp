// The stock program: a worker with the alert tasks in it.
#include <celeriac/error.h>

#include <string>

#include "tasks/alerts/alerts.h"
#include "worker/cli/program.h"
#include "worker/clients/redis_address.h"

namespace {

// The tasks hand the address to our client, which alone knows all that may be wrong with it.
void check_redis(const celeriac::ConfigValueView& redis) {
  if (!redis.is_scalar()) return;
  const std::string& url = redis.node()->text;
  if (url.find("://") == std::string::npos) {
    redis.mistake("`redis` is no address; write it like redis://127.0.0.1:6379/1");
    return;
  }
  try {
    static_cast<void>(celeriac::worker::parse_redis_url(url));
  } catch (const celeriac::ConfigError& error) {
    redis.mistake(error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  // Of several files with rules the last counts.
  celeriac::alerts::Config rules;
  const celeriac::worker::Extension alerts{
      .read =
          [&rules](celeriac::ConfigMapView& top) {
            auto read = celeriac::alerts::read_alert_rules(top);
            check_redis(top.get("redis"));
            if (!read.empty()) rules = std::move(read);
          },
      .register_tasks =
          [&rules](celeriac::Registry& registry) {
            celeriac::alerts::register_tasks(registry, rules);
          },
      .start_line = [&rules] { return celeriac::alerts::start_line(rules); }};
  return celeriac::worker::run_program(argc, argv, {alerts});
}
