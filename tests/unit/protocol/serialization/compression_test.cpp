#include "protocol/serialization/compression.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

#include "tests/unit/protocol/hex.h"

namespace celeriac::protocol {
namespace {

constexpr const char* kCodecs[] = {"gzip", "bzip2", "lzma", "zstd"};

TEST(Compression, ReadsBackWhatItWrites) {
  std::string text;
  for (int i = 0; i < 10000; ++i) text += std::to_string(i * 7919 % 1000);
  for (const char* codec : kCodecs) {
    EXPECT_EQ(decompress(compress(text, codec), codec), text) << codec;
    EXPECT_EQ(decompress(compress("", codec), codec), "") << codec;
  }
}

TEST(Compression, HasKombusNames) {
  EXPECT_EQ(compression_type_of("gzip"), "application/x-gzip");
  EXPECT_EQ(compression_type_of("zlib"), "application/x-gzip");
  EXPECT_EQ(compression_type_of("bzip"), "application/x-bz2");
  EXPECT_EQ(compression_type_of("xz"), "application/x-lzma");
  EXPECT_EQ(compression_type_of("zstandard"), "application/zstd");
  EXPECT_EQ(compression_type_of("application/zstd"), "application/zstd");
  EXPECT_EQ(compression_type_of("brotli"), std::nullopt);
  EXPECT_THROW(compress("x", "brotli"), ConfigError);
  EXPECT_THROW(decompress("x", "application/x-brotli"), MessageError);
}

TEST(Compression, GzipIsTheZlibStreamThatPythonWrites) {
  EXPECT_EQ(to_hex(compress("hello", "gzip")), "789ccb48cdc9c90700062c0215");
}

TEST(Compression, ReadsARealGzipToo) {
  EXPECT_EQ(decompress(from_hex("1f8b0800000000000003cb48cdc9c9070086a6103605000000"), "gzip"),
            "hello");
}

TEST(Compression, ReadsStreamsThatFollowEachOther) {
  for (const char* codec : {"bzip2", "lzma", "zstd"}) {
    EXPECT_EQ(decompress(compress("one", codec) + compress("two", codec), codec), "onetwo");
  }
}

TEST(Compression, RefusesABomb) {
  const std::string zeros(1 << 20, '\0');
  for (const char* codec : kCodecs) {
    const std::string bomb = compress(zeros, codec);
    EXPECT_LT(bomb.size(), 4096U);
    EXPECT_EQ(decompress(bomb, codec, zeros.size()), zeros);
    EXPECT_THROW(decompress(bomb, codec, zeros.size() - 1), MessageError) << codec;
  }
}

TEST(Compression, RefusesEveryTruncation) {
  for (const char* codec : kCodecs) {
    const std::string packed = compress("some text that is compressed", codec);
    for (std::size_t length = 0; length < packed.size(); ++length) {
      EXPECT_THROW(decompress(packed.substr(0, length), codec), MessageError)
          << codec << " " << length;
    }
  }
}

TEST(Compression, RefusesWhatIsNotCompressed) {
  for (const char* codec : kCodecs) {
    EXPECT_THROW(decompress("[[], {}, {}] is plain text", codec), MessageError) << codec;
  }
}

}  // namespace
}  // namespace celeriac::protocol
