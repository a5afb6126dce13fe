#include "worker/broker/amqp/connection.h"

#include <openssl/ssl.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "worker/broker/amqp/broker_error.h"
#include "worker/broker/amqp/table.h"
#include "worker/broker/amqp/tcp_connect.h"
#include "worker/broker/url_options.h"

#ifndef CELERIAC_VERSION
#error "the build defines CELERIAC_VERSION"
#endif

namespace celeriac::worker::amqp {
namespace {

timeval to_timeval(std::chrono::milliseconds duration) {
  timeval value{};
  value.tv_sec = duration.count() / 1000;
  value.tv_usec = (duration.count() % 1000) * 1000;
  return value;
}

struct Target {
  std::string host;
  std::uint16_t port;
  bool tls;
};

Target target_of(const protocol::Url& url, const BrokerSettings& settings) {
  Target target;
  target.tls = settings.tls.enabled || url.scheme == "amqps";
  target.host = url.host.empty() ? "127.0.0.1" : url.host;
  target.port = url.port;
  if (target.port == 0) target.port = target.tls ? 5671 : 5672;
  return target;
}

void require(int status, const std::string& what) {
  if (status != AMQP_STATUS_OK) throw transport_failed(status, what);
}

void open_tcp(amqp_connection_state_t state, const Target& target, const BrokerSettings& settings,
              Interrupter& interrupter) {
  amqp_socket_t* socket = amqp_tcp_socket_new(state);
  if (!socket) throw transport_failed(AMQP_STATUS_NO_MEMORY, "opening a socket");
  amqp_tcp_socket_set_sockfd(
      socket, tcp_connect(target.host, target.port, settings.connection_timeout, interrupter));
}

void open_tls(amqp_connection_state_t state, const Target& target, const BrokerSettings& settings,
              Interrupter& interrupter) {
  amqp_socket_t* socket = amqp_ssl_socket_new(state);
  if (!socket) throw transport_failed(AMQP_STATUS_NO_MEMORY, "opening a TLS socket");
  const BrokerSettings::Tls& tls = settings.tls;
  amqp_ssl_socket_set_verify_peer(socket, tls.verify_peer);
  amqp_ssl_socket_set_verify_hostname(socket, tls.verify_peer && tls.verify_hostname);
  if (tls.ca_certs.empty()) {
    // rabbitmq-c trusts nobody by itself.
    SSL_CTX_set_default_verify_paths(static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket)));
  } else {
    require(amqp_ssl_socket_set_cacert(socket, tls.ca_certs.c_str()), "reading " + tls.ca_certs);
  }
  if (!tls.certfile.empty()) {
    const std::string& key = tls.keyfile.empty() ? tls.certfile : tls.keyfile;
    require(amqp_ssl_socket_set_key(socket, tls.certfile.c_str(), key.c_str()),
            "reading " + tls.certfile + " and " + key);
  }

  const timeval timeout = to_timeval(settings.connection_timeout);
  const int status = amqp_socket_open_noblock(socket, target.host.c_str(), target.port, &timeout);
  if (status == AMQP_STATUS_OK) return;
  if (status == AMQP_STATUS_SOCKET_ERROR || status == AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED) {
    // rabbitmq-c does not tell why; this attempt does.
    ::close(tcp_connect(target.host, target.port, settings.connection_timeout, interrupter));
  }
  throw transport_failed(status, "TLS handshake");
}

amqp_table_entry_t entry(const char* key, amqp_field_value_kind_t kind) {
  amqp_table_entry_t result{};
  result.key = amqp_cstring_bytes(key);
  result.value.kind = static_cast<std::uint8_t>(kind);
  return result;
}

amqp_table_entry_t text_entry(const char* key, std::string_view text) {
  amqp_table_entry_t result = entry(key, AMQP_FIELD_KIND_UTF8);
  result.value.value.bytes = bytes_view(text);
  return result;
}

amqp_table_entry_t enabled_entry(const char* key) {
  amqp_table_entry_t result = entry(key, AMQP_FIELD_KIND_BOOLEAN);
  result.value.value.boolean = 1;
  return result;
}

void log_in(amqp_connection_state_t state, const protocol::Url& url, const BrokerSettings& settings,
            Connection::Role role) {
  // RabbitMQ uses an extension only towards clients that say they know it.
  std::array capabilities = {
      enabled_entry("authentication_failure_close"), enabled_entry("basic.nack"),
      enabled_entry("connection.blocked"),           enabled_entry("consumer_cancel_notify"),
      enabled_entry("exchange_exchange_bindings"),   enabled_entry("publisher_confirms")};
  amqp_table_entry_t capability_table = entry("capabilities", AMQP_FIELD_KIND_TABLE);
  capability_table.value.value.table = {static_cast<int>(capabilities.size()), capabilities.data()};
  const std::string name =
      (settings.connection_name.empty() ? "celeriac" : settings.connection_name) +
      (role == Connection::Role::consuming ? " (consume)" : " (publish)");
  std::array entries = {text_entry("product", "celeriac"), text_entry("version", CELERIAC_VERSION),
                        text_entry("connection_name", name), capability_table};
  const amqp_table_t properties = {static_cast<int>(entries.size()), entries.data()};

  const std::string vhost = protocol::virtual_host(url);
  const std::string user = url.user.empty() ? "guest" : url.user;
  const std::string password = url.user.empty() && url.password.empty() ? "guest" : url.password;
  const int heartbeat =
      static_cast<int>(std::clamp<std::int64_t>(settings.heartbeat.count(), 0, UINT16_MAX));
  const auto reply =
      settings.login_method == "EXTERNAL"
          ? amqp_login_with_properties(state, vhost.c_str(), AMQP_DEFAULT_MAX_CHANNELS,
                                       AMQP_DEFAULT_FRAME_SIZE, heartbeat, &properties,
                                       AMQP_SASL_METHOD_EXTERNAL, user.c_str())
          : amqp_login_with_properties(state, vhost.c_str(), AMQP_DEFAULT_MAX_CHANNELS,
                                       AMQP_DEFAULT_FRAME_SIZE, heartbeat, &properties,
                                       AMQP_SASL_METHOD_PLAIN, user.c_str(), password.c_str());
  check_reply(reply, "login");
}

bool has_exchange(const std::string& name) {
  return !name.empty();
}

bool is_predeclared(const std::string& name) {
  return name.empty() || name.rfind("amq.", 0) == 0;
}

}  // namespace

Connection Connection::open(const std::string& text, const BrokerSettings& for_all, Role role,
                            Interrupter& interrupter) {
  const protocol::Url url = protocol::parse_url(text);
  const BrokerSettings settings = with_url_options(for_all, url);
  const Target target = target_of(url, settings);
  State state(amqp_new_connection());
  if (!state) throw transport_failed(AMQP_STATUS_NO_MEMORY, "opening a connection");
  const timeval timeout = to_timeval(settings.connection_timeout);
  amqp_set_handshake_timeout(state.get(), &timeout);
  amqp_set_rpc_timeout(state.get(), &timeout);

  if (target.tls) {
    open_tls(state.get(), target, settings, interrupter);
  } else {
    open_tcp(state.get(), target, settings, interrupter);
  }
  const Interrupter::Watched watched(interrupter, amqp_get_sockfd(state.get()));
  log_in(state.get(), url, settings, role);

  Connection connection(std::move(state), protocol::display_url(url));
  // Two missed heartbeats, or where there are none, a minute.
  const auto dead_after =
      connection.heartbeat().count() > 0 ? 2 * connection.heartbeat() : std::chrono::seconds(60);
  watch_peer(connection.socket(), dead_after);
  return connection;
}

int Connection::socket() const {
  return amqp_get_sockfd(get());
}

std::chrono::seconds Connection::heartbeat() const {
  return std::chrono::seconds(amqp_get_heartbeat(get()));
}

std::size_t Connection::frame_max() const {
  return static_cast<std::size_t>(amqp_get_frame_max(get()));
}

void Connection::check(std::string_view doing) const {
  check_reply(amqp_get_rpc_reply(get()), doing);
}

void Connection::open_channel(amqp_channel_t channel) {
  amqp_channel_open(get(), channel);
  check("channel.open");
}

void Connection::close_channel(amqp_channel_t channel) {
  check_reply(amqp_channel_close(get(), channel, kReplySuccess), "channel.close");
}

void Connection::close() {
  amqp_connection_close(get(), kReplySuccess);
}

void Connection::declare(amqp_channel_t channel, const protocol::Exchange& exchange) {
  if (exchange.no_declare || is_predeclared(exchange.name)) return;
  const TableView arguments(exchange.arguments);
  amqp_exchange_declare(get(), channel, bytes_view(exchange.name), bytes_view(exchange.type),
                        /*passive=*/0, exchange.durable, exchange.auto_delete, /*internal=*/0,
                        arguments.get());
  check("exchange.declare");
  for (const protocol::Binding& binding : exchange.bindings) {
    const TableView binding_arguments(binding.arguments);
    amqp_exchange_bind(get(), channel, bytes_view(exchange.name), bytes_view(binding.exchange),
                       bytes_view(binding.routing_key), binding_arguments.get());
    check("exchange.bind");
  }
}

void Connection::declare(amqp_channel_t channel, const protocol::Declarations& declarations) {
  for (const auto& declaration : declarations) {
    std::visit([&](const auto& each) { declare(channel, each); }, declaration);
  }
}

void Connection::declare(amqp_channel_t channel, const protocol::Queue& queue) {
  if (queue.no_declare) return;
  declare(channel, queue.exchange);
  declare_queue(channel, queue);
  if (has_exchange(queue.exchange.name)) {
    bind_queue(channel, queue.name,
               {queue.exchange.name, queue.routing_key, queue.binding_arguments});
  }
  for (const protocol::Binding& binding : queue.bindings) bind_queue(channel, queue.name, binding);
}

void Connection::declare_queue(amqp_channel_t channel, const protocol::Queue& queue) {
  const TableView arguments(queue.arguments);
  amqp_queue_declare(get(), channel, bytes_view(queue.name), /*passive=*/0, queue.durable,
                     queue.exclusive, queue.auto_delete, arguments.get());
  check("queue.declare");
}

void Connection::bind_queue(amqp_channel_t channel, const std::string& queue,
                            const protocol::Binding& binding) {
  const TableView arguments(binding.arguments);
  amqp_queue_bind(get(), channel, bytes_view(queue), bytes_view(binding.exchange),
                  bytes_view(binding.routing_key), arguments.get());
  check("queue.bind");
}

void Connection::require_exchange(amqp_channel_t channel, const std::string& name) {
  amqp_exchange_declare(get(), channel, bytes_view(name), amqp_cstring_bytes("direct"),
                        /*passive=*/1, 0, 0, 0, amqp_empty_table);
  check("exchange.declare");
}

void Connection::confirm_select(amqp_channel_t channel) {
  amqp_confirm_select(get(), channel);
  check("confirm.select");
}

std::uint64_t Connection::purge(amqp_channel_t channel, const std::string& queue) {
  const amqp_queue_purge_ok_t* ok = amqp_queue_purge(get(), channel, bytes_view(queue));
  check("queue.purge");
  return ok->message_count;
}

}  // namespace celeriac::worker::amqp
