// SPDX-License-Identifier: MIT
// Everything a plugin may use. Reading order: plugin, hooks, verdict, session, transaction, fact.
#pragma once

#include <postrider/annotations.hpp>
#include <postrider/dns.hpp>
#include <postrider/fact.hpp>
#include <postrider/facts.hpp>
#include <postrider/hooks.hpp>
#include <postrider/host.hpp>
#include <postrider/ip_address.hpp>
#include <postrider/log.hpp>
#include <postrider/loop.hpp>
#include <postrider/message.hpp>
#include <postrider/outcome.hpp>
#include <postrider/path.hpp>
#include <postrider/plugin.hpp>
#include <postrider/protocol_event.hpp>
#include <postrider/race.hpp>
#include <postrider/reply.hpp>
#include <postrider/route.hpp>
#include <postrider/schema.hpp>
#include <postrider/session.hpp>
#include <postrider/task.hpp>
#include <postrider/time.hpp>
#include <postrider/transaction.hpp>
#include <postrider/verdict.hpp>
#include <postrider/version.hpp>
