#include "worker/execution/traced_http.h"

#include <gtest/gtest.h>

#include "tests/support/run_on_loop.h"
#include "worker/loop/loop.h"

namespace celeriac::worker {
namespace {

constexpr const char* kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

HttpHeaders of(const JsonObject& headers) {
  protocol::TaskMessage message;
  message.headers = headers;
  return trace_headers(message);
}

TEST(TraceHeaders, AreThoseOfTheMessage) {
  const HttpHeaders both{{"traceparent", kParent}, {"tracestate", "vendor=1"}};
  EXPECT_EQ(of({{"tracestate", "vendor=1"}, {"traceparent", kParent}, {"baggage", "a=1"}}), both);
  protocol::TaskMessage message;
  message.headers_beside = JsonObject{{"traceparent", kParent}, {"tracestate", "vendor=1"}};
  EXPECT_EQ(trace_headers(message), both);
}

TEST(TraceHeaders, AreNoneWithoutATrace) {
  EXPECT_EQ(of({}), HttpHeaders());
  EXPECT_EQ(of({{"tracestate", "vendor=1"}}), HttpHeaders());
}

TEST(TraceHeaders, AreNotTakenFromWhatIsNone) {
  const std::string parent = kParent;
  for (const Json& bad : {Json(7), Json(""), Json(parent.substr(1)), Json(parent + "x"),
                          Json(parent + "-a\r\nHost: b"), Json("00_" + parent.substr(3)),
                          Json("00-" + std::string(31, 'G') + parent.substr(34))}) {
    EXPECT_EQ(of({{"traceparent", bad}}), HttpHeaders()) << dump_json(bad);
  }
  const HttpHeaders alone{{"traceparent", kParent}};
  EXPECT_EQ(of({{"traceparent", kParent}, {"tracestate", "a\r\nHost: b"}}), alone);
  const HttpHeaders later{{"traceparent", parent + "-more"}};
  EXPECT_EQ(of({{"traceparent", parent + "-more"}}), later);
}

class Recording final : public HttpClient {
 public:
  HttpHeaders seen;

 protected:
  Async<HttpResponse> perform(HttpRequest request) override {
    seen = request.headers;
    co_return HttpResponse();
  }
};

TEST(TracedHttp, AddsTheTraceUnlessTheTaskNamesOne) {
  Recording client;
  Loop loop;
  TracedHttp traced(client, {{"traceparent", kParent}});
  HttpRequest request;
  test::run_on_loop(loop, traced.send(request));
  const HttpHeaders added{{"traceparent", kParent}};
  EXPECT_EQ(client.seen, added);
  request.headers = {{"Traceparent", "own"}};
  test::run_on_loop(loop, traced.send(request));
  EXPECT_EQ(client.seen, request.headers);
}

}  // namespace
}  // namespace celeriac::worker
