#include "worker/consumer/delivery_log.h"

#include <celeriac/json.h>

#include "worker/log/line.h"

namespace celeriac::worker {
namespace {

// Of what a stranger sent, this much is enough to find him.
constexpr std::size_t kShown = 1024;

std::string id_text(const RefusedMessage& message) {
  if (!message.id.empty()) return std::string(message.id.substr(0, kShown));
  const Json* id = message.properties.headers.find("id");
  if (id == nullptr || id->is_null()) return "?";
  return id->is_string() ? id->as_string()->substr(0, kShown) : python_repr(*id, kShown);
}

// Celery's dump_body: the start of the body, and its size.
std::string body_text(std::string_view body) {
  return python_repr(Json(body.substr(0, kShown)), kShown) + " (" + std::to_string(body.size()) +
         "b)";
}

std::string described(const RefusedMessage& message) {
  const auto& properties = message.properties;
  const auto& info = message.info;
  return " id: " + id_text(message) + " queue: " + info.queue + " exchange: '" + info.exchange +
         "' routing_key: '" + info.routing_key + "'" + (info.redelivered ? " redelivered" : "") +
         " content_type: " + python_repr(Json(properties.content_type)) +
         " content_encoding: " + python_repr(Json(properties.content_encoding)) +
         " headers: " + python_repr(Json(properties.headers), kShown) +
         " body: " + body_text(message.body);
}

}  // namespace

std::string undecodable_text(std::string_view reason, const RefusedMessage& message) {
  return log::on_one_line("Can't decode message body: " + std::string(reason) + ";" +
                          described(message));
}

std::string unknown_text(const RefusedMessage& message) {
  return log::on_one_line(
      "Received and deleted unknown message.  Wrong destination?!? It names no task;" +
      described(message));
}

std::string unregistered_text(std::string_view task, const RefusedMessage& message) {
  return log::on_one_line("Received unregistered task of type " + python_repr(Json(task), kShown) +
                          ". The message has been ignored and discarded. Is the module that "
                          "registers it loaded (-A), and does the name match?" +
                          described(message));
}

std::string invalid_text(std::string_view reason, const RefusedMessage& message) {
  return log::on_one_line("Received invalid task message: " + std::string(reason) +
                          ". The message has been ignored and discarded." + described(message));
}

}  // namespace celeriac::worker
