#include "protocol/serialization/msgpack.h"

#include <celeriac/error.h>
#include <celeriac/typed_json.h>
#include <gtest/gtest.h>

#include "tests/unit/protocol/hex.h"

namespace celeriac::protocol {
namespace {

std::string packed(const char* json) {
  return to_hex(dump_msgpack(parse_json(json)));
}
std::string unpacked(std::string_view hex) {
  return dump_json(parse_msgpack(from_hex(hex)));
}

// A capture of Celery 5.6: the body of add(2, 3).
TEST(Msgpack, IsWrittenAsPythonWritesIt) {
  EXPECT_EQ(packed(R"([[2, 3], {}, {"callbacks": null, "errbacks": null, "chain": null,)"
                   R"( "chord": null}])"),
            "939202038084a963616c6c6261636b73c0a86572726261636b73c0a5636861696ec0a563686f7264c0");
}

TEST(Msgpack, TakesTheShortestForm) {
  EXPECT_EQ(packed("[0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296]"),
            "99007fcc80ccffcd0100cdffffce00010000ceffffffffcf0000000100000000");
  EXPECT_EQ(packed("[-1, -32, -33, -128, -129, -32768, -32769, -2147483649]"),
            "98ffe0d0dfd080d1ff7fd18000d2ffff7fffd3ffffffff7fffffff");
  EXPECT_EQ(packed("[18446744073709551615, 1.5, true, false]"),
            "94cfffffffffffffffffcb3ff8000000000000c3c2");
  EXPECT_EQ(to_hex(dump_msgpack(std::string(32, 'a'))).substr(0, 4), "d920");
  EXPECT_EQ(to_hex(dump_msgpack(std::string(256, 'a'))).substr(0, 6), "da0100");
  EXPECT_EQ(to_hex(dump_msgpack(std::string(65536, 'a'))).substr(0, 10), "db00010000");
  EXPECT_EQ(to_hex(dump_msgpack(Json::Array(16, 1))).substr(0, 6), "dc0010");
}

TEST(Msgpack, ReadsEveryForm) {
  EXPECT_EQ(unpacked("99007fcc80ccffcd0100cdffffce00010000ceffffffffcf0000000100000000"),
            "[0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296]");
  EXPECT_EQ(unpacked("98ffe0d0dfd080d1ff7fd18000d2ffff7fffd3ffffffff7fffffff"),
            "[-1, -32, -33, -128, -129, -32768, -32769, -2147483649]");
  EXPECT_EQ(unpacked("92ca3fc00000cfffffffffffffffff"), "[1.5, 18446744073709551615]");
  EXPECT_EQ(unpacked("94a161d90162da000163db0000000164"), R"(["a", "b", "c", "d"])");
  EXPECT_EQ(unpacked("92dc000101dd0000000102"), "[[1], [2]]");
  EXPECT_EQ(unpacked("93de0001a16101df00000001a1620281a16303"),
            R"([{"a": 1}, {"b": 2}, {"c": 3}])");
}

TEST(Msgpack, KeepsBytesApartFromTexts) {
  EXPECT_EQ(parse_msgpack(from_hex("c40161")), typed_json("bytes", "a"));
  EXPECT_EQ(parse_msgpack(from_hex("c50001ff")), typed_json("base64", "/w=="));
  EXPECT_EQ(to_hex(dump_msgpack(typed_json("bytes", "a"))), "c40161");
  EXPECT_EQ(to_hex(dump_msgpack(typed_json("base64", "/w=="))), "c401ff");
}

TEST(Msgpack, ReadsTimestamps) {
  EXPECT_EQ(parse_msgpack(from_hex("d6ff00000001")),
            typed_json("datetime", "1970-01-01T00:00:01+00:00"));
  EXPECT_EQ(parse_msgpack(from_hex("d7ff00000fa000000001")),
            typed_json("datetime", "1970-01-01T00:00:01.000001+00:00"));
  EXPECT_EQ(parse_msgpack(from_hex("c70cff00000000ffffffffffffffff")),
            typed_json("datetime", "1969-12-31T23:59:59+00:00"));
}

TEST(Msgpack, RefusesWhatItCannotHold) {
  EXPECT_THROW(dump_msgpack(BigInteger{"18446744073709551616"}), EncodeError);
  EXPECT_THROW(dump_msgpack(BigInteger{"-9223372036854775809"}), EncodeError);
  EXPECT_THROW(dump_msgpack("\xFF"), EncodeError);
}

TEST(Msgpack, RefusesWhatIsNone) {
  for (const char* hex : {"", "c1", "0101", "91", "8101", "810101", "81c0c0", "a261", "a1ff",
                          "d40101", "c70cff00", "d7ffffffffffffffffff", "c4"}) {
    EXPECT_THROW(parse_msgpack(from_hex(hex)), MessageError) << hex;
  }
}

TEST(Msgpack, RefusesSizesBeyondTheBodyBeforeItAllocates) {
  for (const char* hex : {"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffffff"}) {
    EXPECT_THROW(parse_msgpack(from_hex(hex)), MessageError) << hex;
  }
}

TEST(Msgpack, RefusesNestingWithoutEnd) {
  EXPECT_NO_THROW(parse_msgpack(std::string(512, '\x91') + '\x01'));
  EXPECT_THROW(parse_msgpack(std::string(100000, '\x91')), MessageError);
}

TEST(Msgpack, RefusesEveryTruncation) {
  const std::string body = dump_msgpack(parse_json(R"([1, "text", {"a": [1.5, null]}, 70000])"));
  for (std::size_t length = 0; length < body.size(); ++length) {
    EXPECT_THROW(parse_msgpack(body.substr(0, length)), MessageError) << length;
  }
}

TEST(Msgpack, KeepsTheLastOfEqualKeys) {
  EXPECT_EQ(unpacked("82a16101a16102"), R"({"a": 2})");
}

}  // namespace
}  // namespace celeriac::protocol
