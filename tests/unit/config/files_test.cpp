// SPDX-License-Identifier: MIT
// tests/config/bad: each file names on its first lines, as "# expect: ", every diagnostic that it
// must cause, without the file's name. tests/config/good: no diagnostic at all.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/load.hpp"

namespace postrider::config {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(__FILE__).parent_path() / "../../config";

std::vector<fs::path> files_in(const char* name) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kFolder / name)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> expectations(const fs::path& file) {
  constexpr std::string_view kMark = "# expect: ";
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line) && line.starts_with(kMark);)
    lines.push_back(line.substr(kMark.size()));
  return lines;
}

// "line:column: key: message", as after the file's name.
std::vector<std::string> found_in(const fs::path& file) {
  std::vector<std::string> lines;
  for (const Diagnostic& one : load(file.string()).diagnostics) {
    EXPECT_TRUE(one.text().starts_with(file.string() + ":")) << one.text();
    lines.push_back(one.text().substr(file.string().size() + 1));
  }
  return lines;
}

TEST(BadFiles, GiveExactlyTheDiagnosticsOnTheirFirstLines) {
  const auto files = files_in("bad");
  EXPECT_GE(files.size(), 20u);
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.filename().string());
    const auto wanted = expectations(file);
    EXPECT_FALSE(wanted.empty());
    EXPECT_EQ(found_in(file), wanted);
  }
}

TEST(GoodFiles, GiveNoDiagnostic) {
  const auto files = files_in("good");
  EXPECT_FALSE(files.empty());
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.filename().string());
    EXPECT_EQ(found_in(file), std::vector<std::string>{});
  }
}

}  // namespace
}  // namespace postrider::config
