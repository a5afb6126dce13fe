#include "worker/monitoring/http_request.h"

#include <gtest/gtest.h>

#include <string>

namespace celeriac::worker {
namespace {

int refusal(std::string_view bytes) {
  const auto parsed = parse_http_head(bytes);
  const auto* refused = std::get_if<HttpRefusal>(&parsed);
  return refused ? refused->status : 0;
}

TEST(HttpHead, GivesMethodAndPathWithoutTheQuery) {
  const auto parsed = parse_http_head("GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(std::holds_alternative<HttpRequest>(parsed));
  EXPECT_EQ(std::get<HttpRequest>(parsed).method, "GET");
  EXPECT_EQ(std::get<HttpRequest>(parsed).path, "/metrics");
}

TEST(HttpHead, NeedsMoreBytesAtEveryCut) {
  const std::string whole = "GET /livez HTTP/1.0\r\nHost: x\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(std::holds_alternative<NeedMoreBytes>(parse_http_head(whole.substr(0, size))))
        << size;
  }
  EXPECT_TRUE(std::holds_alternative<HttpRequest>(parse_http_head(whole)));
}

TEST(HttpHead, RefusesWhatIsNoRequest) {
  EXPECT_EQ(refusal("\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET /\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET  HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET metrics HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refusal("G\x01T / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET /a\x7f HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET / SPDY/3\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(refusal(std::string("\x16\x03\x01\x02\x00\x01\n\n", 8)), 400);
}

TEST(HttpHead, RefusesAHeadThatNeverEnds) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nX: " + std::string(kMaxHttpHead, 'a')), 431);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nX: " + std::string(kMaxHttpHead, 'a') + "\r\n\r\n"), 431);
}

TEST(HttpResponse, SaysHowLongItIsAndThatItIsTheLast) {
  HttpResponse response;
  response.body = "ok\n";
  EXPECT_EQ(http_response_bytes(response, HttpBody::sent),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\nok\n");
  EXPECT_TRUE(http_response_bytes(response, HttpBody::left_out).ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace celeriac::worker
