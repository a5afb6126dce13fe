#include "worker/monitoring/http_server.h"

#include <celeriac/error.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace celeriac::worker {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};

struct Address {
  std::string host;  // empty: every address
  std::string port;
};

Address parse_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Address address;
  address.port = colon == std::string::npos ? text : text.substr(colon + 1);
  if (colon != std::string::npos) address.host = text.substr(0, colon);
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  const bool digits = address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.port.empty() || !digits || address.port.size() > 5 ||
      std::stoi(address.port) > 65535) {
    throw ConfigError("--http is '" + text +
                      "'; it must be [HOST:]PORT, as 8000 or 127.0.0.1:8000");
  }
  return address;
}

// -1 if the address cannot be listened on; errno says why.
int listen_on(const addrinfo& address) {
  const int descriptor = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  const int on = 1, off = 0;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.ai_family == AF_INET6) {
    ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (::bind(descriptor, address.ai_addr, address.ai_addrlen) == 0 &&
      ::listen(descriptor, SOMAXCONN) == 0) {
    return descriptor;
  }
  const int reason = errno;
  ::close(descriptor);
  errno = reason;
  return -1;
}

int listen_on(const std::string& text) {
  const Address wanted = parse_address(text);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  // Without a host, one socket of IPv6 serves both families; where there is no IPv6, of IPv4.
  for (const int family : {wanted.host.empty() ? AF_INET6 : AF_UNSPEC, AF_UNSPEC}) {
    hints.ai_family = family;
    addrinfo* found = nullptr;
    const char* host = wanted.host.empty() ? nullptr : wanted.host.c_str();
    if (::getaddrinfo(host, wanted.port.c_str(), &hints, &found) != 0) {
      errno = EADDRNOTAVAIL;
      continue;
    }
    const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
    for (const addrinfo* address = found; address; address = address->ai_next) {
      if (const int descriptor = listen_on(*address); descriptor >= 0) return descriptor;
    }
  }
  throw ConfigError("--http: cannot listen on '" + text + "': " + std::strerror(errno) +
                    "; choose another port");
}

}  // namespace

// One request and its answer.
class HttpServer::Connection {
 public:
  Connection(HttpServer& server, int descriptor)
      : server_(server),
        descriptor_(descriptor),
        timer_(server.loop_, [this] { end(); }),
        poll_(std::make_unique<Poll>(server.loop_, descriptor,
                                     [this](Poll::Events events) { on_events(events); })) {
    timer_.start(kPatience);
    poll_->watch({.read = true, .write = false});
  }
  ~Connection() {
    poll_.reset();
    ::close(descriptor_);
  }

 private:
  // Destroys this.
  void end() {
    server_.connections_.remove_if([this](const auto& other) { return other.get() == this; });
  }

  void on_events(Poll::Events events) {
    const bool go_on = answer_.empty() ? read(events) : write();
    if (!go_on) end();
  }

  // False if the connection is done.
  bool read(Poll::Events) {
    std::array<char, 4096> chunk{};
    while (true) {
      const ssize_t size = ::recv(descriptor_, chunk.data(), chunk.size(), 0);
      if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
      if (size == 0) return false;
      head_.append(chunk.data(), static_cast<std::size_t>(size));
      const auto parsed = parse_http_head(head_);
      if (std::holds_alternative<NeedMoreBytes>(parsed)) continue;
      respond(parsed);
      return write();
    }
  }

  void respond(const std::variant<NeedMoreBytes, HttpRequest, HttpRefusal>& parsed) {
    HttpResponse response;
    HttpBody body = HttpBody::sent;
    if (const auto* refusal = std::get_if<HttpRefusal>(&parsed)) {
      response.status = refusal->status;
    } else {
      const auto& request = std::get<HttpRequest>(parsed);
      if (request.method == "HEAD") body = HttpBody::left_out;
      if (request.method == "GET" || request.method == "HEAD") {
        response = server_.handler_(request);
      } else {
        response.status = 405;
      }
    }
    answer_ = http_response_bytes(response, body);
  }

  bool write() {
    while (sent_ < answer_.size()) {
      const ssize_t size =
          ::send(descriptor_, answer_.data() + sent_, answer_.size() - sent_, MSG_NOSIGNAL);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        poll_->watch({.read = false, .write = true});
        return true;
      }
      if (size <= 0) return false;
      sent_ += static_cast<std::size_t>(size);
    }
    return false;
  }

  HttpServer& server_;
  const int descriptor_;
  std::string head_, answer_;
  std::size_t sent_ = 0;
  Timer timer_;
  std::unique_ptr<Poll> poll_;
};

HttpServer::HttpServer(Loop& loop, const std::string& address, Handler handler)
    : loop_(loop), handler_(std::move(handler)), listening_(listen_on(address)) {
  poll_ = std::make_unique<Poll>(loop, listening_, [this](Poll::Events) { on_connection(); });
  poll_->watch({.read = true, .write = false});
}

HttpServer::~HttpServer() {
  connections_.clear();
  poll_.reset();
  ::close(listening_);
}

std::uint16_t HttpServer::port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
  const bool v6 = address.ss_family == AF_INET6;
  return ntohs(v6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                  : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

void HttpServer::on_connection() {
  const int descriptor = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return;
  if (connections_.size() >= kMaxConnections) {
    ::close(descriptor);
    return;
  }
  connections_.push_back(std::make_unique<Connection>(*this, descriptor));
}

}  // namespace celeriac::worker
