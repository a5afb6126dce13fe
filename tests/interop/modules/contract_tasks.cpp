// The tasks of tests/interop/test_contract.py: each does what its arguments say.
#include <celeriac/module.h>

#include <fstream>

namespace {

using namespace std::chrono_literals;
using celeriac::Async;
using celeriac::Context;
using celeriac::Json;
using celeriac::Signature;

Json describe(const celeriac::Request& request) {
  return Json::object({{"id", request.id},
                       {"args", request.args},
                       {"kwargs", request.kwargs},
                       {"retries", request.retries},
                       {"root_id", request.root_id},
                       {"parent_id", request.parent_id},
                       {"group", request.group},
                       {"group_index", request.group_index},
                       {"headers", request.headers},
                       {"priority", request.delivery_info.priority},
                       {"queue", request.delivery_info.queue},
                       {"eta", request.eta}});
}

// What the message said, whatever the arguments are.
Async<Json> tell(Context& ctx, Json::Array, celeriac::JsonObject) {
  co_return describe(ctx.request());
}

Async<Json> echo(Context&, Json value) {
  co_return value;
}

// Sends the signature that it is given.
Async<std::string> send(Context& ctx, Json signature) {
  const Signature child = Signature::from_json(signature);
  auto sent = co_await ctx.send(child);
  co_return sent.id;
}

// Sends the signature and returns what came of it.
Async<Json> wait_for(Context& ctx, Json signature, double seconds) {
  const Signature child = Signature::from_json(signature);
  auto sent = co_await ctx.send(child);
  co_return co_await ctx.wait_result(sent.id, std::chrono::duration<double>(seconds));
}

Async<void> replace(Context& ctx, Json signature) {
  throw ctx.replace(Signature::from_json(signature));
  co_return;
}

// Retries once with these options, and then tells what it was called with.
Async<Json> retry(Context& ctx, Json options, Json) {
  if (ctx.request().retries > 0) co_return describe(ctx.request());
  celeriac::RetryOptions again;
  again.countdown = std::chrono::duration<double>(options["countdown"].as_double().value_or(0));
  again.max_retries = options["max_retries"].as_int();
  again.reason = options["reason"].string_or("");
  if (const Json& queue = options["queue"]; queue.is_string()) again.queue = *queue.as_string();
  if (const Json& args = options["args"]; args.is_array()) again.args = *args.as_array();
  if (const Json& kwargs = options["kwargs"]; kwargs.is_object()) {
    again.kwargs = *kwargs.as_object();
  }
  throw ctx.retry(std::move(again));
}

// Puts its message back once, or for good.
Async<std::string> reject(Context& ctx, bool requeue) {
  if (ctx.request().delivery_info.redelivered) co_return "came again";
  throw celeriac::Reject{"not now", requeue};
}

Async<void> fail(Context&, std::string text) {
  throw celeriac::TaskError("ValueError", text);
  co_return;
}

Async<void> sleep_for(Context& ctx, double seconds) {
  co_await ctx.sleep(std::chrono::duration<double>(seconds));
}

// Writes down its name and waits for the file `gate`.
Async<void> pass(Context& ctx, std::string name, std::string path, std::string gate) {
  std::ofstream(path, std::ios::app) << name << std::endl;
  while (!gate.empty() && !std::ifstream(gate)) co_await ctx.sleep(10ms);
}

// An errback: writes down what failed, and how.
Async<void> note_failure(Context&, celeriac::TaskFailure failure, std::string path) {
  std::ofstream(path, std::ios::app)
      << failure.request.id << " " << failure.exception.what() << std::endl;
  co_return;
}

}  // namespace

CELERIAC_MODULE(registry) {
  using celeriac::param, celeriac::params;
  registry.add_any("contract.tell", tell);
  registry.add("contract.echo", echo, params("value"));
  registry.add("contract.send", send, params("signature"));
  registry.add("contract.wait", wait_for, params("signature", param("seconds", 30.0)));
  registry.add("contract.replace", replace, params("signature"));
  registry.add("contract.retry", retry, params("options", param("other", Json())));
  registry.add("contract.reject", reject, params("requeue"), {.acks_late = true});
  registry.add("contract.fail", fail, params("text"));
  registry.add("contract.fail_quietly", fail, params("text"), {.ignore_result = true});
  registry.add("contract.fail_as_expected", fail, params("text"), {.throws = {"ValueError"}});
  registry.add("contract.fail_late", fail, params("text"), {.acks_late = true});
  registry.add("contract.sleep", sleep_for, params("seconds"));
  registry.add("contract.sleep_late", sleep_for, params("seconds"), {.acks_late = true});
  registry.add_errback("contract.note_failure", note_failure, params("path"));
  registry.add("contract.pass", pass, params("name", "path", param("gate", std::string())));
}
