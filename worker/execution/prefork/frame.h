// What a worker and its pool children say to each other: JSON documents, each behind
// its length in four bytes, big-endian, over a socket pair.
//
//   parent → child   {"type": "run", "number", "task", "request", "args", "kwargs"}
//                    {"type": "answer", "value" | "error"}        to state and send
//   child → parent   {"type": "ready"}                            once, when it can work
//                    {"type": "log", "level", "text"}
//                    {"type": "state", "state", "meta"}           waits for an answer
//                    {"type": "send", "signature"}                waits for an answer
//                    {"type": "outcome", "kind", …, "rss"}        ends a run; see outcome.h
//
// A child whose socket is closed ends.
#pragma once

#include <celeriac/json.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace celeriac::worker::prefork {

inline constexpr std::size_t kMaxFrameBytes = std::size_t{512} << 20;

// Throws Error for a document that is too large.
std::string encode_frame(const Json& document);

// Cuts what was received into documents. Bytes in, documents out.
class FrameReader {
 public:
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  // The next whole document. Throws ProtocolError for a length beyond the limit.
  std::optional<Json> next();

 private:
  std::string buffer_;
  std::size_t read_ = 0;  // bytes of the buffer that are used up
};

}  // namespace celeriac::worker::prefork
