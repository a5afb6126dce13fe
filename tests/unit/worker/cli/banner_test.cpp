#include "worker/cli/banner.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

TEST(Banner, HasCelerysShape) {
  Banner banner;
  banner.nodename = "w1@host1";
  banner.version = "0.1.0";
  banner.platform = "Linux-6.1-x86_64-with-glibc2.36";
  banner.time = "2026-11-23 00:37:15";
  banner.app = "celeriac ./wapp.so";
  banner.transport = "amqp://guest:**@127.0.0.1:5672//";
  banner.results = "redis://127.0.0.1:6379/9";
  banner.concurrency = "2 (threads)";
  banner.task_events = true;
  protocol::Queue queue;
  queue.name = queue.exchange.name = queue.routing_key = "celery";
  banner.queues = {queue};
  banner.tasks = {"wapp.add"};
  EXPECT_EQ(to_text(banner),
            " \n"
            " -------------- w1@host1 v0.1.0 (celeriac)\n"
            "--- ***** ----- \n"
            "-- ******* ---- Linux-6.1-x86_64-with-glibc2.36 2026-11-23 00:37:15\n"
            "- *** --- * --- \n"
            "- ** ---------- [config]\n"
            "- ** ---------- .> app:         celeriac ./wapp.so\n"
            "- ** ---------- .> transport:   amqp://guest:**@127.0.0.1:5672//\n"
            "- ** ---------- .> results:     redis://127.0.0.1:6379/9\n"
            "- *** --- * --- .> concurrency: 2 (threads)\n"
            "-- ******* ---- .> task events: ON\n"
            "--- ***** ----- \n"
            " -------------- [queues]\n"
            "                .> celery           exchange=celery(direct) key=celery\n"
            "\n"
            "[tasks]\n"
            "  . wapp.add\n"
            "\n");
  banner.task_events = false;
  EXPECT_NE(to_text(banner).find("OFF (enable -E to monitor tasks in this worker)"),
            std::string::npos);
}

}  // namespace
}  // namespace celeriac::worker
