#include "worker/monitoring/monitoring.h"

#include <gtest/gtest.h>

namespace celeriac::worker {
namespace {

TEST(Probes, AreAliveWhateverTheBrokerDoes) {
  WorkerSample sample;
  EXPECT_EQ(answer_probe("/livez", sample, Stopping::no).status, 200);
  EXPECT_EQ(answer_probe("/healthz", sample, Stopping::yes).status, 200);
}

TEST(Probes, AreReadyWhileTheWorkerConsumes) {
  WorkerSample sample;
  sample.broker.url = "amqp://guest:**@rabbit:5672//";
  EXPECT_EQ(answer_probe("/readyz", sample, Stopping::no).status, 503);
  EXPECT_EQ(answer_probe("/readyz", sample, Stopping::no).body,
            "no connection to amqp://guest:**@rabbit:5672//\n");
  sample.broker.connected = true;
  EXPECT_EQ(answer_probe("/readyz", sample, Stopping::no).status, 503);
  sample.broker.consuming = true;
  EXPECT_EQ(answer_probe("/readyz", sample, Stopping::no).status, 200);
  EXPECT_EQ(answer_probe("/readyz", sample, Stopping::yes).status, 503);
}

TEST(Probes, NameThePathsThereAre) {
  const HttpResponse answer = answer_probe("/", {}, Stopping::no);
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.body.find("/metrics"), std::string::npos);
}

TEST(Status, TellsBrokerQueuesAndTasks) {
  WorkerSample sample;
  sample.broker.connected = true;
  sample.queues = {"celery"};
  sample.active = 2;
  const Json json = status_json("w1@h", "0.1.0", sample, Stopping::no);
  EXPECT_EQ(json["nodename"], Json("w1@h"));
  EXPECT_EQ(json["broker"]["connected"], Json(true));
  EXPECT_EQ(json["queues"], Json::array({"celery"}));
  EXPECT_EQ(json["tasks"]["active"], Json(2));
}

}  // namespace
}  // namespace celeriac::worker
