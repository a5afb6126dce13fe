#include "worker/clients/http_client.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "tests/support/run_on_loop.h"
#include "tests/support/scripted_server.h"
#include "worker/loop/timer.h"

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;
using test::run_on_loop;
using test::ScriptedServer;
using test::ServedConnection;

std::string ok(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
         "\r\n" + body;
}

ScriptedServer::Script answers(std::string response) {
  return [response](ServedConnection& connection) {
    while (!connection.read_until("\r\n\r\n").empty() && connection.write(response)) {
    }
  };
}

class HttpClientTest : public testing::Test {
 protected:
  std::string url(const ScriptedServer& server, const std::string& path = "/") {
    return "http://127.0.0.1:" + std::to_string(server.port()) + path;
  }
  HttpResponse send(const HttpRequest& request) { return run_on_loop(loop, client.send(request)); }
  HttpRequest request_to(const ScriptedServer& server) {
    HttpRequest request;
    request.url = url(server);
    return request;
  }
  // The text of the error that the request ends with.
  template <class E>
  std::string failure(const HttpRequest& request) {
    try {
      send(request);
    } catch (const E& error) {
      return error.what();
    }
    return "no such error";
  }

  Loop loop;
  CurlHttpClient client{loop, HttpClientSettings{}};
};

TEST_F(HttpClientTest, GivesStatusHeadersAndBody) {
  ScriptedServer server(
      {answers("HTTP/1.1 429 Slow\r\nRetry-After:  30 \r\nContent-Length: 5\r\n\r\nlater")});
  const HttpResponse response = run_on_loop(loop, client.get(url(server)));
  EXPECT_EQ(response.status, 429);
  EXPECT_FALSE(response.ok());
  EXPECT_EQ(response.body, "later");
  ASSERT_NE(response.header("retry-after"), nullptr);
  EXPECT_EQ(*response.header("retry-after"), "30");
}

TEST_F(HttpClientTest, SendsMethodHeadersAndBodyAsGiven) {
  std::string head, body;
  ScriptedServer server({[&](ServedConnection& connection) {
    head = connection.read_until("\r\n\r\n");
    body = connection.read_exactly(7);
    connection.write(ok(""));
  }});
  HttpRequest request = request_to(server);
  request.method = "PUT";
  request.url += "path?db=a%20b";
  request.headers = {{"X-Token", "abc"}, {"X-Empty", ""}};
  request.body = std::string("a\0b\r\n{}", 7);
  EXPECT_EQ(send(request).status, 200);
  EXPECT_TRUE(head.starts_with("PUT /path?db=a%20b HTTP/1.1\r\n")) << head;
  EXPECT_NE(head.find("X-Token: abc\r\n"), std::string::npos);
  EXPECT_NE(head.find("X-Empty:\r\n"), std::string::npos);
  EXPECT_NE(head.find("User-Agent: celeriac"), std::string::npos);
  EXPECT_EQ(head.find("Content-Type"), std::string::npos) << head;
  EXPECT_EQ(head.find("Expect"), std::string::npos) << head;
  EXPECT_EQ(body, request.body);
}

TEST_F(HttpClientTest, PostsJson) {
  std::string head, body;
  ScriptedServer server({[&](ServedConnection& connection) {
    head = connection.read_until("\r\n\r\n");
    body = connection.read_exactly(8);
    connection.write(ok(""));
  }});
  run_on_loop(loop, client.post_json(url(server), Json::object({{"a", 1}})));
  EXPECT_TRUE(head.starts_with("POST / HTTP/1.1\r\n"));
  EXPECT_NE(head.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(body, "{\"a\": 1}");
}

TEST_F(HttpClientTest, KeepsConnectionsAlive) {
  ScriptedServer server({answers(ok("again"))});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(run_on_loop(loop, client.get(url(server))).body, "again");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(HttpClientTest, DecompressesTheBody) {
  const std::string plain(100'000, 'x');
  std::string packed(plain.size(), '\0');
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  ScriptedServer server({answers(ok(packed, "Content-Encoding: gzip\r\n"))});
  EXPECT_EQ(run_on_loop(loop, client.get(url(server))).body, plain);

  HttpRequest request = request_to(server);
  request.max_body_bytes = 50'000;  // what is unpacked counts
  EXPECT_NE(failure<HttpError>(request).find("larger than 50000 bytes"), std::string::npos);
}

TEST_F(HttpClientTest, RefusesABodyThatIsTooLarge) {
  ScriptedServer announced({answers(ok(std::string(2000, 'x')))});
  HttpRequest request = request_to(announced);
  request.max_body_bytes = 1999;
  EXPECT_NE(failure<HttpError>(request).find("larger than 1999 bytes"), std::string::npos);
  request.max_body_bytes = 2000;
  EXPECT_EQ(send(request).body.size(), 2000u);

  ScriptedServer endless({[](ServedConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.write("HTTP/1.1 200 OK\r\n\r\n");
    while (connection.write(std::string(4096, 'x'))) {
    }
  }});
  EXPECT_NE(failure<HttpError>(request_to(endless)).find("larger than"), std::string::npos);
}

TEST_F(HttpClientTest, TakesALargeBodyInBothDirections) {
  const std::string large(5'000'000, 'y');
  ScriptedServer server({[&](ServedConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.write(ok(connection.read_exactly(large.size())));
  }});
  HttpRequest request = request_to(server);
  request.method = "POST";
  request.body = large;
  EXPECT_EQ(send(request).body, large);
}

TEST_F(HttpClientTest, ACutOffAnswerIsAnError) {
  ScriptedServer server({[](ServedConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  }});
  EXPECT_NE(failure<HttpError>(request_to(server)).find("GET http://127.0.0.1"), std::string::npos);
}

TEST_F(HttpClientTest, AnswersThatAreNoHttpAreErrors) {
  ScriptedServer server({[](ServedConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.write("SSH-2.0-OpenSSH\r\n");
  }});
  EXPECT_NE(failure<HttpError>(request_to(server)), "no such error");
  ScriptedServer silent({[](ServedConnection& connection) { connection.read_until("\r\n\r\n"); }});
  EXPECT_NE(failure<HttpError>(request_to(silent)), "no such error");
}

TEST_F(HttpClientTest, AnAnswerThatDoesNotComeIsATimeout) {
  ScriptedServer server({[](ServedConnection& connection) { connection.wait_for_close(); }});
  HttpRequest request = request_to(server);
  request.timeout = 30ms;
  EXPECT_EQ(failure<Timeout>(request), "GET http://127.0.0.1:" + std::to_string(server.port()) +
                                           ": no complete answer within 30 ms");
}

TEST_F(HttpClientTest, AnAnswerThatStallsIsATimeout) {
  ScriptedServer server({[](ServedConnection& connection) {
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    connection.wait_for_close();
  }});
  HttpRequest request = request_to(server);
  request.timeout = 30ms;
  EXPECT_NE(failure<Timeout>(request), "no such error");
}

TEST_F(HttpClientTest, ARefusedConnectionNamesTheHostAndNoSecret) {
  HttpRequest request;
  const std::string port = std::to_string(test::free_port());
  request.method = "POST";
  request.url = "http://user:secret@127.0.0.1:" + port + "/hook/secret?token=secret";
  const std::string text = failure<HttpError>(request);
  EXPECT_TRUE(text.starts_with("POST http://127.0.0.1:" + port + ": ")) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
}

TEST_F(HttpClientTest, AUrlThatIsNoneIsNotShown) {
  HttpRequest request;
  request.url = "http://user:secret@:x/";
  EXPECT_EQ(failure<HttpError>(request).find("secret"), std::string::npos);
  request.url = "file:///etc/passwd";
  EXPECT_NE(failure<HttpError>(request), "no such error");
}

TEST_F(HttpClientTest, AHeaderCannotSmuggleAnother) {
  ScriptedServer server({answers(ok(""))});
  HttpRequest request = request_to(server);
  request.headers = {{"X-Name", "a\r\nX-Other: b"}};
  EXPECT_NE(failure<HttpError>(request).find("line break"), std::string::npos);
  EXPECT_EQ(server.connections(), 0u);
}

TEST_F(HttpClientTest, FollowsRedirectsOnlyWhenAsked) {
  ScriptedServer target({answers(ok("there"))});
  ScriptedServer server({answers("HTTP/1.1 302 Found\r\nLocation: " + url(target) +
                                 "\r\nX-From: first\r\nContent-Length: 0\r\n\r\n")});
  HttpRequest request = request_to(server);
  EXPECT_EQ(send(request).status, 302);
  request.redirects = HttpRequest::Redirects::follow;
  const HttpResponse response = send(request);
  EXPECT_EQ(response.body, "there");
  EXPECT_EQ(response.header("X-From"), nullptr);
}

Async<void> gets(HttpClient& client, std::string url) {
  co_await client.get(url);
}

TEST_F(HttpClientTest, CancellingEndsTheTransfer) {
  ScriptedServer server({[](ServedConnection& connection) { connection.wait_for_close(); }});
  TaskGroup group(loop, [](std::exception_ptr) {});
  group.spawn(gets(client, url(server)));
  run_on_loop(loop, sleep_for(loop, 1ms));
  EXPECT_EQ(client.active(), 1u);
  group.cancel_all();
  run_on_loop(loop, group.join());
  EXPECT_EQ(client.active(), 0u);
}

TEST_F(HttpClientTest, DestroyingTheClientCancelsItsWaiters) {
  ScriptedServer server({[](ServedConnection& connection) { connection.wait_for_close(); }});
  auto doomed = std::make_unique<CurlHttpClient>(loop, HttpClientSettings{});
  bool cancelled = false;
  auto waits = [](HttpClient& http, std::string url, bool* ended) -> Async<void> {
    try {
      co_await http.get(url);
    } catch (const Cancelled&) {
      *ended = true;
    }
  };
  TaskGroup group(loop, [](std::exception_ptr) {});
  group.spawn(waits(*doomed, url(server), &cancelled));
  run_on_loop(loop, sleep_for(loop, 1ms));
  doomed.reset();
  run_on_loop(loop, group.join());
  EXPECT_TRUE(cancelled);
}

Async<void> gets_many(HttpClient& client, std::string url, int count, std::size_t* bytes) {
  std::vector<Async<HttpResponse>> requests;
  for (int i = 0; i < count; ++i) requests.push_back(client.get(url));
  for (const HttpResponse& response : co_await when_all(std::move(requests))) {
    *bytes += response.body.size();
  }
}

TEST_F(HttpClientTest, SendsManyAtATime) {
  ScriptedServer server({answers(ok("0123456789"))});
  std::size_t bytes = 0;
  run_on_loop(loop, gets_many(client, url(server), 100, &bytes));
  EXPECT_EQ(bytes, 1000u);
}

}  // namespace
}  // namespace celeriac::worker
