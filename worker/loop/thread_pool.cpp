#include "worker/loop/thread_pool.h"

#include <algorithm>

namespace celeriac::worker {

ThreadPool::ThreadPool(Loop& loop, std::size_t threads)
    : loop_(loop), size_(threads), limit_(threads) {}

ThreadPool::~ThreadPool() {
  std::deque<std::unique_ptr<Job>> dropped;
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    dropped.swap(jobs_);
  }
  changed_.notify_all();
  dropped.clear();
  for (Worker& worker : workers_) worker.thread.join();
}

void ThreadPool::resize(std::size_t threads) {
  size_ = threads;
  {
    std::lock_guard lock(mutex_);
    limit_ = threads;
  }
  changed_.notify_all();
  for (std::size_t job = queued(); job > 0; --job) start_worker_if_needed();
}

std::size_t ThreadPool::running() const {
  std::lock_guard lock(mutex_);
  return running_;
}

std::size_t ThreadPool::queued() const {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

void ThreadPool::enqueue(std::unique_ptr<Job> job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
  start_worker_if_needed();
}

void ThreadPool::drop(const Job& job) {
  std::unique_ptr<Job> dropped;
  std::lock_guard lock(mutex_);
  auto queued = std::find_if(jobs_.begin(), jobs_.end(),
                             [&](const auto& waiting) { return waiting.get() == &job; });
  if (queued == jobs_.end()) return;
  dropped = std::move(*queued);
  jobs_.erase(queued);
}

void ThreadPool::start_worker_if_needed() {
  join_ended_workers();
  std::lock_guard lock(mutex_);
  std::size_t idle = alive_ - running_;
  if (jobs_.size() <= idle || alive_ >= limit_) return;
  std::list<Worker> started(1);
  started.front().thread = std::thread([this, &self = started.front()] { work(self); });
  workers_.splice(workers_.end(), started);
  ++alive_;
}

void ThreadPool::join_ended_workers() {
  std::list<Worker> ended;
  {
    std::lock_guard lock(mutex_);
    for (auto worker = workers_.begin(); worker != workers_.end();) {
      auto next = std::next(worker);
      if (worker->ended) ended.splice(ended.end(), workers_, worker);
      worker = next;
    }
  }
  for (Worker& worker : ended) worker.thread.join();
}

void ThreadPool::work(Worker& self) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || alive_ > limit_ || !jobs_.empty(); });
    if (closing_ || alive_ > limit_) break;
    std::unique_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    job->begun = true;
    ++running_;
    lock.unlock();
    job->run();
    loop_.post([finished = std::move(job)] { finished->finish(); });
    lock.lock();
    --running_;
  }
  --alive_;
  self.ended = true;
}

}  // namespace celeriac::worker
