#include "worker/monitoring/process_usage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>

namespace celeriac::worker {
namespace {

TEST(ProcessUsage, IsThatOfThisProcess) {
  const auto usage = process_usage();
  ASSERT_TRUE(usage);
  EXPECT_GT(usage->resident_bytes, 1u << 20);
  EXPECT_GT(usage->virtual_bytes, usage->resident_bytes);
  EXPECT_GE(usage->threads, 1u);
  EXPECT_GT(usage->max_files, usage->open_files);
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(usage->start_time_seconds, now + 1);
  EXPECT_GT(usage->start_time_seconds, now - 86400);
}

TEST(ProcessUsage, CountsOpenFiles) {
  const auto before = process_usage()->open_files;
  const int file = ::open("/dev/null", O_RDONLY);
  EXPECT_EQ(process_usage()->open_files, before + 1);
  ::close(file);
  EXPECT_EQ(process_usage()->open_files, before);
}

}  // namespace
}  // namespace celeriac::worker
