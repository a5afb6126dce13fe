#include "tasks/alerts/alerts.h"

#include <memory>
#include <utility>

#include "tasks/alerts/pipeline.h"

namespace celeriac::alerts {
namespace {

TaskOptions options(std::string description) {
  TaskOptions options;
  // A step that a killed worker has begun is delivered again. Retries are the rule's own.
  options.acks_late = true;
  options.description = std::move(description);
  return options;
}

}  // namespace

void register_tasks(Registry& registry, Config config) {
  if (config.empty()) return;
  // Shared by the tasks registered here, which all end with the registry: none of them is first.
  const auto pipeline = std::make_shared<Pipeline>(std::move(config));
  registry.add(
      kFetch,
      [pipeline](Context& ctx, std::string rule) { return pipeline->fetch(ctx, std::move(rule)); },
      params("rule"), options("Queries a rule's source; its rows go to tasks.cache."));
  registry.add(
      kCache,
      [pipeline](Context& ctx, Json rule, Json rows) {
        return pipeline->cache(ctx, std::move(rule), std::move(rows));
      },
      params("rule", param("rows", Json())),
      options("Finds the alarms among a rule's rows that nobody has told yet."));
  registry.add(
      kSendAlert,
      [pipeline](Context& ctx, Json rule, Json alarms) {
        return pipeline->sendalert(ctx, std::move(rule), std::move(alarms));
      },
      params("rule", param("alarms", Json())),
      options("Tells alarms to the rule's channels, one message for all of a run."));
  for (const auto& binding : pipeline->config().tasks) {
    std::string names;
    for (const auto& rule : binding.rules) names += (names.empty() ? "" : ", ") + rule;
    registry.add(
        binding.task,
        [pipeline, bound = &binding](Context& ctx, Json rules) {
          return pipeline->run(ctx, bound, std::move(rules));
        },
        params(param("rules", Json())), options("Runs the alert rules " + names + " as one."));
  }
}

std::string start_line(const Config& config) {
  if (config.empty()) return {};
  const std::size_t count = config.rules.size();
  std::string text = "alerts: " + std::to_string(count) + (count == 1 ? " rule; " : " rules; ");
  if (config.redis) return text + "told alarms are remembered in Redis";
  return text +
         "told alarms are remembered in this process alone, since the rules name no `redis`: run "
         "one worker, and expect each alarm again after a restart";
}

}  // namespace celeriac::alerts
