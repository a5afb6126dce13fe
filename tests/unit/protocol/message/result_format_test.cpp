#include "protocol/message/result_format.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::protocol {
namespace {

using namespace std::string_literals;

const Json kValue = Json::object({{"status", "SUCCESS"}, {"result", Json::array({1, "grün"})}});

TEST(ResultFormat, ReadsWhatItWrites) {
  for (const char* serializer : {"json", "yaml", "msgpack"}) {
    for (const char* compression : {"", "gzip", "bzip2", "lzma", "zstd"}) {
      SCOPED_TRACE(serializer + "/"s + compression);
      const ResultFormat format{serializer, compression};
      EXPECT_EQ(decode_stored(encode_stored(kValue, format), format), kValue);
    }
  }
}

TEST(ResultFormat, NamesTheCodecInThePayload) {
  const std::string payload = encode_stored(kValue, {"json", "zlib"});
  EXPECT_TRUE(payload.starts_with("\0celery-compressed\0application/x-gzip\0"s));
}

TEST(ResultFormat, ReadsACompressedPayloadWithoutBeingTold) {
  EXPECT_EQ(decode_stored(encode_stored(kValue, {"json", "zstd"}), {}), kValue);
  EXPECT_EQ(decode_stored(encode_stored(kValue, {}), {"json", "zstd"}), kValue);
}

TEST(ResultFormat, RefusesWhatItCannotRead) {
  EXPECT_THROW(decode_stored("{", {}), MessageError);
  EXPECT_THROW(decode_stored("", {"msgpack", ""}), MessageError);
  EXPECT_THROW(decode_stored("\xc1", {"msgpack", ""}), MessageError);
  EXPECT_THROW(decode_stored("\0celery-compressed\0application/x-gzip"s, {}), MessageError);
  EXPECT_THROW(decode_stored("\0celery-compressed\0x\0y"s, {}), MessageError);
  EXPECT_THROW(decode_stored("\0celery-compressed\0application/x-gzip\0y"s, {}), MessageError);
}

}  // namespace
}  // namespace celeriac::protocol
