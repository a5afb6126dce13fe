#include "worker/config/load.h"

namespace celeriac::worker {
namespace {

// A table's cell must not contain its own separator.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c;
  }
  return result;
}

std::string shown_option(const Setting& setting) {
  if (setting.option.empty()) return "";
  std::string shown = "`";
  for (const char c : setting.option) {
    if (c == ',') {
      shown += "` `";
    } else {
      shown += c;
    }
  }
  return shown + "`";
}

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Written by `celeriac docs settings` from the settings' own definitions; do not edit. -->

A setting has one name everywhere. It is read from, each stronger than the one before:

1. the file given with `--config FILE.yaml` (repeatable), under `worker:`;
2. the environment: `CELERY_` and the name in capitals (`CELERY_BROKER_URL`, `CELERY_TASK_ACKS_LATE`),
   or `CELERY_WORKER_` and the name of the option (`CELERY_WORKER_TASK_EVENTS=1`);
3. the command line: the option, or `NAME=VALUE` behind the options of `celeriac worker`.

```yaml
worker:
  broker_url: amqp://${RABBITMQ_USER}:${RABBITMQ_PASSWORD}@rabbitmq:5672//
  result_backend: redis://${REDIS_HOST:-localhost}:6379/0
  worker_concurrency: 4
  task_queues:
    - celery
    - {name: reports, queue_arguments: {x-queue-type: quorum}}
  task_routes:
    "reports.*": reports
```

The same file may hold the alert rules (`sources`, `channels`, `rules` …) beside `worker:`.
`${VARIABLE}` is a variable of the environment, `${VARIABLE:-default}` has a default, `$${` is a plain `${`.
An unknown key is an error that names its place and the key that was probably meant.

`celeriac check FILE.yaml` reports every mistake in a file; `celeriac worker --print-config` shows what is
in force, without passwords.
)";

}  // namespace

std::string settings_reference() {
  const Settings defaults;
  std::string text(kIntroduction);
  std::string topic;
  for (const Setting& setting : setting_table()) {
    if (setting.topic != topic) {
      topic = setting.topic;
      text += "\n## " + topic +
              "\n\n| setting | default | option | meaning |\n| --- | --- | --- | --- |\n";
    }
    const Json shown = setting.show(defaults);
    text += "| `" + setting.name + "` | " +
            (shown.is_null() ? "" : "`" + cell(dump_json(shown)) + "`") + " | " +
            shown_option(setting) + " | " + cell(setting.meaning) + " *" + cell(setting.type) +
            "* |\n";
  }
  text += "\n## Accepted without effect\n\nThese settings of Celery are read with one warning.\n\n";
  text += "| setting | why |\n| --- | --- |\n";
  for (const MeaninglessSetting& setting : meaningless_settings()) {
    text += "| `" + setting.name + "` | " + cell(setting.reason) + " |\n";
  }
  return text;
}

}  // namespace celeriac::worker
