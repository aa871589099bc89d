// SPDX-License-Identifier: MIT
#include "situation.hpp"

#include <algorithm>
#include <iterator>

namespace postrider::ndr {
namespace {

int gravity(Action action) noexcept {
  switch (action) {
    case Action::failed:
      return 4;
    case Action::delayed:
      return 3;
    case Action::relayed:
      return 2;
    case Action::expanded:
      return 1;
    case Action::delivered:
      break;
  }
  return 0;
}

/// RFC 3464 section 2.3.4: the class agrees with the action.
Told told(const RecipientOutcome& outcome, std::size_t place) {
  Told one{outcome, place};
  const Action action = outcome.outcome.action;
  const std::uint8_t klass = action == Action::failed ? 5 : action == Action::delayed ? 4 : 2;
  EnhancedStatus& status = one.what.outcome.status;
  if (!status.is_set()) status = {klass, 0, 0};
  status.klass = klass;
  return one;
}

}  // namespace

Action Situation::gravest() const noexcept {
  const auto grave = [](const Told& one) { return gravity(one.what.outcome.action); };
  return std::ranges::max_element(recipients, {}, grave)->what.outcome.action;
}

bool is_wanted(const RecipientOutcome& outcome, Duration age, Duration notice) noexcept {
  const std::uint8_t when = outcome.recipient.parameters.notify;
  const bool unsaid = when == notify::kUnsaid;
  switch (outcome.outcome.action) {
    case Action::failed:
      return unsaid || (when & notify::kFailure) != 0;
    case Action::delayed:
      return notice > Duration() && age >= notice && !outcome.delay_reported &&
             (unsaid || (when & notify::kDelay) != 0);
    case Action::delivered:
      return (when & notify::kSuccess) != 0 && !outcome.outcome.passed_on;
    case Action::relayed:
    case Action::expanded:
      break;
  }
  return (when & notify::kSuccess) != 0;
}

std::vector<Told> wanted(std::span<const RecipientOutcome> outcomes, Duration age,
                         Duration notice) {
  std::vector<Told> chosen;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (is_wanted(outcomes[i], age, notice)) chosen.push_back(told(outcomes[i], i));
  return chosen;
}

std::vector<Told> failed(std::span<const RecipientOutcome> outcomes) {
  std::vector<Told> chosen;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (outcomes[i].outcome.action == Action::failed) chosen.push_back(told(outcomes[i], i));
  return chosen;
}

}  // namespace postrider::ndr
