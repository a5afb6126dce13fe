// The first byte chooses the codec, the rest is the compressed body.
#include "protocol/serialization/compression.h"

#include <celeriac/error.h>

#include <string>

#include "tests/fuzz/property.h"

using namespace celeriac;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr const char* kCodecs[] = {"gzip", "bzip2", "lzma", "zstd"};
  constexpr std::size_t kLimit = 1 << 20;
  const char* codec = kCodecs[data[0] % 4];
  std::string unpacked;
  try {
    unpacked = protocol::decompress(as_text(data + 1, size - 1), codec, kLimit);
  } catch (const MessageError&) {
    return 0;
  }
  require(unpacked.size() <= kLimit, "no more is unpacked than allowed");
  require(protocol::decompress(protocol::compress(unpacked, codec), codec) == unpacked,
          "what is compressed is decompressed as it was");
  return 0;
}
