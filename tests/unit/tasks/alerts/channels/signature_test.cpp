#include "tasks/alerts/channels/signature.h"

#include <gtest/gtest.h>

namespace celeriac::alerts {
namespace {

TEST(Signature, LarkSignsTheEmptyMessageWithTimeAndSecretAsKey) {
  EXPECT_EQ(lark_signature(1700000000, "demo-secret"),
            "mYHw2R2SOm8Rw/sne3lQdmz4sOfntKR+1P/8RKKTwmA=");
  EXPECT_EQ(lark_signature(1599360473, "demo"), "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=");
}

TEST(Signature, ABodyIsSignedAsRfc4231Does) {
  EXPECT_EQ(body_signature("what do ya want for nothing?", "Jefe"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace celeriac::alerts
