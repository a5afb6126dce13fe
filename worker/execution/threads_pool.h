// Plain functions on threads of this process.
#pragma once

#include "worker/execution/pool.h"
#include "worker/loop/loop.h"
#include "worker/loop/thread_pool.h"

namespace celeriac::worker {

// The threads must outlive it.
class ThreadsPool final : public Pool {
 public:
  ThreadsPool(Loop& loop, ThreadPool& threads) : loop_(loop), threads_(threads) {}

  std::string implementation() const override { return "celery.concurrency.thread:TaskPool"; }
  Async<Json> run(FunctionCall call) override;
  bool can_kill() const override { return false; }
  std::vector<int> processes() const override { return {}; }
  void resize(std::size_t calls) override { threads_.resize(calls); }
  Async<void> stop() override { co_return; }

 private:
  Loop& loop_;
  ThreadPool& threads_;
};

}  // namespace celeriac::worker
