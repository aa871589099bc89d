// SPDX-License-Identifier: MIT
#include "unit/plugins/load.hpp"

namespace postrider::testing {
namespace {

std::string destination(const PluginLibrary& plugin, std::string_view address) {
  const auto found = plugin.hooks().route->destination_for(Path::parse(address).value());
  return found ? found->text() : "by MX";
}

std::string route_error(std::string_view key, std::string_view value) {
  return load_error("static_routes", table({{"routes", table({{key, std::string(value)}})}}));
}

TEST(StaticRoutes, TheLongestMatchWins) {
  FakeHost host;
  const auto plugin = load("static_routes", host,
                           table({{"routes", table({{"*", "Smart.Example:2525"},
                                                    {"example.net", "[192.0.2.1]:25"},
                                                    {".Example.net", "mx:other.example"},
                                                    {".deep.example.net", "[2001:db8::1]"},
                                                    {"host.example", "relay.example"}})}}));
  EXPECT_EQ(destination(plugin, "a@EXAMPLE.net"), "[192.0.2.1]:25");
  EXPECT_EQ(destination(plugin, "a@sub.example.net"), "other.example");
  EXPECT_EQ(destination(plugin, "a@x.deep.example.net"), "[ipv6:2001:db8::1]");
  EXPECT_EQ(destination(plugin, "a@deep.example.net"), "other.example");
  EXPECT_EQ(destination(plugin, "a@host.example"), "[relay.example]");
  EXPECT_EQ(destination(plugin, "a@notexample.net"), "[smart.example]:2525");
  EXPECT_EQ(destination(plugin, "a@[192.0.2.5]"), "[smart.example]:2525");
  EXPECT_EQ(destination(plugin, "a@example.org"), "by MX") << "local domains are not for \"*\"";
}

TEST(StaticRoutes, NothingMatchesNothing) {
  FakeHost host;
  EXPECT_EQ(destination(load("static_routes", host), "a@example.net"), "by MX");
}

TEST(StaticRoutes, MistakesAreTold) {
  EXPECT_EQ(route_error("example.net", "relay.example:25"), "");
  for (const char* value : {"", "no host", "relay.example:0", "relay.example:x",
                            "mx:", "[192.0.2.1", "relay.example:65536", "mx:[192.0.2.1]", ":25"})
    EXPECT_NE(route_error("example.net", value), "") << value;
  EXPECT_NE(route_error("example.net", "a b").find("routes.example.net"), std::string::npos);
  for (const char* key : {"no domain", "", ".", "a..example", "*.example", "<b>.example"})
    EXPECT_NE(route_error(key, "relay.example").find("is no domain"), std::string::npos) << key;
}

}  // namespace
}  // namespace postrider::testing
