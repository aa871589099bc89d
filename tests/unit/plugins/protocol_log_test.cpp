// SPDX-License-Identifier: MIT
// Records, levels, filters, masking, the verdict, rotation.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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
    end();
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// As the daemon ends it: told before, so that it waits for the disk.
  void end() {
    EXPECT_TRUE(plugin_->hooks().lifecycle->on_drain().is_done());
    plugin_.reset();
  }
  std::string ask(std::vector<std::string_view> words) {
    return plugin_->hooks().lifecycle->on_command(words).value_or("");
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

TEST_F(ProtocolLog, ASlowBannerIsExplainedInTheVerdict) {
  open({});
  event(EventKind::connected, "accepted");
  event(EventKind::banner, "the connect hooks of plugins took 2000 of 2001 ms", 2001ms);
  event(EventKind::closed, "the client closed", 2100ms);
  event(EventKind::connected, "mx.example.net", 0ms, Side::client);
  event(EventKind::line_in, "220 mx.example.net", 3s, Side::client);
  event(EventKind::closed, "we said QUIT", 4s, Side::client);
  session();
  const std::string all = text();
  EXPECT_NE(all.find("verdict the client closed; phase=\"after the banner\" in=0 out=0 messages=0 "
                     "banner=2001ms; slow banner: the connect hooks of plugins took 2000 of 2001 "
                     "ms\n"),
            all.npos)
      << all;
  EXPECT_NE(all.find("banner=3000ms; slow banner: the remote took 3000 ms to greet: it may look "
                     "our address up first"),
            all.npos)
      << all;
  EXPECT_NE(all.find("banner=3ms\n"), all.npos) << all;
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

TEST_F(ProtocolLog, ALogThatCannotBeOpenedStopsNothingAndIsSaid) {
  file_ = folder_ + "/missing/log";
  open({});
  EXPECT_TRUE(host_.log().contains("/missing/log cannot be opened: No such file"))
      << host_.log().lines.size();
  session();
  std::filesystem::create_directory(folder_ + "/missing");
  plugin_->hooks().lifecycle->on_reopen();
  session();
  EXPECT_NE(text().find("verdict client closed"), std::string::npos);
}

TEST_F(ProtocolLog, AFullDiskStopsNothingAndIsSaid) {
  file_ = "/dev/full";
  open({});
  for (int i = 0; i < 200 && host_.log().lines.empty(); ++i) {
    session();
    host_.loop().advance(100ms);
    ::usleep(5000);
  }
  EXPECT_TRUE(host_.log().contains("/dev/full cannot be written: No space left on device"));
}

TEST_F(ProtocolLog, EachLineIsInTheFileOrCountedAsDropped) {
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{10000, old.rlim_max};  // as a disk that is full after 10,000 octets
  ::setrlimit(RLIMIT_FSIZE, &small);
  open({});
  std::uint64_t said = 1000;
  for (int i = 0; i < 1000; ++i) event(EventKind::connected, "accepted");
  for (; !host_.log().contains("File too large") && said < 10000; ++said) {
    event(EventKind::connected, "accepted");
    host_.loop().advance(100ms);
    ::usleep(1000);
  }
  ::setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, handler);
  const std::string all = text();
  std::uint64_t dropped = 0;
  std::uint64_t lines = 0;
  std::istringstream in(all);
  for (std::string line; std::getline(in, line);) {
    const std::size_t notice = line.find("dropped ");
    if (notice == line.npos)
      ++lines;
    else
      dropped += std::stoull(line.substr(notice + 8));
    EXPECT_TRUE(notice != line.npos || line.ends_with("networks=all]")) << line;
  }
  EXPECT_GT(lines, 50U);
  EXPECT_GT(dropped, 0U);
  EXPECT_EQ(lines + dropped, said);
}

TEST_F(ProtocolLog, InstancesOfOneFileShareItsWriter) {
  open({{"max_size", "20KiB"}, {"keep", 100}});
  {
    FakeHost other_host("second");
    const std::string& name = file_;
    const SettingTable same = table({{"file", name}, {"max_size", "20KiB"}, {"keep", 100}});
    PluginLibrary other = load("protocol_log", other_host, same);
    std::jthread beside([&] {
      for (int i = 0; i < 300; ++i) {
        ProtocolEvent one;
        one.id = "other";
        one.text = std::string_view("0123456789012345678901234567890123456789");
        other.hooks().observer->on_event(one);
      }
    });
    for (int i = 0; i < 300; ++i) event(EventKind::connected, std::string(60, 'x'));
  }
  end();
  std::size_t lines = 0;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    ++files;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line); ++lines) {
      EXPECT_TRUE(line.starts_with("2026-")) << line;
      EXPECT_TRUE(line.ends_with("]")) << line;
    }
  }
  EXPECT_EQ(lines, 600U);
  EXPECT_GT(files, 2U);
}

TEST_F(ProtocolLog, AReloadKeepsSessionsAndChangesTheLevel) {
  open({{"level", "connections"}});
  event(EventKind::connected, "accepted");
  std::optional<PluginLibrary> old = std::move(plugin_);
  open({{"level", "full"}, {"format", "json"}});
  std::swap(*old, *plugin_);
  event(EventKind::line_in, "EHLO old.example");  // this session keeps what it began with
  std::swap(*old, *plugin_);
  old.reset();
  EXPECT_NE(ask({"trace", "get", "s1"}).find("EHLO old.example"), std::string::npos);
  session();
  const std::string all = text();
  EXPECT_NE(all.find("connected accepted [level=connections"), all.npos);
  EXPECT_EQ(all.find("EHLO old.example"), all.npos);
  EXPECT_NE(all.find("\"text\":\"accepted [level=full direction=both networks=all]\""), all.npos);
}

TEST_F(ProtocolLog, NameFiltersWithholdUntilTheNameIsKnown) {
  open({{"recipients", list({"*.example.net"})}, {"level", "commands"}});
  event(EventKind::connected, "accepted");
  event(EventKind::line_in, "MAIL FROM:<a@example.com>");
  event(EventKind::line_in, "RCPT TO:<b@Sub.Example.NET> NOTIFY=NEVER");
  event(EventKind::closed, "client closed");
  event(EventKind::connected, "accepted");
  event(EventKind::line_in, "RCPT TO:<b@example.net>");
  event(EventKind::closed, "client closed");
  const std::string all = text();
  EXPECT_EQ(std::ranges::count(all, '\n'), 4) << all;
  EXPECT_NE(all.find("C: MAIL FROM:<a@example.com>"), all.npos);
  EXPECT_NE(all.find("recipients=*.example.net]"), all.npos);
}

TEST_F(ProtocolLog, HostFiltersKnowNextHopHeloAndReverseName) {
  open({{"hosts", list({"mx.example.net"})}, {"level", "connections"}});
  event(EventKind::connected, "MX.example.net", 0ms, Side::client);
  event(EventKind::connected, "accepted");
  event(EventKind::named, "iprev=pass mx.example.net");
  event(EventKind::connected, "accepted");
  event(EventKind::named, "iprev=fail no name of the address leads back to it (mx.example.net)");
  EXPECT_EQ(std::ranges::count(text(), '\n'), 3);
}

TEST_F(ProtocolLog, AFailureWritesTheWholeTranscript) {
  open({{"level", "connections"}});
  event(EventKind::connected, "accepted");
  event(EventKind::line_in, "RCPT TO:<nobody@example.org>");
  event(EventKind::line_out, "550 5.1.1 No such user");
  event(EventKind::closed, "the client said QUIT");
  const std::string all = text();
  EXPECT_NE(all.find("ms | recorder transcript of 4 records, because: 550 5.1.1 No such user\n"),
            all.npos)
      << all;
  EXPECT_NE(all.find("ms | C: RCPT TO:<nobody@example.org>\n"), all.npos);
  EXPECT_NE(all.find("ms | S: 550 5.1.1 No such user\n"), all.npos);
}

TEST_F(ProtocolLog, TheRecorderRemembersAtEveryLevelAndIsBounded) {
  open({{"level", "off"}, {"recorder", 2}, {"record_size", "4KiB"}});
  for (int i = 0; i < 5; ++i) session();
  std::string answer = ask({"trace"});
  EXPECT_EQ(answer.find("\"open\":true"), answer.npos);
  std::size_t sessions = 0;
  for (std::size_t at = answer.find("\"id\":"); at != answer.npos;
       at = answer.find("\"id\":", at + 1))
    ++sessions;
  EXPECT_EQ(sessions, 2U) << answer;
  event(EventKind::connected, "accepted");
  for (int i = 0; i < 1000; ++i) event(EventKind::line_in, "NOOP " + std::to_string(i));
  answer = ask({"trace", "get", "s1"});
  EXPECT_LT(answer.size(), 70000U);
  EXPECT_NE(answer.find("NOOP 0\""), answer.npos);
  EXPECT_NE(answer.find("NOOP 999\""), answer.npos);
  EXPECT_EQ(answer.find("NOOP 500\""), answer.npos);
  EXPECT_NE(answer.find("records were left out here"), answer.npos);
  EXPECT_NE(ask({"trace", "get", "s9"}).find("\"error\""), std::string::npos);
  EXPECT_EQ(ask({"routes"}), "");
}

TEST_F(ProtocolLog, TraceAboutAMessageTellsOnlyWhatIsOfIt) {
  open({{"level", "off"}});
  const auto say = [this](EventKind kind, std::string_view text) {
    event(kind, text, 1ms, Side::client);
  };
  say(EventKind::connected, "mx.example.net");
  say(EventKind::attempt, "q1 example.net from=<a@b.c> to=<d@e.f>");
  say(EventKind::line_in, "220 mx.example.net");
  say(EventKind::line_out, "MAIL FROM:<a@b.c>");
  say(EventKind::data_out, "");
  say(EventKind::line_out, "MAIL FROM:<second@b.c>");  // sent ahead
  say(EventKind::line_in, "250 first taken");
  say(EventKind::outcome, "q1 <d@e.f> delivered 2.0.0 taken");
  say(EventKind::attempt, "q12 example.net from=<second@b.c> to=<x@e.f>,<y@e.f>");
  say(EventKind::line_in, "250 sender fine");
  say(EventKind::outcome, "q12 <x@e.f> delivered 2.0.0 taken");
  say(EventKind::outcome, "q12 <y@e.f> failed 5.1.1 nobody");
  say(EventKind::attempt, "q3 example.net from=<third@b.c> to=<d@e.f>");
  say(EventKind::closed, "they hung up");
  const std::string first = ask({"trace", "about", "q1"});
  EXPECT_TRUE(first.starts_with("{\"kept\":100,\"sessions\":[{\"id\":\"s1\"")) << first;
  EXPECT_NE(first.find("\"outcomes\":1,\"lines\":["), first.npos) << first;
  EXPECT_NE(first.find("220 mx.example.net"), first.npos);
  EXPECT_EQ(first.find("sender fine"), first.npos) << first;
  EXPECT_EQ(first.find("left out"), first.npos) << first;
  const std::string second = ask({"trace", "about", "q12"});
  EXPECT_NE(second.find("\"outcomes\":2,\"lines\":["), second.npos) << second;
  EXPECT_NE(second.find("connected"), second.npos);
  EXPECT_NE(second.find("left out"), second.npos);
  EXPECT_NE(second.find("MAIL FROM:<second@b.c>"), second.npos);
  EXPECT_NE(second.find("failed 5.1.1 nobody"), second.npos);
  EXPECT_EQ(second.find("MAIL FROM:<a@b.c>"), second.npos);
  EXPECT_EQ(second.find("third@b.c"), second.npos);
  EXPECT_EQ(ask({"trace", "about", "q"}), "{\"kept\":100,\"sessions\":[]}");
}

TEST_F(ProtocolLog, TraceFollowsWithACursorAndFilters) {
  open({{"level", "off"}});
  event(EventKind::connected, "accepted");
  EXPECT_EQ(ask({"trace", "since", "now"}), "{\"cursors\":[\"0:1\"],\"lines\":[]}");
  event(EventKind::line_in, "EHLO a.example");
  const std::string answer = ask({"trace", "since", "0:1", "direction=in"});
  EXPECT_TRUE(answer.starts_with("{\"cursors\":[\"0:2\"],\"lines\":[{\"time\":")) << answer;
  EXPECT_NE(answer.find("EHLO a.example"), answer.npos);
  EXPECT_EQ(answer.find("accepted"), answer.npos);
  EXPECT_EQ(ask({"trace", "since", "0:1", "direction=out"}),
            "{\"cursors\":[\"0:2\"],\"lines\":[]}");
  EXPECT_NE(ask({"trace", "since", "0:1", "colour=red"}).find("no filter"), std::string::npos);
}

TEST_F(ProtocolLog, SecretsOfAuthAreMaskedEverywhere) {
  open({{"level", "full"}});
  event(EventKind::connected, "accepted");
  event(EventKind::line_in, "auth PLAIN AGpvZQBzZWNyZXQ=");
  event(EventKind::line_in, "AUTH LOGIN");
  event(EventKind::line_in, "c2VjcmV0", 0ms, Side::server, true);
  EXPECT_EQ(ask({"trace", "get", "s1"}).find("AGpv"), std::string::npos);
  const std::string all = text();
  EXPECT_NE(all.find("C: auth PLAIN (secret, 16 octets)\n"), all.npos) << all;
  EXPECT_NE(all.find("C: AUTH LOGIN\n"), all.npos);
  EXPECT_EQ(all.find("c2Vj"), all.npos);
}

TEST_F(ProtocolLog, OurOwnPtrIsEvidenceInTheVerdict) {
  host_.dns().set_ptr("198.51.100.1", {"other.example.org"});
  open({});
  EXPECT_TRUE(plugin_->hooks().lifecycle->on_start().is_done());
  event(EventKind::connected, "mx.example.net", 0ms, Side::client);
  host_.loop().advance(1s);
  event(EventKind::closed, "the peer closed", 12ms, Side::client);
  const std::size_t asked = host_.dns().questions().size();
  event(EventKind::connected, "mx.example.net", 0ms, Side::client);
  host_.loop().advance(1min);
  EXPECT_EQ(host_.dns().questions().size(), asked) << "not per session";
  host_.loop().advance(std::chrono::hours(1));
  EXPECT_GT(host_.dns().questions().size(), asked) << "but every hour";
  const std::string all = text();
  EXPECT_NE(all.find("our own address 198.51.100.1 has the name other.example.org, but we call "
                     "ourselves mail.example.org"),
            all.npos)
      << all;
}

TEST_F(ProtocolLog, AttemptsThatReachNobodyAndOutcomesAreRecorded) {
  open({{"level", "connections"}});
  event(EventKind::unreached, "q1 example.net from=<a@b.c> to=<d@e.f>; connection refused", 1s,
        Side::client);
  event(EventKind::outcome, "q2 <x@y.z> delivered 2.0.0 to the maildir", 0ms, Side::client);
  const std::string all = text();
  EXPECT_NE(all.find("unreached q1 example.net"), all.npos) << all;
  EXPECT_NE(all.find("outcome q2 <x@y.z> delivered"), all.npos);
}

}  // namespace
}  // namespace postrider::testing
