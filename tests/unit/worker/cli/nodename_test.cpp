#include "worker/cli/nodename.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

// The expected names are what celery.utils.nodenames of Celery 5.7 gives.
TEST(Nodename, IsFilledInAsCelerys) {
  EXPECT_EQ(make_nodename("", "vm.example.org"), "celery@vm.example.org");
  EXPECT_EQ(make_nodename("w1@%h", "vm.example.org"), "w1@vm.example.org");
  EXPECT_EQ(make_nodename("w1@%n", "vm.example.org"), "w1@vm");
  EXPECT_EQ(make_nodename("w1@%d", "vm.example.org"), "w1@example.org");
  EXPECT_EQ(make_nodename("w1", "vm"), "celery@w1");
  EXPECT_EQ(make_nodename("w1@", "vm"), "w1@vm");
  EXPECT_EQ(make_nodename("@h", "vm"), "celery@h");
  EXPECT_EQ(make_nodename("100%%@h", "vm"), "100%@h");
  EXPECT_THROW(make_nodename("w%x@h", "vm"), ConfigError);
  EXPECT_THROW(make_nodename("w%", "vm"), ConfigError);
}

TEST(Nodename, FillsInPathsAsCelery) {
  EXPECT_EQ(expand_path("/x/%n%I-%h-%d-%p-%i", "w1@a.b.c"), "/x/w1-a.b.c-b.c-w1@a.b.c-0");
  EXPECT_THROW(expand_path("/x/%q", "w1@a"), ConfigError);
}

}  // namespace
}  // namespace celeriac::worker
