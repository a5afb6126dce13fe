#include "worker/broker/url_options.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

BrokerSettings settings_of(const std::string& url) {
  return with_url_options({}, protocol::parse_url(url));
}

std::string refusal_of(const std::string& url) {
  try {
    settings_of(url);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(UrlOptions, CountBeforeTheSettings) {
  const BrokerSettings settings = settings_of(
      "amqps://host//?ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem"
      "&ssl_cert_reqs=CERT_NONE&heartbeat=10&connect_timeout=1.5&login_method=EXTERNAL");
  EXPECT_EQ(settings.tls.ca_certs, "/ca.pem");
  EXPECT_EQ(settings.tls.certfile, "/c.pem");
  EXPECT_EQ(settings.tls.keyfile, "/k.pem");
  EXPECT_FALSE(settings.tls.verify_peer);
  EXPECT_EQ(settings.heartbeat, 10s);
  EXPECT_EQ(settings.connection_timeout, 1500ms);
  EXPECT_EQ(settings.login_method, "EXTERNAL");
}

TEST(UrlOptions, LeaveTheRestAlone) {
  BrokerSettings settings;
  settings.heartbeat = 7s;
  settings = with_url_options(settings, protocol::parse_url("amqp://host//"));
  EXPECT_EQ(settings.heartbeat, 7s);
  EXPECT_TRUE(settings.tls.verify_peer);
}

TEST(UrlOptions, AreRefusedByNameWithoutThePassword) {
  EXPECT_EQ(refusal_of("amqp://user:secret@host:5672//?hartbeat=1"),
            "amqp://user:**@host:5672//: the option 'hartbeat' is not known");
  EXPECT_NE(refusal_of("amqp://host//?heartbeat=soon").find("it must be a number of seconds"),
            std::string::npos);
  EXPECT_NE(refusal_of("amqp://host//?ssl_cert_reqs=maybe").find("none, optional or required"),
            std::string::npos);
  EXPECT_NE(refusal_of("amqp://host//?login_method=GSSAPI").find("PLAIN or EXTERNAL"),
            std::string::npos);
}

}  // namespace
}  // namespace celeriac::worker
