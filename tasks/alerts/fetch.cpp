#include <celeriac/error.h>

#include <algorithm>
#include <set>

#include "tasks/alerts/pipeline.h"

namespace celeriac::alerts {
namespace {

double seconds_between(Time start, Time end) {
  return std::chrono::duration<double>(end - start).count();
}

const char* outcome_of(const Judgement& judgement) {
  const auto& verdicts = judgement.verdicts;
  const bool alarm = std::any_of(verdicts.begin(), verdicts.end(), [](const Verdict& verdict) {
    return verdict.state == Verdict::State::broken;
  });
  if (alarm) return "alarm";
  return judgement.no_data ? "no_data" : "ok";
}

// Whether cache has anything to do: a row that is not normal, or hysteresis to end.
bool is_worth_caching(const Rule& rule, const Judgement& judgement) {
  const auto* compare = std::get_if<Compare>(&rule.expectation);
  if (compare != nullptr && compare->recover) return !judgement.verdicts.empty();
  const auto& verdicts = judgement.verdicts;
  return std::any_of(verdicts.begin(), verdicts.end(), [](const Verdict& verdict) {
    return verdict.state != Verdict::State::normal;
  });
}

void count_evaluation(Context& ctx, const Rule& rule, const char* outcome) {
  ctx.count("celeriac_alert_evaluations_total", {{"rule", rule.name}, {"outcome", outcome}});
}

// The rules of a binding that this run is about.
std::vector<std::string> rules_of(const Binding& binding, const Json& only) {
  const auto* named = only.as_array();
  if (named == nullptr) return binding.rules;
  std::vector<std::string> rules;
  for (const auto& name : *named) rules.push_back(name.string_or(""));
  return rules;
}

}  // namespace

Judgement judge_rule(const Rule& rule, const std::vector<Row>& rows, Time now) {
  auto judgement = judge(rule.expectation, rule.no_data, rows, now);
  if (const auto* mistake = std::get_if<Mistake>(&judgement)) {
    throw failure("RuleError", "rule '" + rule.name + "': " + mistake->text);
  }
  return std::get<Judgement>(std::move(judgement));
}

const Rule& Pipeline::rule_named(const std::string& name) const {
  const auto found = config_.rules.find(name);
  if (found != config_.rules.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, rule] : config_.rules) names.push_back(known);
  std::string text = "there is no rule '" + name + "' in this worker's file";
  if (const auto nearest = nearest_name(name, names)) text += "; did you mean '" + *nearest + "'?";
  throw failure("RuleError", text);
}

Async<QueryResult> Pipeline::ask(Context& ctx, const Rule* rule) {
  const Source& source = config_.sources.at(rule->source);
  const auto request = query_request(source, rule->query, rule->timeout);
  const auto start = ctx.now();
  HttpResponse answer;
  std::string trouble;
  try {
    answer = co_await ctx.http().send(request);
  } catch (const HttpError& error) {
    trouble = error.what();
  } catch (const Timeout& error) {
    trouble = error.what();
  } catch (const ConnectionLost& error) {
    trouble = error.what();
  }
  const auto end = ctx.now();
  ctx.observe("celeriac_fetch_duration_seconds", {{"source", source.name}},
              seconds_between(start, end));
  if (trouble.empty()) co_return read_answer(source, answer, end);
  co_return source_failure(source, SourceFailure::Repeat::useful,
                           trouble + "; check that InfluxDB runs there and answers in time");
}

Async<Json> Pipeline::fetch(Context& ctx, std::string name) {
  const Rule& rule = rule_named(name);
  auto result = co_await ask(ctx, &rule);
  if (const auto* failed = std::get_if<SourceFailure>(&result)) {
    count_evaluation(ctx, rule, "error");
    const auto text = "rule '" + rule.name + "': " + failed->text;
    const auto patience = patience_of(&rule);
    const auto retries = ctx.request().retries;
    if (failed->repeat == SourceFailure::Repeat::useless || retries >= patience.max_retries) {
      throw failure("SourceError", text);
    }
    RetryOptions options;
    options.countdown = std::max(failed->after.value_or(Milliseconds(0)), patience.after(retries));
    options.max_retries = patience.max_retries;
    options.reason = text;
    throw ctx.retry(std::move(options));
  }
  Fetched fetched;
  fetched.results.push_back({rule.name, std::get<std::vector<Row>>(std::move(result))});
  co_return co_await hand_on(ctx, std::move(fetched));
}

Async<Json> Pipeline::run(Context& ctx, const Binding* binding, Json only) {
  const auto names = rules_of(*binding, only);
  std::vector<Async<QueryResult>> queries;
  for (const auto& name : names) queries.push_back(ask(ctx, &rule_named(name)));
  auto results = co_await when_all(std::move(queries));

  Fetched fetched;
  fetched.task = binding->task;
  Json::Array again;
  std::string failures, trouble;
  Patience patience;
  Milliseconds after(0);
  const auto retries = ctx.request().retries;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Rule& rule = rule_named(names[i]);
    const auto* failed = std::get_if<SourceFailure>(&results[i]);
    if (failed == nullptr) {
      fetched.results.push_back({rule.name, std::get<std::vector<Row>>(std::move(results[i]))});
      continue;
    }
    count_evaluation(ctx, rule, "error");
    const auto own = patience_of(&rule);
    const bool retry = failed->repeat == SourceFailure::Repeat::useful && retries < own.max_retries;
    auto& text = retry ? trouble : failures;
    if (!text.empty()) text += "; ";
    text += "rule '" + rule.name + "': " + failed->text;
    if (!retry) continue;
    again.emplace_back(rule.name);
    patience.max_retries = std::max(patience.max_retries, own.max_retries);
    after = std::max({after, failed->after.value_or(Milliseconds(0)), own.after(retries)});
  }
  // What was found goes on first: a source that is away must not hold up the others.
  Json handed_on;
  if (!fetched.results.empty()) handed_on = co_await hand_on(ctx, std::move(fetched));
  if (!failures.empty() && !again.empty()) ctx.log().error(failures);
  if (!again.empty()) {
    RetryOptions options;
    options.countdown = after;
    options.max_retries = patience.max_retries;
    options.reason = trouble;
    options.args = Json::Array{};
    options.kwargs = JsonObject{{"rules", std::move(again)}};
    throw ctx.retry(std::move(options));
  }
  if (!failures.empty()) throw failure("SourceError", failures);
  co_return handed_on;
}

Async<Json> Pipeline::hand_on(Context& ctx, Fetched fetched) {
  bool worth_caching = false;
  std::size_t rows = 0;
  for (const auto& result : fetched.results) {
    const Rule& rule = rule_named(result.rule);
    const auto judgement = judge_rule(rule, result.rows, ctx.now());
    count_evaluation(ctx, rule, outcome_of(judgement));
    worth_caching = worth_caching || is_worth_caching(rule, judgement);
    rows += result.rows.size();
  }
  if (carries_on(ctx.request())) co_return to_json(fetched);
  JsonObject summary;
  if (fetched.task) {
    summary.set("task", *fetched.task);
  } else {
    summary.set("rule", fetched.results.front().rule);
  }
  summary.set("rows", rows);
  if (worth_caching) {
    const auto& rule = rule_named(fetched.results.front().rule);
    const auto next = step(kCache, to_json(fetched), &rule);
    const auto sent = co_await ctx.send(next);
    summary.set("next", sent.id);
  }
  co_return Json(std::move(summary));
}

}  // namespace celeriac::alerts
