// task_queues, task_routes and task_annotations: the settings with a shape of their own.
#pragma once

#include <celeriac/config_reader.h>

#include <optional>
#include <vector>

#include "protocol/message/queue.h"
#include "worker/consumer/settings.h"
#include "worker/execution/settings.h"

namespace celeriac::worker {

// A list of names or of maps with a `name`, or a map of names to options, with kombu's option
// names (wire page, section 1.2).
std::vector<protocol::Queue> read_task_queues(const ConfigValueView& value);
Json shown_task_queues(const std::vector<protocol::Queue>& queues);

// A map of task names or globs to a queue's name or to routing options, or a list of such maps.
std::vector<std::vector<TaskRoute>> read_task_routes(const ConfigValueView& value);
Json shown_task_routes(const std::vector<std::vector<TaskRoute>>& routes);

// A map of task names or `*` to attributes, or a list of such maps.
std::vector<TaskSettings::Annotation> read_task_annotations(const ConfigValueView& value);
Json shown_task_annotations(const std::vector<TaskSettings::Annotation>& annotations);

}  // namespace celeriac::worker
