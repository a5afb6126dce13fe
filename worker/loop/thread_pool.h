// Runs blocking functions on threads of its own and gives their results back to the
// loop.
#pragma once

#include <celeriac/async.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "worker/loop/completion.h"
#include "worker/loop/loop.h"

namespace celeriac::worker {

// Created, used and destroyed on the loop thread; only the jobs run elsewhere. The
// loop must outlive it.
class ThreadPool {
 public:
  // No thread is started before there is work for it.
  ThreadPool(Loop& loop, std::size_t threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // Waits for the jobs that run; their results still arrive. Those that have not
  // begun are dropped, and their waiters end as Cancelled.
  ~ThreadPool();

  // Queues the function at once; jobs begin in order. What it throws, the await
  // throws. If the waiter goes away, a job that has not begun never runs, and one
  // that runs ends with its result dropped. The function is destroyed on the loop
  // thread in each case.
  //
  // A lambda that owns something is named first and passed as it is (a copy is kept),
  // or moved in as a MoveOnlyFunction: GCC 12 destroys a temporary one twice if the
  // same expression has a co_await, so that does not compile.
  template <class F>
  auto run(F&& function) -> Pending<std::invoke_result_t<std::decay_t<F>&>> {
    using Function = std::decay_t<F>;
    using Result = std::invoke_result_t<Function&>;
    static_assert(std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<Function> ||
                      std::is_same_v<Function, MoveOnlyFunction<Result()>>,
                  "name the lambda first: `auto job = [...] {...}; co_await pool.run(job);`");
    auto job = std::make_unique<JobOf<Function, Result>>(loop_, std::forward<F>(function));
    Pending<Result> pending = job->done.pending();
    job->done.on_abandoned([this, abandoned = job.get()] {
      if (!abandoned->begun) drop(*abandoned);  // one that has begun may outlive the pool
    });
    enqueue(std::move(job));
    return pending;
  }

  // How many jobs may run at a time. Threads in excess end after their job.
  void resize(std::size_t threads);

  std::size_t size() const { return size_; }
  std::size_t running() const;  // jobs that have begun
  std::size_t queued() const;   // jobs that have not

 private:
  struct Job {
    virtual ~Job() = default;
    virtual void run() noexcept = 0;  // on a thread of the pool
    virtual void finish() = 0;        // on the loop
    std::atomic<bool> begun = false;
  };

  template <class F, class Result>
  struct JobOf final : Job {
    template <class G>
    JobOf(Loop& loop, G&& f) : function(std::forward<G>(f)), done(loop) {}
    void run() noexcept override {
      try {
        if constexpr (std::is_void_v<Result>) {
          function();
        } else {
          result.emplace(function());
        }
      } catch (...) {
        error = std::current_exception();
      }
    }
    void finish() override {
      if (error) {
        done.fail(std::move(error));
      } else if constexpr (std::is_void_v<Result>) {
        done.complete();
      } else {
        done.complete(std::move(*result));
      }
    }
    struct Nothing {};
    F function;
    std::optional<std::conditional_t<std::is_void_v<Result>, Nothing, Result>> result;
    std::exception_ptr error;
    Completion<Result> done;
  };

  struct Worker {
    std::thread thread;
    bool ended = false;  // guarded by mutex_
  };

  void enqueue(std::unique_ptr<Job> job);
  void drop(const Job& job);
  void start_worker_if_needed();
  void join_ended_workers();
  void work(Worker& self);

  Loop& loop_;
  std::list<Worker> workers_;
  std::size_t size_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<std::unique_ptr<Job>> jobs_;
  std::size_t limit_;
  std::size_t alive_ = 0;
  std::size_t running_ = 0;
  bool closing_ = false;
};

}  // namespace celeriac::worker
