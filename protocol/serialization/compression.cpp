#include "protocol/serialization/compression.h"

#include <bzlib.h>
#include <celeriac/error.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace celeriac::protocol {
namespace {

[[noreturn]] void throw_not_compressed(std::string_view codec, const std::string& why) {
  throw MessageError(MessageError::Kind::undecodable,
                     "cannot decompress the body (" + std::string(codec) + "): " + why);
}

// Collects what a codec unpacks, block by block, up to a limit.
class BoundedOutput {
 public:
  BoundedOutput(std::string_view codec, std::size_t max_size)
      : codec_(codec), max_size_(max_size) {}

  char* block() { return block_; }
  static constexpr std::size_t block_size() { return kBlockSize; }

  void append(std::size_t produced) {
    if (produced > max_size_ - out_.size()) {
      throw_not_compressed(codec_,
                           "it unpacks to more than " + std::to_string(max_size_) + " bytes");
    }
    out_.append(block_, produced);
  }

  std::string take() { return std::move(out_); }

 private:
  static constexpr std::size_t kBlockSize = std::size_t{16} * 1024;
  std::string_view codec_;
  std::size_t max_size_;
  std::string out_;
  char block_[kBlockSize];
};

// The sizes of these libraries are 32 bits wide.
unsigned checked_size(std::string_view codec, std::string_view data) {
  if (data.size() > std::numeric_limits<unsigned>::max()) {
    throw_not_compressed(codec, "the body has more than 4 GiB");
  }
  return static_cast<unsigned>(data.size());
}

// kombu calls it gzip and writes a zlib stream. A real gzip is read as well.
std::string unpack_zlib(std::string_view data, BoundedOutput out) {
  constexpr int kWindowBits = 15;
  constexpr int kZlibOrGzip = 32;
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = checked_size("gzip", data);
  if (inflateInit2(&stream, kWindowBits + kZlibOrGzip) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> owner(&stream, inflateEnd);
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(out.block());
    stream.avail_out = BoundedOutput::block_size();
    const int status = inflate(&stream, Z_NO_FLUSH);
    out.append(BoundedOutput::block_size() - stream.avail_out);
    if (status == Z_STREAM_END) return out.take();
    if (status != Z_OK) {
      throw_not_compressed("gzip", stream.msg != nullptr ? stream.msg : "the data is cut off");
    }
  }
}

std::string unpack_bzip2(std::string_view data, BoundedOutput out) {
  bz_stream stream{};
  stream.next_in = const_cast<char*>(data.data());
  stream.avail_in = checked_size("bzip2", data);
  for (;;) {  // one turn for each stream: like Python, several may follow each other
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) throw std::bad_alloc();
    const std::unique_ptr<bz_stream, decltype(&BZ2_bzDecompressEnd)> owner(&stream,
                                                                           BZ2_bzDecompressEnd);
    int status = BZ_OK;
    while (status != BZ_STREAM_END) {
      stream.next_out = out.block();
      stream.avail_out = BoundedOutput::block_size();
      status = BZ2_bzDecompress(&stream);
      out.append(BoundedOutput::block_size() - stream.avail_out);
      if (status != BZ_OK && status != BZ_STREAM_END) {
        throw_not_compressed("bzip2", "the data is damaged");
      }
      if (status == BZ_OK && stream.avail_in == 0 && stream.avail_out != 0) {
        throw_not_compressed("bzip2", "the data is cut off");
      }
    }
    if (stream.avail_in == 0) return out.take();
  }
}

// The .xz container, or the older .lzma; several may follow each other.
std::string unpack_lzma(std::string_view data, BoundedOutput out) {
  // What `xz -9` needs, with room; a hostile header cannot ask for more.
  constexpr std::uint64_t kMemoryLimit = 128UL * 1024 * 1024;
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_auto_decoder(&stream, kMemoryLimit, LZMA_CONCATENATED) != LZMA_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<lzma_stream, decltype(&lzma_end)> owner(&stream, lzma_end);
  stream.next_in = reinterpret_cast<const std::uint8_t*>(data.data());
  stream.avail_in = data.size();
  for (;;) {
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.block());
    stream.avail_out = BoundedOutput::block_size();
    const lzma_ret status = lzma_code(&stream, LZMA_FINISH);
    out.append(BoundedOutput::block_size() - stream.avail_out);
    if (status == LZMA_STREAM_END) return out.take();
    if (status == LZMA_MEMLIMIT_ERROR) throw_not_compressed("lzma", "it needs too much memory");
    if (status != LZMA_OK) throw_not_compressed("lzma", "the data is damaged or cut off");
  }
}

std::string unpack_zstd(std::string_view data, BoundedOutput out) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     ZSTD_freeDCtx);
  ZSTD_inBuffer input{data.data(), data.size(), 0};
  std::size_t left_of_frame = 1;
  while (input.pos < input.size || left_of_frame != 0) {
    ZSTD_outBuffer output{out.block(), BoundedOutput::block_size(), 0};
    const std::size_t consumed_before = input.pos;
    left_of_frame = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(left_of_frame) != 0) {
      throw_not_compressed("zstd", ZSTD_getErrorName(left_of_frame));
    }
    out.append(output.pos);
    const bool stands_still = output.pos == 0 && input.pos == consumed_before;
    if (stands_still && left_of_frame != 0) throw_not_compressed("zstd", "the data is cut off");
  }
  return out.take();
}

std::string pack_zlib(std::string_view data) {
  uLongf size = compressBound(data.size());
  std::string out(size, '\0');
  if (::compress(reinterpret_cast<Bytef*>(out.data()), &size,
                 reinterpret_cast<const Bytef*>(data.data()), data.size()) != Z_OK) {
    throw std::bad_alloc();
  }
  out.resize(size);
  return out;
}

std::string pack_bzip2(std::string_view data) {
  constexpr int kBlocksOf100k = 9;
  // The library's own bound: one percent and 600 bytes more than the input.
  unsigned size = static_cast<unsigned>(data.size() + data.size() / 100 + 600);
  std::string out(size, '\0');
  if (BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(data.data()),
                               static_cast<unsigned>(data.size()), kBlocksOf100k, 0, 0) != BZ_OK) {
    throw std::bad_alloc();
  }
  out.resize(size);
  return out;
}

std::string pack_lzma(std::string_view data) {
  std::string out(lzma_stream_buffer_bound(data.size()), '\0');
  std::size_t size = 0;
  if (lzma_easy_buffer_encode(LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64, nullptr,
                              reinterpret_cast<const std::uint8_t*>(data.data()), data.size(),
                              reinterpret_cast<std::uint8_t*>(out.data()), &size,
                              out.size()) != LZMA_OK) {
    throw std::bad_alloc();
  }
  out.resize(size);
  return out;
}

std::string pack_zstd(std::string_view data) {
  std::string out(ZSTD_compressBound(data.size()), '\0');
  const std::size_t size =
      ZSTD_compress(out.data(), out.size(), data.data(), data.size(), ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(size) != 0) throw std::bad_alloc();
  out.resize(size);
  return out;
}

struct Codec {
  std::string_view type;
  std::string_view aliases[2];
  std::string (*pack)(std::string_view);
  std::string (*unpack)(std::string_view, BoundedOutput);
};

constexpr Codec kCodecs[] = {
    {"application/x-gzip", {"gzip", "zlib"}, pack_zlib, unpack_zlib},
    {"application/x-bz2", {"bzip2", "bzip"}, pack_bzip2, unpack_bzip2},
    {"application/x-lzma", {"lzma", "xz"}, pack_lzma, unpack_lzma},
    {"application/zstd", {"zstd", "zstandard"}, pack_zstd, unpack_zstd},
};

const Codec* find_codec(std::string_view name) {
  const auto* found = std::find_if(std::begin(kCodecs), std::end(kCodecs), [&](const Codec& codec) {
    return codec.type == name || codec.aliases[0] == name || codec.aliases[1] == name;
  });
  return found != std::end(kCodecs) ? found : nullptr;
}

}  // namespace

std::optional<std::string> compression_type_of(std::string_view name_or_type) {
  const Codec* codec = find_codec(name_or_type);
  return codec != nullptr ? std::optional(std::string(codec->type)) : std::nullopt;
}

std::string compress(std::string_view data, std::string_view name_or_type) {
  const Codec* codec = find_codec(name_or_type);
  if (codec == nullptr) {
    throw ConfigError("no compression '" + std::string(name_or_type) +
                      "'; use gzip, bzip2, lzma or zstd");
  }
  return codec->pack(data);
}

std::string decompress(std::string_view data, std::string_view name_or_type, std::size_t max_size) {
  const Codec* codec = find_codec(name_or_type);
  if (codec == nullptr) {
    throw_not_compressed(name_or_type, "this worker reads gzip, bzip2, lzma and zstd");
  }
  return codec->unpack(data, BoundedOutput(codec->aliases[0], max_size));
}

}  // namespace celeriac::protocol
