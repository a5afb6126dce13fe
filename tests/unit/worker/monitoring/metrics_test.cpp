#include "worker/monitoring/metrics.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

namespace celeriac::worker {
namespace {

using namespace std::chrono_literals;

class MetricsTest : public ::testing::Test {
 protected:
  static protocol::TaskMessage message(const std::string& task, const std::string& id = "1") {
    protocol::TaskMessage result;
    result.task = task;
    result.id = id;
    return result;
  }
  static protocol::DeliveryInfo from(const std::string& queue) {
    protocol::DeliveryInfo info;
    info.queue = queue;
    return info;
  }
  // The value of the series, as it stands in the exposition; "" if there is none.
  std::string value(const std::string& series) const {
    std::istringstream text(metrics.scrape(sample));
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
    }
    return "";
  }
  std::size_t lines_with(const std::string& start) const {
    std::istringstream text(metrics.scrape(sample));
    std::size_t count = 0;
    for (std::string line; std::getline(text, line);) count += line.starts_with(start) ? 1 : 0;
    return count;
  }

  std::chrono::system_clock::time_point now{1000s};
  Metrics metrics{"w1@host1", "0.1.0", [this] { return now; },
                  [](std::string_view task) { return task.starts_with("tasks."); }};
  WorkerSample sample;
};

TEST_F(MetricsTest, CountsTheLifeOfATaskUnderTheExportersNames) {
  const auto task = message("tasks.add");
  const auto queue = from("celery");
  metrics.task_received(task, queue);
  now += 3s;
  metrics.task_started(task, queue);
  metrics.task_succeeded(task, queue, "5", Metrics::Seconds(0.2));
  const std::string labels = R"({hostname="host1",name="tasks.add",queue_name="celery"})";
  EXPECT_EQ(value("celery_task_received_total" + labels), "1");
  EXPECT_EQ(value("celery_task_started_total" + labels), "1");
  EXPECT_EQ(value("celery_task_succeeded_total" + labels), "1");
  EXPECT_EQ(value("celery_task_retried_total" + labels), "0");
  EXPECT_EQ(value("celery_task_runtime_sum" + labels), "0.2");
  EXPECT_EQ(value("celeriac_task_wait_seconds_sum" + labels), "3");
}

TEST_F(MetricsTest, MeasuresTheWaitInTheQueueFromTheSendingWhereTheMessageTellsIt) {
  const std::string sum =
      R"(celery_task_queue_wait_time_sum{hostname="host1",name="tasks.add",queue_name="celery"})";
  auto task = message("tasks.add");
  metrics.task_received(task, from("celery"));
  now += 1s;
  metrics.task_started(task, from("celery"));
  EXPECT_EQ(value(sum), "1");

  task.properties.timestamp = 901;
  metrics.task_received(task, from("celery"));
  metrics.task_started(task, from("celery"));
  EXPECT_EQ(value(sum), "101");

  task.properties.timestamp = std::numeric_limits<std::uint64_t>::max();  // of a clock gone wrong
  metrics.task_received(task, from("celery"));
  metrics.task_started(task, from("celery"));
  EXPECT_EQ(value(sum), "101");
}

TEST_F(MetricsTest, ForgetsArrivalsWithTheConnection) {
  const auto task = message("tasks.add");
  metrics.task_received(task, from("celery"));
  metrics.forget_arrivals();
  metrics.task_started(task, from("celery"));
  EXPECT_EQ(value(R"(celeriac_task_wait_seconds_count{hostname="host1",name="tasks.add",)"
                  R"(queue_name="celery"})"),
            "0");
}

TEST_F(MetricsTest, MeasuresTheWaitFromTheEta) {
  auto task = message("tasks.add");
  task.eta = std::chrono::time_point_cast<std::chrono::microseconds>(now + 60s);
  metrics.task_received(task, from("celery"));
  now += 61s;
  metrics.task_started(task, from("celery"));
  EXPECT_EQ(value(R"(celeriac_task_wait_seconds_sum{hostname="host1",name="tasks.add",)"
                  R"(queue_name="celery"})"),
            "1");
}

TEST_F(MetricsTest, CountsFailuresByExceptionAndBoundsThem) {
  const auto task = message("tasks.add");
  for (std::size_t i = 0; i < Metrics::kMaxExceptions + 20; ++i) {
    metrics.task_failed(task, from("celery"), "Error" + std::to_string(i), "", "");
  }
  EXPECT_EQ(lines_with("celery_task_failed_total{"), Metrics::kMaxExceptions + 1);
  EXPECT_EQ(value(R"(celery_task_failed_total{exception="other",hostname="host1",)"
                  R"(name="tasks.add",queue_name="celery"})"),
            "20");
}

TEST_F(MetricsTest, BoundsPairsOfTaskAndQueue) {
  for (std::size_t i = 0; i < Metrics::kMaxTaskSeries + 5; ++i) {
    metrics.task_received(message("tasks.t" + std::to_string(i)), from("celery"));
  }
  EXPECT_EQ(lines_with("celery_task_received_total{"), Metrics::kMaxTaskSeries + 1);
  EXPECT_EQ(
      value(R"(celery_task_received_total{hostname="host1",name="other",queue_name="other"})"),
      "5");
}

TEST_F(MetricsTest, CountsUnregisteredTasksAsOne) {
  for (int i = 0; i < 10'000; ++i) {
    metrics.task_failed(message("made.up." + std::to_string(i)), from(""), "NotRegistered", "", "");
  }
  EXPECT_EQ(lines_with("celery_task_failed_total{"), 1U);
  EXPECT_EQ(value(R"(celery_task_failed_total{exception="NotRegistered",hostname="host1",)"
                  R"(name="unregistered",queue_name=""})"),
            "10000");
}

TEST_F(MetricsTest, CountsWhatTheWorkerSendsAndBoundsTheNamesOfOtherWorkersTasks) {
  metrics.task_sent(message("tasks.add"), from("celery"));
  for (int i = 0; i < 10'000; ++i) {
    metrics.task_sent(message("python." + std::to_string(i)), from("python"));
  }
  EXPECT_EQ(value(R"(celery_task_sent_total{hostname="host1",name="tasks.add",)"
                  R"(queue_name="celery"})"),
            "1");
  EXPECT_EQ(value(R"(celery_task_sent_total{hostname="host1",name="python.0",)"
                  R"(queue_name="python"})"),
            "1");
  EXPECT_EQ(value(R"(celery_task_sent_total{hostname="host1",name="other",queue_name="python"})"),
            std::to_string(10'000 - Metrics::kMaxForeignTasks));
  EXPECT_EQ(lines_with("celery_task_sent_total{"), Metrics::kMaxForeignTasks + 2);
}

TEST_F(MetricsTest, ShowsWhatTasksCountAndObserve) {
  metrics.count("celeriac_alert_suppressed_total", {{"rule", "cpu"}, {"reason", "told \"x\""}}, 2);
  metrics.observe("celeriac_fetch_duration_seconds", {{"source", "influx"}}, 0.3);
  EXPECT_EQ(value(R"(celeriac_alert_suppressed_total{reason="told \"x\"",rule="cpu"})"), "2");
  EXPECT_EQ(value(R"(celeriac_fetch_duration_seconds_count{source="influx"})"), "1");
  EXPECT_EQ(value(R"(celeriac_fetch_duration_seconds_bucket{source="influx",le="0.5"})"), "1");
}

TEST_F(MetricsTest, DropsAndCountsWhatPrometheusWouldNotTake) {
  metrics.count("no name", {}, 1);
  metrics.count("good_total", {{"no label", "x"}}, 1);
  metrics.count("good_total", {}, -1);
  metrics.observe("good_total", {}, 1);
  metrics.count("celery_task_sent_total", {}, 1);
  for (std::size_t i = 0; i < Metrics::kMaxOwnSeries + 3; ++i) {
    metrics.count("many_total", {{"id", std::to_string(i)}}, 1);
  }
  EXPECT_EQ(value("celeriac_metrics_dropped_total"), "8");
  EXPECT_EQ(lines_with("many_total{"), Metrics::kMaxOwnSeries);
}

TEST_F(MetricsTest, ShowsTheWorkersState) {
  sample.broker.connected = true;
  sample.broker.acks = 7;
  sample.broker.rejects = 2;
  sample.results_refused = 1;
  sample.active = 3;
  sample.concurrency = 4;
  sample.queues = {"celery", "not.counted.yet"};
  sample.broker.queues["celery"] = {12, 2};
  sample.process = ProcessUsage{.cpu_seconds = 1.5, .resident_bytes = 1024};
  EXPECT_EQ(value("celeriac_broker_connected"), "1");
  EXPECT_EQ(value("celeriac_broker_consuming"), "0");
  EXPECT_EQ(value(R"(celeriac_acks_total{kind="ack"})"), "7");
  EXPECT_EQ(value(R"(celeriac_acks_total{kind="reject"})"), "2");
  EXPECT_EQ(value(R"(celery_worker_tasks_active{hostname="host1"})"), "3");
  EXPECT_EQ(value(R"(celery_active_process_count{queue_name="celery"})"), "4");
  EXPECT_EQ(value(R"(celery_queue_length{queue_name="celery"})"), "12");
  EXPECT_EQ(value(R"(celery_active_consumer_count{queue_name="celery"})"), "2");
  EXPECT_EQ(lines_with("celery_queue_length{"), 1U);
  EXPECT_EQ(value(R"(celeriac_build_info{version="0.1.0"})"), "1");
  EXPECT_EQ(value(R"(celeriac_result_writes_total{outcome="refused"})"), "1");
  EXPECT_EQ(value("process_cpu_seconds_total"), "1.5");
}

}  // namespace
}  // namespace celeriac::worker
