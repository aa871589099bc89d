// SPDX-License-Identifier: MIT
// One configuration, read and checked whole: what a start or a reload puts in force. Immutable;
// sessions and attempts keep the parts they began with.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "deliver/options.hpp"
#include "dns/resolver.hpp"
#include "plugin/plugin_set.hpp"
#include "queue/loop_queue.hpp"
#include "receive/listener.hpp"

namespace postrider {

struct Configuration {
  std::string file;
  config::Settings settings;
  plugin::PreparedPlugins plugins;
  std::shared_ptr<const receive::Options> receive;
  std::shared_ptr<const receive::RelayPolicy> policy;
  deliver::Options deliver;
  queue::DestinationRulesPtr rules;
  std::vector<receive::Endpoint> endpoints;

  queue::QueueOptions queue_options(unsigned loop) const;
  dns::ResolverOptions resolver_options() const;
  LogLevel log_level() const noexcept;
  unsigned loops() const noexcept;
};
using ConfigurationPtr = std::shared_ptr<const Configuration>;

/// Reads the file, loads the plugins' libraries, decodes their keys. The error has one line for
/// each mistake: file:line:column: key: what is wrong; what would be right.
std::expected<ConfigurationPtr, std::vector<std::string>> load_configuration(
    const std::string& file);
/// The same for settings that were read already, for instance by config::load_text().
std::expected<ConfigurationPtr, std::vector<std::string>> make_configuration(
    config::Loaded loaded, const std::string& file);

/// The tables and keys that differ and that only a restart puts in force.
std::vector<std::string> needs_restart(const config::Settings& before,
                                       const config::Settings& after);

}  // namespace postrider
