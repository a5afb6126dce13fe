// Remote control requests and replies (pidbox; wire page, section 8).
#pragma once

#include <celeriac/json.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message/properties.h"
#include "protocol/message/task_message.h"

namespace celeriac::protocol {

struct ControlRequest {
  std::string method;
  JsonObject arguments;
  std::optional<std::vector<std::string>> destination;
  std::string pattern, matcher;  // glob or pcre
  std::string ticket;
  std::string reply_exchange, reply_routing_key;  // empty: no reply wanted
  std::int64_t clock = 0;
};

// Throws MessageError(undecodable).
ControlRequest decode_control_request(const Properties& properties, std::string_view body,
                                      const std::vector<std::string>& accepted_content_types);

// True if this node is meant: destination, else pattern and matcher, else all.
bool is_addressed_to(const ControlRequest& request, std::string_view nodename);

// What a node answers, for the exchange and routing key of the request. `clock` is
// the mailbox's own, already moved forward.
EncodedMessage encode_control_reply(const ControlRequest& request, std::string_view nodename,
                                    const Json& reply, std::uint64_t clock);

}  // namespace celeriac::protocol
