// The input is a content type, headers in JSON and the body, on a line each; the
// body takes the rest.
#include "protocol/message/task_message.h"

#include <celeriac/error.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "tests/fuzz/property.h"

using namespace celeriac;

namespace {

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

std::string without_repr(protocol::TaskMessage message) {
  // A text of its own accord: it is computed anew when it was empty.
  message.argsrepr = message.kwargsrepr = "-";
  const auto encoded = protocol::encode_task_message(message, {}, protocol::Timestamp{});
  return dump_json(encoded.properties.headers) + encoded.body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = as_text(data, size);
  protocol::Properties properties;
  properties.content_type = take_line(text);
  const protocol::AcceptedContent all{
      {"application/json", "application/x-yaml", "application/x-msgpack"}};
  try {
    const Json headers = parse_json(take_line(text));
    if (headers.is_object()) properties.headers = *headers.as_object();
    const auto decoded = protocol::decode_task_message(std::move(properties), text, all);
    const auto* message = std::get_if<protocol::TaskMessage>(&decoded);
    if (message == nullptr) return 0;
    require(!message->id.empty(), "a message has an id");
    auto encoded = protocol::encode_task_message(*message, {}, protocol::Timestamp{});
    const auto again = std::get<protocol::TaskMessage>(
        protocol::decode_task_message(std::move(encoded.properties), encoded.body, all));
    require(without_repr(again) == without_repr(*message),
            "a message reads back as it was written");
  } catch (const MessageError&) {
  }
  return 0;
}
