#include "tasks/alerts/encoding.h"

#include <gtest/gtest.h>

#include "tasks/alerts/duration.h"

namespace celeriac::alerts {
namespace {

using namespace std::chrono_literals;

TEST(Encoding, Base64HasTheVectorsOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
}

TEST(Encoding, FormEscapesAllButUnreservedCharacters) {
  EXPECT_EQ(form_encode({{"db", "mon"}, {"rp", ""}, {"q", "SELECT a+b = 'ü&'"}}),
            "db=mon&q=SELECT%20a%2Bb%20%3D%20%27%C3%BC%26%27");
}

TEST(Encoding, FingerprintIsStableAcrossReleases) {
  EXPECT_EQ(fingerprint(""), "cbf29ce484222325");
  EXPECT_EQ(fingerprint("a"), "af63dc4c8601ec8c");
}

TEST(Duration, IsWrittenAsTheReaderTakesIt) {
  EXPECT_EQ(to_text(90min), "1h30m");
  EXPECT_EQ(to_text(500ms), "500ms");
  EXPECT_EQ(to_text(26h), "1d2h");
  EXPECT_EQ(to_text(0ms), "0s");
}

}  // namespace
}  // namespace celeriac::alerts
