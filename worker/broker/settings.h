// How the broker is reached (Celery's broker_* settings).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace celeriac::worker {

struct BrokerSettings {
  // Tried in turn (failover). An empty list means amqp://guest:guest@127.0.0.1:5672//.
  std::vector<std::string> urls;                        // broker_url, broker_read_url
  std::vector<std::string> write_urls;                  // broker_write_url; empty: as `urls`
  std::chrono::milliseconds connection_timeout{4000};   // broker_connection_timeout
  bool connection_retry = true;                         // broker_connection_retry
  std::optional<bool> connection_retry_on_startup;      // …_on_startup; unset: as above
  std::optional<std::uint32_t> connection_max_retries;  // unset: for ever
  enum class Failover { round_robin, shuffle } failover_strategy = Failover::round_robin;
  std::chrono::seconds heartbeat{120};  // broker_heartbeat; the server may lower it; 0: none
  std::string login_method = "PLAIN";   // broker_login_method: PLAIN or EXTERNAL

  // broker_use_ssl, or implied by amqps://.
  struct Tls {
    bool enabled = false;
    std::string ca_certs, certfile, keyfile;
    bool verify_peer = true;
    bool verify_hostname = true;
  } tls;

  std::size_t max_body_bytes = std::size_t{64} << 20;  // a larger delivery is refused
  std::size_t outbox_messages = 10000;                 // publications waiting for a confirm
  std::size_t outbox_bytes = std::size_t{64} << 20;
  std::string connection_name;  // shown by the management UI
};

}  // namespace celeriac::worker
