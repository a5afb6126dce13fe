// What a worker shows of itself at the start (Celery's banner, wire page, section 9.2). Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message/queue.h"

namespace celeriac::worker {

struct Banner {
  std::string nodename;
  std::string version;
  std::string platform;  // Linux-6.1-x86_64-with-glibc2.36
  std::string time;      // 2026-11-23 00:37:15
  std::string app;
  std::string transport, results;  // without passwords
  std::string concurrency;         // `2 (prefork)`
  bool task_events = false;
  std::vector<protocol::Queue> queues;
  std::vector<std::string> tasks;  // empty: they are not listed
};

std::string to_text(const Banner& banner);

// Of this machine, as Python's platform.platform() says it.
std::string platform_name();

}  // namespace celeriac::worker
