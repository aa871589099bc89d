// SPDX-License-Identifier: MIT
// The real files and their faulty twin keep the same promises; the twin also breaks them on
// command.
#include "store/file.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "store/crc32c.hpp"
#include "store/faulty_file.hpp"

namespace postrider::store {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "storeXXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string read_all(const File& file) {
  std::string text(*file.size(), '\0');
  text.resize(*file.read(0, text.data(), text.size()));
  return text;
}

void keeps_promises(FileSystem& files, const std::string& folder) {
  ASSERT_TRUE(files.make_folder(folder));
  ASSERT_TRUE(files.make_folder(folder));
  const std::string path = folder + "/a";
  EXPECT_EQ(files.open(path, OpenMode::read).error().code, Errc::not_found);
  auto file = files.open(path, OpenMode::create);
  ASSERT_TRUE(file);
  EXPECT_FALSE(files.open(path, OpenMode::create));
  const std::array<std::string_view, 3> pieces{"one ", "", "two"};
  ASSERT_TRUE((*file)->write(3, pieces));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ(read_all(**file), std::string("\0\0\0one two", 10));
  ASSERT_TRUE((*file)->allocate(8192));
  EXPECT_EQ(*(*file)->size(), 8192u);
  std::array<char, 4> rest{};
  EXPECT_EQ(*(*file)->read(8190, rest.data(), rest.size()), 2u);
  EXPECT_EQ(*(*file)->read(9000, rest.data(), rest.size()), 0u);
  ASSERT_TRUE(files.link(path, folder + "/b"));
  ASSERT_TRUE(files.rename(path, folder + "/c"));
  ASSERT_TRUE(files.sync_folder(folder));
  EXPECT_EQ(*files.list(folder), (std::vector<std::string>{"b", "c"}));
  ASSERT_TRUE(files.remove(folder + "/b"));
  EXPECT_EQ(files.remove(folder + "/b").error().code, Errc::not_found);
  EXPECT_GT(*files.free_space(folder), 0u);
}

void locks_once(FileSystem& files, const std::string& path) {
  auto first = files.lock(path);
  ASSERT_TRUE(first);
  const std::array<std::string_view, 1> pid{"4711\n"};
  ASSERT_TRUE((*first)->write(0, pid));
  const auto second = files.lock(path);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().detail.find("pid 4711"), std::string::npos) << second.error().detail;
  first->reset();
  EXPECT_TRUE(files.lock(path));
}

TEST(File, PosixKeepsItsPromises) {
  const TemporaryFolder folder;
  keeps_promises(posix_file_system(), folder.path() + "/x");
  locks_once(posix_file_system(), folder.path() + "/LOCK");
}

TEST(File, FaultyTwinKeepsThem) {
  FaultyFileSystem files;
  keeps_promises(files, "/x");
  locks_once(files, "/x/LOCK");
}

TEST(File, PosixWritesMoreThanOneCallTakes) {
  const TemporaryFolder folder;
  auto file = posix_file_system().open(folder.path() + "/a", OpenMode::create);
  std::vector<std::string_view> pieces(3000, "abc");
  ASSERT_TRUE((*file)->write(0, pieces));
  EXPECT_EQ(*(*file)->size(), 9000u);
  EXPECT_EQ(read_all(**file).substr(8994), "abcabc");
}

// How much of the rest a file system tells is its own affair, but what was written is before it.
TEST(File, NothingWrittenLiesBehindItsWrittenEnd) {
  const TemporaryFolder folder;
  auto file = posix_file_system().open(folder.path() + "/a", OpenMode::create);
  ASSERT_TRUE((*file)->allocate(1 << 20));
  const std::array<std::string_view, 1> pieces{"abc"};
  for (const std::uint64_t offset : {0u, 300'000u}) {
    ASSERT_TRUE((*file)->write(offset, pieces));
    const auto end = (*file)->written_end();
    ASSERT_TRUE(end);
    EXPECT_GE(*end, offset + 3);
    EXPECT_LE(*end, 1u << 20);
    EXPECT_EQ(read_all(**file).substr(*end).find_first_not_of('\0'), std::string::npos);
  }
}

TEST(File, ErrorsNameCallFileAndCause) {
  const auto error = system_error("pwritev", "/spool/log/1", ENOSPC);
  EXPECT_EQ(error.code, Errc::no_space);
  EXPECT_EQ(error.detail, "pwritev /spool/log/1: No space left on device");
}

TEST(FaultyFile, PowerCutKeepsWhatWasSynced) {
  FaultyFileSystem files;
  ASSERT_TRUE(files.make_folder("/x"));
  auto file = files.open("/x/a", OpenMode::create);
  const std::array<std::string_view, 1> synced{"synced"};
  ASSERT_TRUE((*file)->write(0, synced));
  ASSERT_TRUE((*file)->sync());
  EXPECT_TRUE(files.image(Tail::nothing, 0)->paths().empty());
  ASSERT_TRUE(files.sync_folder("/x"));
  ASSERT_TRUE(files.sync_folder(""));
  const std::string later(2048, 'y');
  const std::array<std::string_view, 1> unsynced{later};
  ASSERT_TRUE((*file)->write(512, unsynced));
  EXPECT_EQ(files.image(Tail::nothing, 0)->contents("/x/a"), "synced");
  EXPECT_EQ(files.image(Tail::everything, 0)->contents("/x/a").size(), 2560u);
  const std::string torn = files.image(Tail::random_sectors, 3)->contents("/x/a");
  EXPECT_EQ(torn.substr(0, 6), "synced");
  EXPECT_NE(torn, files.image(Tail::random_sectors, 4)->contents("/x/a"));
}

TEST(FaultyFile, FailsTheCallAskedForOnce) {
  FaultyFileSystem files;
  ASSERT_TRUE(files.make_folder("/x"));
  auto file = files.open("/x/a", OpenMode::create);
  files.fail_call(files.calls() + 2, Fault::short_write);
  const std::array<std::string_view, 1> text{"12345678"};
  EXPECT_TRUE((*file)->write(0, text));
  EXPECT_EQ((*file)->write(8, text).error().code, Errc::io);
  EXPECT_EQ(files.contents("/x/a"), "123456781234");
  EXPECT_TRUE((*file)->write(8, text));
}

TEST(Crc32c, MatchesRfc3720) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c("56789", crc32c("1234")), 0xe3069283u);
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string octets =
        std::string("The postrider of Thurn and Taxis, 1490..").substr(0, length);
    EXPECT_EQ(crc32c(octets), crc32c_by_table(octets));
  }
}

}  // namespace
}  // namespace postrider::store
