// The stock program: a worker with the alert tasks in it.
#include "tasks/alerts/alerts.h"
#include "worker/cli/program.h"

int main(int argc, char** argv) {
  // Of several files with rules the last counts.
  celeriac::alerts::Config rules;
  const celeriac::worker::Extension alerts{
      .read =
          [&rules](celeriac::ConfigMapView& top) {
            auto read = celeriac::alerts::read_alert_rules(top);
            if (!read.empty()) rules = std::move(read);
          },
      .register_tasks =
          [&rules](celeriac::Registry& registry) {
            celeriac::alerts::register_tasks(registry, rules);
          },
      .start_line = [&rules] { return celeriac::alerts::start_line(rules); }};
  return celeriac::worker::run_program(argc, argv, {alerts});
}
