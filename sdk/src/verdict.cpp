// SPDX-License-Identifier: MIT
// Verdicts with a reply made at run time: the class of the code always fits the verdict.
#include <postrider/verdict.hpp>

namespace postrider {

Verdict defer(Reply reply) {
  if (!reply.is_temporary()) {
    reply.code = 451;
    reply.status = {4, 3, 0};
  } else if (reply.status.klass != 4) {
    reply.status = {4, 0, 0};
  }
  return {Verdict::Action::defer, std::move(reply)};
}

Verdict reject(Reply reply) {
  if (!reply.is_permanent() || reply.code > 599) {
    reply.code = 550;
    reply.status = {5, 7, 1};
  } else if (reply.status.klass != 5) {
    reply.status = {5, 0, 0};
  }
  return {Verdict::Action::reject, std::move(reply)};
}

}  // namespace postrider
