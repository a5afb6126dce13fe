#include "worker/execution/prefork/frame.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::worker::prefork {
namespace {

const Json kDocument = Json::object({{"type", "run"}, {"args", Json::array({1, "é", nullptr})}});

TEST(FrameReader, ReadsADocumentCutAtEveryByte) {
  const std::string bytes = encode_frame(kDocument) + encode_frame(kDocument);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    FrameReader reader;
    int documents = 0;
    reader.feed(std::string_view(bytes).substr(0, cut));
    while (auto document = reader.next()) documents += *document == kDocument;
    reader.feed(std::string_view(bytes).substr(cut));
    while (auto document = reader.next()) documents += *document == kDocument;
    EXPECT_EQ(documents, 2) << "cut at " << cut;
  }
}

TEST(FrameReader, HasNothingForATruncatedDocument) {
  const std::string bytes = encode_frame(kDocument);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    FrameReader reader;
    reader.feed(std::string_view(bytes).substr(0, length));
    EXPECT_FALSE(reader.next()) << length;
  }
}

TEST(FrameReader, RefusesALengthBeyondTheLimit) {
  FrameReader reader;
  reader.feed("\xff\xff\xff\xff");
  EXPECT_THROW(reader.next(), ProtocolError);
}

}  // namespace
}  // namespace celeriac::worker::prefork
