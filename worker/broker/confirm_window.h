// Publications on their way to a confirm (RabbitMQ's confirm.select): which of them an
// ack, a nack or a return is about.
//
// One window serves one channel from its confirm.select on. Pure and not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/broker/outbox.h"

namespace celeriac::worker {

class ConfirmWindow {
 public:
  struct Sent {
    OutboxItem item;
    std::string returned;  // the broker's text if the message came back unroutable
  };

  // The broker counts publishings of the channel from 1, and so does this. What is
  // returned stays where it is until it is confirmed.
  const OutboxItem& sent(OutboxItem item);

  // What a basic.ack or basic.nack is about, in the order of sending. Unknown tags
  // are about nothing.
  std::vector<Sent> settled(std::uint64_t tag, bool multiple);

  // basic.return carries no tag: it is about the oldest mandatory message that looks
  // like it and has not come back yet. False when there is none.
  bool returned(std::string_view exchange, std::string_view routing_key,
                std::string_view correlation_id, const std::string& text);

  // Everything; the window is then as new.
  std::vector<OutboxItem> take_all();

  std::size_t size() const { return sent_.size(); }
  bool empty() const { return sent_.empty(); }

 private:
  std::map<std::uint64_t, Sent> sent_;  // by tag
  std::uint64_t last_tag_ = 0;
};

}  // namespace celeriac::worker
