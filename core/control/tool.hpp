// SPDX-License-Identifier: MIT
// What the commands of the postrider tool share: the arguments, asking the daemon, the exit code.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "control/control_json.hpp"
#include "control/doctor.hpp"
#include "control/explain.hpp"
#include "control/probe_command.hpp"
#include "control/send.hpp"
#include "control/spool_command.hpp"
#include "control/trace.hpp"

namespace postrider::control {

struct Arguments {
  std::string control = "/run/postrider/control.sock";
  bool json = false;
  bool flush = false;
  std::string id, hook, file, key, domain;
  std::vector<std::string> ids;
  Json options = Json::object();  ///< of the request: filters and the like
  bool ages = false;
  bool cancel = false;
  bool body = false;
  Sending sending;
  Explaining explaining;
  Probing probing;
  Examination examination;
  Tracing tracing;
  SpoolWork spool;
  int exit_code = 0;
};

inline constexpr int kRefused = 1;       // the daemon, or the server that `send` speaks to, said no
inline constexpr int kUsage = 64;        // sysexits.h: wrong arguments
inline constexpr int kUnavailable = 69;  // no daemon, no server
inline constexpr int kSpool = 74;        // the spool cannot be worked on
inline constexpr int kConfig = 78;       // `check` found mistakes

/// Says what went wrong on standard error; the exit code.
int complain(const std::string& text, int code = kRefused);
/// Print what a command that works alone found; the exit code: the answer's, or `code` for none.
int tell(const Arguments& arguments, const std::expected<Answer, std::string>& answer,
         int code = kUsage);
/// Ask the daemon and print the answer; the exit code.
int ask_daemon(const Arguments& arguments, std::vector<std::string> words,
               const std::function<std::string(const Json&)>& text);
/// An option that the daemon reads, as text: --older-than becomes older_than.
void pass(CLI::App& command, Arguments& arguments, const std::string& flag, const char* help);
void pass_number(CLI::App& command, Arguments& arguments, const std::string& key, const char* help);

/// The commands on messages, and those that hold until further notice.
void add_queue(CLI::App& app, Arguments& arguments);
void add_orders(CLI::App& app, Arguments& arguments);
/// Those on a spool that no daemon serves.
void add_spool(CLI::App& app, Arguments& arguments);

}  // namespace postrider::control
