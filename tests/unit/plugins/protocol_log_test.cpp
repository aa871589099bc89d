// SPDX-License-Identifier: MIT
// Records, levels, filters, masking, the verdict, rotation.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <sys/stat.h>

#include "unit/plugins/load.hpp"

namespace postrider::testing {
namespace {

class ProtocolLog : public ::testing::Test {
 protected:
  ProtocolLog() {
    std::string pattern = ::testing::TempDir() + "protocol_log_test_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    file_ = folder_ + "/log";
  }
  ~ProtocolLog() override { std::filesystem::remove_all(folder_); }

  void open(std::initializer_list<std::pair<std::string_view, Value>> more) {
    SettingTable settings = table(more);
    settings.entries.push_back({"file", {}, {file_, {}}});
    plugin_.emplace(load("protocol_log", host_, settings));
  }
  void event(EventKind kind, std::string_view text, Duration elapsed = 0ms,
             Side side = Side::server, bool secret = false) {
    ProtocolEvent one;
    one.kind = kind;
    one.side = side;
    one.id = "s1";
    one.local = SocketAddress::parse("198.51.100.1:25").value();
    one.remote = SocketAddress::parse("192.0.2.1:4711").value();
    one.elapsed = elapsed;
    one.text = text;
    one.octets = kind == EventKind::data_in ? 1000 : 0;
    one.secret = secret;
    plugin_->hooks().observer->on_event(one);
  }
  void session() {
    event(EventKind::connected, "accepted");
    event(EventKind::line_out, "220 mail.example.org ESMTP", 3ms);
    event(EventKind::banner, "", 3ms);
    event(EventKind::line_in, "EHLO \x1b[2Jclient\r\nfake", 4ms);
    event(EventKind::line_out, "250 hello", 4ms);
    event(EventKind::line_in, "AGVuY3J5cHRlZA==", 5ms, Side::server, true);
    event(EventKind::data_in, "", 6ms);
    event(EventKind::accepted, "q1", 7ms);
    event(EventKind::line_in, "QUIT", 8ms);
    event(EventKind::closed, "client closed", 9ms);
  }
  /// Ends the plugin, which writes all; the file's text.
  std::string text() {
    plugin_.reset();
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  FakeHost host_{"protocol_log"};
  std::string folder_;
  std::string file_;
  std::optional<PluginLibrary> plugin_;
};

TEST_F(ProtocolLog, CommandsAreRecordedWithAVerdict) {
  open({{"level", "commands"}});
  session();
  const std::string all = text();
  EXPECT_TRUE(
      all.starts_with("2026-11-21T00:00:00.000Z s1 in 198.51.100.1:25 192.0.2.1:4711 +0ms "
                      "connected accepted [level=commands direction=both networks=all]\n"))
      << all;
  EXPECT_NE(all.find("+4ms C: EHLO ?[2Jclient??fake\n"), all.npos) << all;
  EXPECT_NE(all.find("C: (secret, 16 octets)\n"), all.npos) << all;
  EXPECT_EQ(all.find("S: "), all.npos);
  EXPECT_NE(all.find("verdict client closed; phase=\"after QUIT\" in="), all.npos) << all;
  EXPECT_NE(all.find("messages=1 banner=3ms\n"), all.npos) << all;
  EXPECT_EQ(all.find("AGVu"), all.npos);
}

TEST_F(ProtocolLog, ConnectionsHaveNoLinesAndFullHasAll) {
  open({{"level", "connections"}});
  session();
  std::string all = text();
  EXPECT_EQ(all.find("C: "), all.npos);
  EXPECT_EQ(std::ranges::count(all, '\n'), 4);
  std::filesystem::remove(file_);
  open({{"level", "full"}});
  session();
  all = text();
  EXPECT_NE(all.find("S: 250 hello"), all.npos);
  EXPECT_NE(all.find("data 1000 octets"), all.npos);
  EXPECT_EQ(std::ranges::count(all, '\n'), 10);
}

TEST_F(ProtocolLog, OffWritesNothingAndOpensNothing) {
  open({{"level", "off"}});
  session();
  text();
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(ProtocolLog, FiltersByNetworkAndDirection) {
  open({{"networks", list({"203.0.113.0/24"})}});
  session();
  EXPECT_EQ(text(), "");
  open({{"direction", "out"}});
  session();
  EXPECT_EQ(text(), "");
}

TEST_F(ProtocolLog, JsonIsOneObjectALine) {
  open({{"format", "json"}});
  event(EventKind::connected, "say \"hi\" \\");
  const std::string all = text();
  EXPECT_TRUE(
      all.starts_with("{\"time\":\"2026-11-21T00:00:00.000Z\",\"id\":\"s1\",\"side\":\"in\","))
      << all;
  EXPECT_NE(all.find("\"text\":\"say \\\"hi\\\" \\\\ ["), all.npos) << all;
}

TEST_F(ProtocolLog, NamesTheLikelyCauseWithoutABanner) {
  open({});
  event(EventKind::connected, "mx.example.net", 0ms, Side::client);
  event(EventKind::closed, "remote closed", 12ms, Side::client);
  event(EventKind::connected, "mx.example.net", 0ms, Side::client);
  event(EventKind::closed, "no answer", 5min, Side::client);
  const std::string all = text();
  EXPECT_NE(
      all.find("remote closed; phase=\"before the banner\" in=0 out=0 messages=0 banner=none; "
               "likely: the remote closed without a greeting"),
      all.npos)
      << all;
  EXPECT_NE(all.find("the remote stayed silent"), all.npos) << all;
}

TEST_F(ProtocolLog, DropsAreSaidWhenNobodyReads) {
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  std::fstream both(file_, std::ios::in | std::ios::out);  // so that the plugin's open succeeds
  open({{"buffer", "64KiB"}});
  for (int i = 0; i < 5000; ++i) event(EventKind::line_in, std::string(200, 'x'));
  std::string line;
  while (line.find("lines were dropped") == line.npos) {
    ASSERT_TRUE(std::getline(both, line));
  }
  EXPECT_NE(line.find(" dropped "), line.npos);
}

TEST_F(ProtocolLog, AFileThatCannotBeOpenedIsAnError) {
  EXPECT_NE(
      load_error("protocol_log", table({{"file", "/nonexistent/log"}})).find("/nonexistent/log"),
      std::string::npos);
}

}  // namespace
}  // namespace postrider::testing
