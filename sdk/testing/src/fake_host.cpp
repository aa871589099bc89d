// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <utility>

#include <postrider/testing/fake_host.hpp>

namespace postrider::testing {

void FakeLog::write(LogLevel level, std::string_view event,
                    std::initializer_list<LogField> fields) noexcept {
  static constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
  std::string line(kLevels[static_cast<std::size_t>(level)]);
  line.append(1, ' ').append(event);
  for (const LogField& field : fields)
    line.append(1, ' ').append(field.key).append(1, '=').append(field.value);
  lines.push_back(std::move(line));
}

bool FakeLog::contains(std::string_view text) const noexcept {
  return std::ranges::any_of(lines,
                             [text](const std::string& line) { return line.contains(text); });
}

void FakeHost::spawn(Task<void> task) {
  std::erase_if(spawned_, [](const Task<void>& one) { return one.is_done(); });
  task.start();
  spawned_.push_back(std::move(task));
}

Destination FakeHost::destination_for(const Path& recipient) {
  const auto found = destinations.find(recipient.text());
  if (found != destinations.end()) return found->second;
  return Destination{.name = recipient.domain_key()};
}

Task<RouteResult> FakeHost::find_route(Destination destination) {
  if (inner_route) return inner_route(std::move(destination));
  return RouteResult(std::unexpected(RouteRefusal(Reply("550 5.1.2 No such domain"), 300s)));
}

Task<void> FakeHost::run_blocking(std::move_only_function<void()> work) {
  if (blocking_delay > Duration::zero()) co_await sleep_for(loop_, blocking_delay);
  work();
}

}  // namespace postrider::testing
