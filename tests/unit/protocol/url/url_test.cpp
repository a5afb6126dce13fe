#include "protocol/url/url.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::protocol {
namespace {

TEST(Url, HasTheParts) {
  const Url url = parse_url("amqp://us%65r:p%2Fw@Host:5673/v%2Fh?heartbeat=30&a=b+c#x");
  EXPECT_EQ(url.scheme, "amqp");
  EXPECT_EQ(url.user, "user");
  EXPECT_EQ(url.password, "p/w");
  EXPECT_EQ(url.host, "host");
  EXPECT_EQ(url.port, 5673);
  EXPECT_EQ(url.path, "v/h");
  EXPECT_EQ(url.query.at("heartbeat"), "30");
  EXPECT_EQ(url.query.at("a"), "b c");
}

TEST(Url, MayLackParts) {
  const Url url = parse_url("amqp://");
  EXPECT_EQ(url.host, "");
  EXPECT_EQ(url.port, 0);
  EXPECT_EQ(virtual_host(url), "/");
  EXPECT_EQ(parse_url("redis://:pw@h").password, "pw");
  EXPECT_EQ(parse_url("redis+socket:///tmp/r.sock?virtual_host=0").path, "tmp/r.sock");
  EXPECT_EQ(parse_url("amqp://[::1]:5672//").host, "::1");
}

TEST(Url, PasswordMayHoldAnAtSign) {
  const Url url = parse_url("amqp://u:a@b@h/");
  EXPECT_EQ(url.password, "a@b");
  EXPECT_EQ(url.host, "h");
}

TEST(Url, NamesTheVirtualHostAsCeleryDoes) {
  EXPECT_EQ(virtual_host(parse_url("amqp://h")), "/");
  EXPECT_EQ(virtual_host(parse_url("amqp://h/")), "/");
  EXPECT_EQ(virtual_host(parse_url("amqp://h//")), "/");
  EXPECT_EQ(virtual_host(parse_url("amqp://h//x")), "/x");
  EXPECT_EQ(virtual_host(parse_url("amqp://h/my%20host")), "my host");
}

TEST(Url, IsShownWithoutItsPassword) {
  EXPECT_EQ(display_url("amqp://"), "amqp://guest:**@127.0.0.1:5672//");
  EXPECT_EQ(display_url("amqp://me:secret@localhost:5673/v"), "amqp://me:**@127.0.0.1:5673/v");
  EXPECT_EQ(display_url("amqps://h/"), "amqps://guest:**@h:5671//");
  EXPECT_EQ(display_url("redis://:secret@h:6379/9?password=secret"), "redis://:**@h:6379/9");
  EXPECT_EQ(display_url("redis://h/1"), "redis://h/1");
  EXPECT_EQ(display_url("amqp://a:secret@h1;amqp://b:secret@[::1]"),
            "amqp://a:**@h1:5672//;amqp://b:**@[::1]:5672//");
}

TEST(Url, RefusalsNameTheUrlWithoutItsPassword) {
  for (const char* text :
       {"localhost", "u:secret@h", "amqp://u:secret@h:99999/", "amqp://u:secret@h:port/",
        "amqp://u:secret@[::1/", "amqp://u:secret@[::1]x", "://u:secret@h",
        "amqp://u:sec/secret@h:1x/", "redis://h:x/?password=secret"}) {
    try {
      parse_url(text);
      ADD_FAILURE() << text << " was accepted";
    } catch (const ConfigError& error) {
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("URL '"), std::string::npos);
    }
  }
}

TEST(Url, ListsAreSplitAtSemicolons) {
  EXPECT_EQ(split_urls("amqp://a;amqp://b"), (std::vector<std::string>{"amqp://a", "amqp://b"}));
  EXPECT_EQ(split_urls("amqp://a;;"), (std::vector<std::string>{"amqp://a"}));
  EXPECT_TRUE(split_urls("").empty());
}

}  // namespace
}  // namespace celeriac::protocol
