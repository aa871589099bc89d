// SPDX-License-Identifier: MIT
#include "control/control_server.hpp"

#include "control/control_commands.hpp"

namespace postrider::control {

namespace {
constexpr std::size_t kLongestRequest = 64 * 1024;
constexpr Duration kAnswerLimit = 2min;  // a reload starts plugins, which have one
}  // namespace

ControlServer::ControlServer(runtime::Runtime& runtime, Daemon& daemon)
    : runtime_(runtime), daemon_(daemon), tasks_(runtime) {}

std::expected<void, std::string> ControlServer::open(const std::string& path) {
  auto acceptor = runtime_.listen_local(path, [this](runtime::StreamPtr stream) {
    tasks_.spawn(serve(runtime_, daemon_, std::move(stream)));
  });
  if (!acceptor) return std::unexpected("cannot listen on " + path + ": " + acceptor.error().text);
  acceptor_ = std::move(*acceptor);
  return {};
}

Task<void> ControlServer::serve(runtime::Runtime& runtime, Daemon& daemon,
                                runtime::StreamPtr stream) {
  std::string input;
  while (input.size() < kLongestRequest) {
    const std::size_t end = input.find('\n');
    if (end == std::string::npos) {
      const auto read = co_await within(runtime, 1min, stream->read(input));
      if (!read || !*read) co_return;
      continue;
    }
    auto answered = co_await within(runtime, kAnswerLimit, answer(daemon, input.substr(0, end)));
    const std::string reply =
        answered ? std::move(*answered)
                 : "{\"error\": \"no answer in time; postrider status shows what stands still\"}\n";
    input.erase(0, end + 1);
    const auto written = co_await within(runtime, 1min, stream->write(reply));
    if (!written || !*written) co_return;
  }
}

}  // namespace postrider::control
