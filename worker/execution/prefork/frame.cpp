#include "worker/execution/prefork/frame.h"

#include <celeriac/error.h>

#include <cstdint>

namespace celeriac::worker::prefork {

namespace {
constexpr std::size_t kHeaderBytes = 4;
}

std::string encode_frame(const Json& document) {
  const std::string text = dump_json(document);
  if (text.size() > kMaxFrameBytes) {
    throw Error("a value of " + std::to_string(text.size()) +
                " bytes is too large to pass between the worker and its pool process");
  }
  std::string frame;
  frame.reserve(kHeaderBytes + text.size());
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame += static_cast<char>((text.size() >> shift) & 0xff);
  }
  return frame += text;
}

std::optional<Json> FrameReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(read_);
  if (rest.size() < kHeaderBytes) return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 0; i < kHeaderBytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(rest[i]);
  }
  if (length > kMaxFrameBytes) {
    throw ProtocolError("a frame between the worker and its pool process claims " +
                        std::to_string(length) + " bytes");
  }
  if (rest.size() < kHeaderBytes + length) return std::nullopt;
  Json document = parse_json(rest.substr(kHeaderBytes, length));
  read_ += kHeaderBytes + length;
  if (read_ == buffer_.size()) {
    buffer_.clear();
    read_ = 0;
  }
  return document;
}

}  // namespace celeriac::worker::prefork
