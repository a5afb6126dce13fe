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

void append(std::string& texts, const std::string& text) {
  texts += (texts.empty() ? "" : "; ") + text;
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

Parsed<Judgement> examine(const Rule& rule, const std::vector<Row>& rows, Time now) {
  const auto located = [&rule](const Mistake& mistake) {
    return Mistake{"rule '" + rule.name + "': " + mistake.text};
  };
  auto judgement = judge(rule.expectation, rule.no_data, rows, now);
  if (const auto* mistake = std::get_if<Mistake>(&judgement)) return located(*mistake);
  for (const auto& verdict : std::get<Judgement>(judgement).verdicts) {
    if (!verdict.row) continue;
    const auto key = alarm_key(rule, *verdict.row);
    if (const auto* mistake = std::get_if<Mistake>(&key)) return located(*mistake);
  }
  return judgement;
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
  std::vector<std::string> rules;
  rules.push_back(std::move(name));
  const auto asked = co_await ask_all(ctx, rules);
  if (!asked.failure.empty()) throw failure(asked.failure_type, asked.failure);
  if (!asked.again.empty()) throw ctx.retry(asked.retry);
  co_return co_await hand_on(ctx, &asked);
}

Async<Json> Pipeline::run(Context& ctx, const Binding* binding, Json only) {
  auto asked = co_await ask_all(ctx, rules_of(*binding, only));
  asked.fetched.task = binding->task;
  const bool chained = carries_on(ctx.request());
  if (!asked.again.empty()) {
    // What was found goes on first: a source that is away must not hold up the others. In a
    // chain only the last try has a result, so all of it is tried again.
    if (!chained) {
      if (!asked.fetched.results.empty()) co_await hand_on(ctx, &asked);
      asked.retry.args = Json::Array{};
      asked.retry.kwargs = JsonObject{{"rules", asked.again}};
    }
    if (!asked.failure.empty()) ctx.log().error(asked.failure);
    throw ctx.retry(asked.retry);
  }
  Json handed_on;
  if (!asked.fetched.results.empty()) handed_on = co_await hand_on(ctx, &asked);
  if (asked.failure.empty()) co_return handed_on;
  if (!chained || handed_on.is_null()) throw failure(asked.failure_type, asked.failure);
  ctx.log().error(asked.failure);
  co_return handed_on;
}

// The rows of each rule, or why there are none.
Async<Pipeline::Asked> Pipeline::ask_all(Context& ctx, std::vector<std::string> names) {
  std::vector<Async<QueryResult>> queries;
  for (const auto& name : names) queries.push_back(ask(ctx, &rule_named(name)));
  auto results = co_await when_all(std::move(queries));
  Asked asked;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Rule& rule = rule_named(names[i]);
    if (const auto* failed = std::get_if<SourceFailure>(&results[i])) {
      count_evaluation(ctx, rule, "error");
      note_failure(ctx.request(), rule, *failed, asked);
      continue;
    }
    auto& rows = std::get<std::vector<Row>>(results[i]);
    const auto judgement = examine(rule, rows, ctx.now());
    if (const auto* mistake = std::get_if<Mistake>(&judgement)) {
      count_evaluation(ctx, rule, "error");
      asked.failure_type = "RuleError";
      append(asked.failure, mistake->text);
      continue;
    }
    count_evaluation(ctx, rule, outcome_of(std::get<Judgement>(judgement)));
    asked.worth_caching |= is_worth_caching(rule, std::get<Judgement>(judgement));
    asked.rows += rows.size();
    asked.fetched.results.push_back({rule.name, std::move(rows)});
  }
  co_return asked;
}

void Pipeline::note_failure(const Request& request, const Rule& rule, const SourceFailure& failed,
                            Asked& asked) {
  const auto text = "rule '" + rule.name + "': " + failed.text;
  const auto patience = patience_of(&rule);
  if (failed.repeat == SourceFailure::Repeat::useless) return append(asked.failure, text);
  if (request.retries >= patience.max_retries) {
    append(asked.failure,
           text + "; given up after " + std::to_string(request.retries + 1) + " tries");
    return;
  }
  asked.again.emplace_back(rule.name);
  append(asked.retry.reason, text);
  const auto wait =
      std::max(failed.after.value_or(Milliseconds(0)), patience.after(request.retries));
  asked.retry.countdown = std::max<std::chrono::duration<double>>(
      asked.retry.countdown.value_or(Milliseconds(0)), wait);
  asked.retry.max_retries = std::max(asked.retry.max_retries.value_or(0), patience.max_retries);
}

Async<Json> Pipeline::hand_on(Context& ctx, const Asked* asked) {
  const auto& fetched = asked->fetched;
  if (carries_on(ctx.request())) co_return to_json(fetched);
  const auto& first = fetched.results.front().rule;
  JsonObject summary;
  summary.set(fetched.task ? "task" : "rule", fetched.task.value_or(first));
  summary.set("rows", asked->rows);
  if (asked->worth_caching) {
    const auto next = step(kCache, to_json(fetched), &rule_named(first));
    const auto sent = co_await ctx.send(next);
    summary.set("next", sent.id);
  }
  co_return Json(std::move(summary));
}

}  // namespace celeriac::alerts
