#include "worker/monitoring/http_server.h"

#include <arpa/inet.h>
#include <celeriac/error.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <vector>

namespace celeriac::worker {
namespace {

HttpResponse echo(const HttpRequest& request) {
  HttpResponse response;
  response.body = request.path;
  return response;
}

int connect_to(std::uint16_t port) {
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return client;
}

// Everything until the server closes.
std::string read_all(int client) {
  std::string all;
  char bytes[4096];
  for (ssize_t size = 0; (size = ::recv(client, bytes, sizeof(bytes), 0)) > 0;) {
    all.append(bytes, static_cast<std::size_t>(size));
  }
  return all;
}

class HttpServerTest : public ::testing::Test {
 protected:
  // What the server answers to these pieces, each sent by itself.
  std::string exchange(const std::vector<std::string>& pieces) {
    std::string answer;
    std::thread client([&] {
      const int socket = connect_to(server.port());
      for (const std::string& piece : pieces)
        ::send(socket, piece.data(), piece.size(), MSG_NOSIGNAL);
      answer = read_all(socket);
      ::close(socket);
      loop.post([this] { loop.stop(); });
    });
    loop.run();
    client.join();
    return answer;
  }

  Loop loop;
  HttpServer server{loop, "127.0.0.1:0", echo};
};

TEST_F(HttpServerTest, AnswersAGet) {
  const std::string answer = exchange({"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"});
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n/x")) << answer;
}

TEST_F(HttpServerTest, AnswersARequestThatComesInPieces) {
  EXPECT_TRUE(exchange({"GE", "T /x HT", "TP/1.1\r\n", "\r\n"}).ends_with("/x"));
}

TEST_F(HttpServerTest, LeavesTheBodyOutForHead) {
  EXPECT_TRUE(exchange({"HEAD /x HTTP/1.1\r\n\r\n"})
                  .ends_with("Content-Length: 2\r\n"
                             "Cache-Control: no-store\r\n"
                             "Connection: close\r\n\r\n"));
}

TEST_F(HttpServerTest, RefusesOtherMethodsAndNonsense) {
  EXPECT_TRUE(exchange({"POST /x HTTP/1.1\r\n\r\n"}).starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(exchange({"nonsense\r\n\r\n"}).starts_with("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, SendsAnAnswerLargerThanASocketTakesAtOnce) {
  HttpServer large(loop, "127.0.0.1:0", [](const HttpRequest&) {
    HttpResponse response;
    response.body.assign(8 << 20, 'x');
    return response;
  });
  std::size_t size = 0;
  std::thread client([&] {
    const int socket = connect_to(large.port());
    const std::string request = "GET / HTTP/1.1\r\n\r\n";
    ::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
    size = read_all(socket).size();
    ::close(socket);
    loop.post([this] { loop.stop(); });
  });
  loop.run();
  client.join();
  EXPECT_GT(size, std::size_t{8} << 20);
}

TEST_F(HttpServerTest, SurvivesClientsThatLeaveAtAnyMoment) {
  const std::string request = "GET /x HTTP/1.1\r\n\r\n";
  std::thread clients([&] {
    for (std::size_t size = 0; size <= request.size(); ++size) {
      const int socket = connect_to(server.port());
      ::send(socket, request.data(), size, MSG_NOSIGNAL);
      const linger at_once{1, 0};
      ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
      ::close(socket);
    }
    loop.post([this] { loop.stop(); });
  });
  loop.run();
  clients.join();
  EXPECT_TRUE(exchange({request}).ends_with("/x"));
}

TEST_F(HttpServerTest, ClosesConnectionsBeyondItsLimit) {
  std::vector<int> sockets;
  std::string refused;
  std::thread clients([&] {
    for (std::size_t i = 0; i < HttpServer::kMaxConnections; ++i) {
      sockets.push_back(connect_to(server.port()));
    }
    const int one_more = connect_to(server.port());
    refused = read_all(one_more);  // ends, since the server closes it
    ::close(one_more);
    for (const int socket : sockets) ::close(socket);
    loop.post([this] { loop.stop(); });
  });
  loop.run();
  clients.join();
  EXPECT_EQ(refused, "");
}

TEST(HttpServerAddress, IsRefusedWhereItIsNone) {
  Loop loop;
  for (const char* wrong : {"", "x", "host:", "1:2:99999", "127.0.0.1:70000"}) {
    EXPECT_THROW(HttpServer(loop, wrong, echo), ConfigError) << wrong;
  }
}

TEST(HttpServerAddress, IsRefusedWhereItIsTaken) {
  Loop loop;
  const HttpServer first(loop, "127.0.0.1:0", echo);
  try {
    const HttpServer second(loop, "127.0.0.1:" + std::to_string(first.port()), echo);
    FAIL() << "it listens twice";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("Address already in use"), std::string::npos);
  }
}

}  // namespace
}  // namespace celeriac::worker
