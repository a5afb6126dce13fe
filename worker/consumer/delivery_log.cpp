#include "worker/consumer/delivery_log.h"

#include <celeriac/json.h>

namespace celeriac::worker {
namespace {

std::string header(const protocol::Properties& properties, std::string_view name) {
  const Json* value = properties.headers.find(name);
  return value && !value->is_null() ? value->string_or("?") : "?";
}

// Celery's dump_body: at most 1024 characters of it, and its size.
std::string body_text(std::string_view body) {
  const std::string start(body.substr(0, 1024));
  return python_repr(Json(start)) + " (" + std::to_string(body.size()) + "b)";
}

std::string delivery_text(const protocol::Properties& properties,
                          const protocol::DeliveryInfo& info) {
  return "id: " + header(properties, "id") + " queue: " + info.queue + " exchange: '" +
         info.exchange + "' routing_key: '" + info.routing_key + "'" +
         (info.redelivered ? " redelivered" : "");
}

}  // namespace

std::string undecodable_text(std::string_view reason, const protocol::Properties& properties,
                             const protocol::DeliveryInfo& info, std::string_view body) {
  return "Can't decode message body: " + std::string(reason) +
         " [type:" + python_repr(Json(properties.content_type)) +
         " encoding:" + python_repr(Json(properties.content_encoding)) +
         " headers:" + python_repr(Json(properties.headers)) + "]\n\nbody: " + body_text(body) +
         "\n" + delivery_text(properties, info);
}

std::string unknown_text(const protocol::Properties& properties, const protocol::DeliveryInfo& info,
                         std::string_view body) {
  return "Received and deleted unknown message.  Wrong destination?!?\n\n"
         "The full contents of the message body was: body: " +
         body_text(body) + "\n{content_type:" + python_repr(Json(properties.content_type)) +
         " headers=" + python_repr(Json(properties.headers)) + "}\n" +
         delivery_text(properties, info);
}

std::string unregistered_text(std::string_view task, const protocol::Properties& properties,
                              const protocol::DeliveryInfo& info, std::string_view body) {
  return "Received unregistered task of type " + python_repr(Json(task)) +
         ".\nThe message has been ignored and discarded.\n\n"
         "Is the module that registers it loaded (-A), and does the name match?\n" +
         delivery_text(properties, info) + "\nheaders: " + python_repr(Json(properties.headers)) +
         "\nbody: " + body_text(body);
}

std::string invalid_text(std::string_view reason, const protocol::Properties& properties,
                         const protocol::DeliveryInfo& info, std::string_view body) {
  return "Received invalid task message: " + std::string(reason) +
         "\nThe message has been ignored and discarded.\n\n" + delivery_text(properties, info) +
         "\nheaders: " + python_repr(Json(properties.headers)) + "\nbody: " + body_text(body);
}

}  // namespace celeriac::worker
