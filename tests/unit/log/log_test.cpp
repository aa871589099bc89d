// SPDX-License-Identifier: MIT
// The log: form of a line, injection, levels, children, drops, reopening.
#include "log/log.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/escape.hpp"

namespace postrider::log {
namespace {

std::string escaped(std::string_view value) {
  std::string line;
  append_value(line, value);
  return line;
}

std::string content(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "log_test_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    file_ = folder_ + "/log";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<DaemonLog> open(LogLevel level = LogLevel::debug,
                                  std::size_t limit = DaemonLog::kBufferLimit) {
    auto log = DaemonLog::open(file_, level, limit);
    EXPECT_TRUE(log.has_value());
    return std::move(*log);
  }
  std::string folder_;
  std::string file_;
};

TEST(LogLine, HasTimeLevelEventFields) {
  const WallTime at = WallTime(std::chrono::milliseconds(1795235880123));
  EXPECT_EQ(format_line(at, LogLevel::info, "message accepted", " plugin=x", {{"id", "3c4d"}}),
            "2026-11-21T04:38:00.123Z info event=\"message accepted\" plugin=x id=3c4d\n");
}

TEST(LogValue, IsBareOnlyWhenHarmless) {
  EXPECT_EQ(escaped("user@example.org"), "user@example.org");
  EXPECT_EQ(escaped(""), "\"\"");
  EXPECT_EQ(escaped("two words"), "\"two words\"");
  EXPECT_EQ(escaped("a=b"), "\"a=b\"");
  EXPECT_EQ(escaped("say \"hi\" \\"), "\"say \\\"hi\\\" \\\\\"");
}

TEST(LogValue, CannotBeginALineOrTurnTheText) {
  EXPECT_EQ(escaped("x\r\n2026-11-21 accepted"), "\"x\\r\\n2026-11-21 accepted\"");
  EXPECT_EQ(escaped("\x1b[31m"), "\"\\x1b[31m\"");
  EXPECT_EQ(escaped("a\xe2\x80\xae"
                    "b"),
            "\"a\\u{202e}b\"");
  EXPECT_EQ(escaped("\xe2\x80\xa8"), "\"\\u{2028}\"");
  EXPECT_EQ(escaped("\xc2\x85"), "\"\\u{85}\"");
  EXPECT_EQ(escaped("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(escaped("\xff\xc0\x80"), "\"\\xff\\xc0\\x80\"");
  EXPECT_EQ(escaped(std::string_view("\0", 1)), "\"\\x00\"");
}

TEST(LogValue, IsCut) {
  const std::string line = escaped(std::string(1 << 20, 'x'));
  EXPECT_EQ(line.size(), kValueLimit + 5);
  EXPECT_TRUE(line.ends_with("...\""));
}

TEST_F(LogTest, WritesWhatIsOn) {
  const auto log = open(LogLevel::warning);
  EXPECT_FALSE(log->is_on(LogLevel::info));
  log->write(LogLevel::info, "not this", {});
  log->write(LogLevel::error, "this", {});
  log->set_level(LogLevel::debug);
  log->write(LogLevel::debug, "and this", {});
  log->flush();
  const std::string text = content(file_);
  EXPECT_EQ(text.find("not this"), text.npos);
  EXPECT_NE(text.find("error event=\"this\"\n"), text.npos);
  EXPECT_NE(text.find("debug event=\"and this\"\n"), text.npos);
}

TEST_F(LogTest, ChildrenAddTheirFields) {
  const auto log = open();
  const auto child = log->with({{"plugin", "a b"}, {"session", "7"}});
  child->write(LogLevel::info, "seen", {{"n", "1"}});
  log->flush();
  EXPECT_NE(content(file_).find("event=\"seen\" plugin=\"a b\" session=7 n=1\n"),
            std::string::npos);
}

TEST_F(LogTest, KeepsEveryLineOfEveryThread) {
  {
    const auto log = open();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&log] {
        for (int i = 0; i < 500; ++i) log->write(LogLevel::info, "line", {});
      });
    for (std::thread& thread : threads) thread.join();
  }  // the destructor writes the rest
  const std::string text = content(file_);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2000);
}

TEST_F(LogTest, ReopensAfterARotation) {
  const auto log = open();
  log->write(LogLevel::info, "before", {});
  log->flush();
  std::filesystem::rename(file_, file_ + ".1");
  log->reopen();
  log->flush();
  log->write(LogLevel::info, "after", {});
  log->flush();
  EXPECT_NE(content(file_ + ".1").find("before"), std::string::npos);
  EXPECT_NE(content(file_).find("after"), std::string::npos);
}

TEST_F(LogTest, AReaderThatStopsCostsLinesNotTime) {
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  const int reader = ::open(file_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  std::string got;
  {
    const auto log = open(LogLevel::info, 4096);
    const std::string value(500, 'x');
    for (int i = 0; i < 1000; ++i) log->write(LogLevel::info, "line", {{"v", value}});
    EXPECT_GT(log->dropped(), 0U);
    std::thread drain([&] {
      std::string piece(65536, '\0');
      while (got.find("log lines were dropped") == got.npos) {
        const ssize_t n = ::read(reader, piece.data(), piece.size());
        if (n > 0)
          got.append(piece, 0, static_cast<std::size_t>(n));
        else
          std::this_thread::yield();
      }
    });
    drain.join();
  }
  ::close(reader);
  EXPECT_NE(got.find("event=\"log lines were dropped\" count="), got.npos);
}

TEST(LogOpen, NamesTheFileThatCannotBeOpened) {
  const auto log = DaemonLog::open("/nonexistent/folder/log", LogLevel::info);
  ASSERT_FALSE(log.has_value());
  EXPECT_NE(log.error().find("/nonexistent/folder/log"), std::string::npos);
  EXPECT_NE(log.error().find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace postrider::log
