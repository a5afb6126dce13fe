#include "worker/clients/redis_address.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

std::string refusal(const char* url) {
  try {
    parse_redis_url(url);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(RedisAddress, HasCelerysDefaults) {
  const RedisAddress address = parse_redis_url("redis://");
  EXPECT_EQ(address.host, "localhost");
  EXPECT_EQ(address.port, 6379);
  EXPECT_EQ(address.database, 0);
  EXPECT_TRUE(address.password.empty());
}

TEST(RedisAddress, ReadsAllParts) {
  const RedisAddress address = parse_redis_url("redis://me:p%40ss@redis.example:6380/7");
  EXPECT_EQ(address.user, "me");
  EXPECT_EQ(address.password, "p@ss");
  EXPECT_EQ(address.host, "redis.example");
  EXPECT_EQ(address.port, 6380);
  EXPECT_EQ(address.database, 7);
}

TEST(RedisAddress, ReadsASocket) {
  const RedisAddress address = parse_redis_url("redis+socket:///run/redis.sock?virtual_host=2");
  EXPECT_EQ(address.socket_path, "/run/redis.sock");
  EXPECT_EQ(address.database, 2);
  EXPECT_EQ(address.display(), "redis+socket:///run/redis.sock");
}

TEST(RedisAddress, ShowsNoCredentials) {
  EXPECT_EQ(parse_redis_url("redis://me:secret@[::1]:6380/7").display(), "redis://[::1]:6380/7");
}

TEST(RedisAddress, RefusesWhatIsNoDatabaseAndNamesThePlace) {
  const std::string text = refusal("redis://:secret@host:6379/main");
  EXPECT_NE(text.find("redis://"), std::string::npos);
  EXPECT_NE(text.find("must be a number"), std::string::npos);
  EXPECT_EQ(text.find("secret"), std::string::npos);
  EXPECT_NE(refusal("redis://host/-1"), "accepted");
  EXPECT_NE(refusal("redis://host/99999999999"), "accepted");
}

TEST(RedisAddress, RefusesOtherSchemes) {
  EXPECT_NE(refusal("amqp://host").find("scheme"), std::string::npos);
  EXPECT_NE(refusal("redis+socket://").find("path"), std::string::npos);
}

#ifndef CELERIAC_HIREDIS_SSL
TEST(RedisAddress, RefusesTlsWhereHiredisHasNone) {
  EXPECT_NE(refusal("rediss://host").find("no TLS"), std::string::npos);
}
#else
TEST(RedisAddress, ReadsCelerysTlsOptions) {
  const RedisAddress address =
      parse_redis_url("rediss://host?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=/ca.pem");
  EXPECT_TRUE(address.tls.enabled);
  EXPECT_EQ(address.tls.ca_certs, "/ca.pem");
  EXPECT_NE(refusal("rediss://host?ssl_cert_reqs=CERT_NONE").find("verified"), std::string::npos);
}
#endif

}  // namespace
}  // namespace celeriac::worker
