#include "tasks/alerts/cron.h"

#include <gtest/gtest.h>

namespace celeriac::alerts {
namespace {

TEST(Cron, AcceptsWhatCeleryAccepts) {
  for (const auto* text : {"* * * * *", "*/5 * * * *", "0 9-17 * * mon-fri", "0,30 8 1 jan,Jul 0",
                           "15 4-20/2 * * *", "  0   0  *  *  7  "}) {
    EXPECT_FALSE(cron_mistake(text)) << text << ": " << *cron_mistake(text);
  }
}

TEST(Cron, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(cron_mistake("60 * * * *").value_or(""),
            "its minute cannot be \"60\"; it takes 0 to 59, *, a range like 1-5 and a step like "
            "*/5");
  EXPECT_EQ(cron_mistake("* * 0 * *").value_or("").substr(0, 33),
            "its day of month cannot be \"0\"; i");
  EXPECT_TRUE(cron_mistake("*/0 * * * *"));
  EXPECT_TRUE(cron_mistake("* * * foo *"));
  EXPECT_TRUE(cron_mistake("1- * * * *"));
  EXPECT_TRUE(cron_mistake("1,,2 * * * *"));
  EXPECT_TRUE(cron_mistake("* * * *"));
  EXPECT_TRUE(cron_mistake(""));
}

}  // namespace
}  // namespace celeriac::alerts
