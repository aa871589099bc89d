// SPDX-License-Identifier: MIT
#include "plugin/host.hpp"

#include <coroutine>
#include <exception>
#include <utility>

#include "plugin/fault_text.hpp"

namespace postrider::plugin {
namespace {

/// Shared by the awaiter (loop) and the work (pool thread); `awaiting` is the loop's alone.
struct Job {
  std::move_only_function<void()> work;
  std::exception_ptr thrown;
  ReadyNode* awaiting = nullptr;
};

/// Waits for a job; destroying it stops waiting, not the work.
class JobAwaiter {
 public:
  JobAwaiter(runtime::Runtime& runtime, BlockingPool& pool, std::shared_ptr<Job> job)
      : runtime_(runtime), pool_(pool), job_(std::move(job)) {}
  JobAwaiter(const JobAwaiter&) = delete;
  JobAwaiter& operator=(const JobAwaiter&) = delete;
  ~JobAwaiter() { job_->awaiting = nullptr; }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    node_.set_handle(handle);
    job_->awaiting = &node_;
    pool_.submit([job = job_, runtime = &runtime_]() mutable { run(std::move(job), *runtime); });
  }
  void await_resume() {
    if (job_->thrown) std::rethrow_exception(std::exchange(job_->thrown, nullptr));
  }

 private:
  static void run(std::shared_ptr<Job> job, runtime::Runtime& runtime) {
    try {
      job->work();
    } catch (...) {
      job->thrown = std::current_exception();
    }
    job->work = nullptr;
    runtime.post([job = std::move(job), &runtime] {
      if (job->awaiting) runtime.make_ready(*job->awaiting);
    });
  }

  runtime::Runtime& runtime_;
  BlockingPool& pool_;
  std::shared_ptr<Job> job_;
  ReadyNode node_;
};

}  // namespace

PluginHost::PluginHost(std::string id, const LoopParts& parts)
    : id_(std::move(id)),
      parts_(parts),
      log_(parts_.log.with({{"plugin", id_}})),
      tasks_(parts_.runtime) {
  tasks_.on_exception([log = log_.get()](std::exception_ptr fault) {
    log->write(LogLevel::error, "a task of a plugin failed", {{"reason", fault_text(fault)}});
  });
}

Task<void> PluginHost::run_blocking(std::move_only_function<void()> work) {
  auto job = std::make_shared<Job>();
  job->work = std::move(work);
  co_await JobAwaiter(parts_.runtime, parts_.pool, std::move(job));
}

}  // namespace postrider::plugin
