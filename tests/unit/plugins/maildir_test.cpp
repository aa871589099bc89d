// SPDX-License-Identifier: MIT
// Delivery into folders: contents, hostile addresses, failures told, nothing left behind.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <signal.h>
#include <sys/resource.h>

#include "unit/plugins/load.hpp"

namespace postrider::testing {
namespace {

namespace fs = std::filesystem;

class Maildir : public ::testing::Test {
 protected:
  Maildir() {
    std::string pattern = ::testing::TempDir() + "maildir_test_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~Maildir() override {
    fs::permissions(root_, fs::perms::owner_all);
    fs::remove_all(root_);
  }
  PluginLibrary plugin() {
    return load("maildir", host_, table({{"path", root_ + "/{domain}/{local}"}}));
  }
  std::vector<Outcome> deliver(const std::vector<Recipient>& to, const QueuedMessage& message) {
    const PluginLibrary loaded = plugin();
    return run(host_.loop(), loaded.hooks().transport->deliver(message, to));
  }
  static std::vector<std::string> files(const std::string& folder) {
    std::vector<std::string> names;
    if (fs::exists(folder))
      for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) names.push_back(entry.path().string());
    return names;
  }
  static std::string content(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  FakeHost host_{"maildir"};
  std::string root_;
};

TEST_F(Maildir, ClaimsLocalDomains) {
  const PluginLibrary loaded = plugin();
  const auto claim = [&](std::string_view address) {
    const auto found = loaded.hooks().route->destination_for(Path::parse(address).value());
    return found ? found->text() : "";
  };
  EXPECT_EQ(claim("bob@Example.ORG"), "maildir:example.org");
  EXPECT_EQ(claim("bob@sub.example.org"), "");
  EXPECT_EQ(claim("Postmaster"), "maildir:example.org");
}

TEST_F(Maildir, WritesOneFileForEachRecipient) {
  const FakeQueuedMessage message("Subject: hello\r\n\r\nline\r\n.dot\rcr\r\n");
  const auto outcomes =
      deliver({recipient("Bob@example.org"), recipient("eve@example.org")}, message);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].action, Action::delivered);
  const auto bob = files(root_ + "/example.org/bob/new");
  ASSERT_EQ(bob.size(), 1U);
  EXPECT_EQ(content(bob[0]),
            "Return-Path: <sender@example.net>\nDelivered-To: Bob@example.org\n"
            "Subject: hello\n\nline\n.dot\rcr\n");
  EXPECT_EQ(files(root_ + "/example.org/eve/new").size(), 1U);
  EXPECT_TRUE(files(root_ + "/example.org/bob/tmp").empty());
  EXPECT_TRUE(fs::is_directory(root_ + "/example.org/bob/cur"));
}

TEST_F(Maildir, NamesAreUniqueAndLineEndsCrossPieces) {
  std::string body((std::size_t{1} << 20) - 20, 'x');
  body = "Subject: big\r\n\r\n" + body + "\r\n\r\n" + std::string(3 << 20, 'y') + "\r";
  for (std::size_t shift = 0; shift < 4; ++shift)
    deliver({recipient("bob@example.org")}, FakeQueuedMessage(std::string(shift, 'z') + body));
  const auto all = files(root_ + "/example.org/bob/new");
  ASSERT_EQ(all.size(), 4U);
  for (const std::string& file : all) {
    const std::string text = content(file);
    EXPECT_EQ(text.find("\r\n"), text.npos);
    EXPECT_NE(text.find("x\n\ny"), text.npos);
    EXPECT_TRUE(text.ends_with("y\r"));
  }
}

TEST_F(Maildir, HostileAddressesStayInside) {
  const FakeQueuedMessage message("A: b\r\n\r\n");
  const std::vector<Recipient> to{recipient("\"../../etc/passwd\"@example.org"),
                                  recipient("\"..\"@example.org"),
                                  recipient("\"/abs\"@example.org"),
                                  recipient("\"{domain}\"@example.org"),
                                  recipient("\".hidden\"@example.org"),
                                  recipient("\"a\\\"b c\"@example.org")};
  for (const Outcome& outcome : deliver(to, message)) EXPECT_EQ(outcome.action, Action::delivered);
  for (const char* name :
       {"%2E.%2F..%2Fetc%2Fpasswd", "%2E.", "%2Fabs", "%7Bdomain%7D", "%2Ehidden", "a%22b%20c"})
    EXPECT_EQ(files(root_ + "/example.org/" + name + "/new").size(), 1U) << name;
  EXPECT_EQ(files(root_).size(), 6U);
}

TEST_F(Maildir, QuotedAndBareAreOneMailbox) {
  const FakeQueuedMessage message("A: b\r\n\r\n", "");
  deliver({recipient("\"bob\"@example.org"), recipient("BOB@example.org")}, message);
  const auto all = files(root_ + "/example.org/bob/new");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(content(all[0]).starts_with("Return-Path: <>\n"));
}

TEST_F(Maildir, AFileInTheWayDelaysThatRecipientOnly) {
  fs::create_directories(root_ + "/example.org");
  std::ofstream(root_ + "/example.org/bob") << "in the way";
  const auto outcomes = deliver({recipient("bob@example.org"), recipient("eve@example.org")},
                                FakeQueuedMessage("A: b\r\n\r\n"));
  EXPECT_EQ(outcomes[0].action, Action::delayed);
  EXPECT_EQ(outcomes[0].status.text(), "4.3.0");
  EXPECT_NE(outcomes[0].text.find("cannot make the folder"), std::string::npos) << outcomes[0].text;
  EXPECT_EQ(outcomes[1].action, Action::delivered);
}

TEST_F(Maildir, AWriteThatFailsLeavesNothing) {
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto outcomes =
      deliver({recipient("bob@example.org")}, FakeQueuedMessage(std::string(5000, 'x')));
  ::setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(outcomes[0].action, Action::delayed);
  EXPECT_NE(outcomes[0].text.find("cannot write to"), std::string::npos) << outcomes[0].text;
  EXPECT_TRUE(files(root_).empty());
}

TEST_F(Maildir, AnUnreadableMessageIsDelayed) {
  FakeQueuedMessage message("A: b\r\n\r\n");
  message.unreadable = true;
  const auto outcomes = deliver({recipient("bob@example.org")}, message);
  EXPECT_EQ(outcomes[0].action, Action::delayed);
  EXPECT_TRUE(files(root_).empty());
}

TEST_F(Maildir, ADroppedDeliveryLeavesNothing) {
  host_.blocking_delay = 1s;
  const PluginLibrary loaded = plugin();
  const FakeQueuedMessage message(std::string(3 << 20, 'x'));
  const std::vector<Recipient> to{recipient("bob@example.org")};
  auto task = loaded.hooks().transport->deliver(message, to);
  task.start();
  host_.loop().advance(1500ms);
  EXPECT_EQ(files(root_).size(), 1U);
  task.reset();
  EXPECT_TRUE(files(root_).empty());
}

TEST(MaildirSettings, MistakesAreTold) {
  EXPECT_EQ(load_error("maildir", table({{"path", "/var/mail/{local}"}})), "");
  EXPECT_NE(load_error("maildir", table({{"path", "relative/{local}"}})), "");
  EXPECT_NE(load_error("maildir", table({{"path", "/var/mail/{domain}"}})), "");
  EXPECT_NE(load_error("maildir", table({{"path", "/var/mail/{local}/{user}"}})), "");
}

}  // namespace
}  // namespace postrider::testing
