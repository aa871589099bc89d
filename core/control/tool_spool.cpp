// SPDX-License-Identifier: MIT
// The tool's commands on a spool that no daemon serves.
#include "control/tool.hpp"

namespace postrider::control {

namespace {

using Run = SpoolAnswer (*)(const SpoolWork&);

CLI::App* add_work(CLI::App& spool, Arguments& arguments, const char* name, const char* help,
                   Run run) {
  auto* work = spool.add_subcommand(name, help);
  work->add_option("folder", arguments.spool.folder, "The spool: server.spool")->required();
  work->callback(
      [&arguments, run] { arguments.exit_code = tell(arguments, run(arguments.spool), kSpool); });
  return work;
}

}  // namespace

void add_spool(CLI::App& app, Arguments& arguments) {
  auto* spool = app.add_subcommand(
      "spool", "Check, repair or export a spool while no daemon runs; exit code 0 sound, 1 not");
  spool->require_subcommand(1);
  add_work(*spool, arguments, "check", "Read everything, change nothing", check_spool);
  add_work(*spool, arguments, "repair", "Set aside what is damaged, in its folder corrupt/",
           repair_spool);
  auto* exported = add_work(*spool, arguments, "export",
                            "Write ID.eml and ID.json for each message", export_spool);
  exported->add_option("--to", arguments.spool.target, "Folder; made if missing")->required();
  exported->add_option("id", arguments.spool.ids, "Queue ids; all if none are given");
}

}  // namespace postrider::control
