// SPDX-License-Identifier: MIT
// Mailboxes: the grammar of RFC 5321 section 4.1.2, its limits, and what attackers send instead.
#include <gtest/gtest.h>

#include <postrider/path.hpp>

namespace postrider {
namespace {

bool parses(std::string_view text, bool utf8 = false) {
  return Path::parse(text, utf8).has_value();
}

TEST(Path, IsNullWhenMade) {
  const Path null;
  EXPECT_TRUE(null.is_null());
  EXPECT_EQ(null.bracketed(), "<>");
  EXPECT_EQ(null.local_part(), "");
  EXPECT_EQ(null.domain(), "");
}

TEST(Path, KeepsWhatWasWritten) {
  const auto path = Path::parse("John.Q+tag@Example.ORG");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->local_part(), "John.Q+tag");
  EXPECT_EQ(path->domain(), "Example.ORG");
  EXPECT_EQ(path->domain_key(), "example.org");
  EXPECT_EQ(path->bracketed(), "<John.Q+tag@Example.ORG>");
}

TEST(Path, DropsOneTrailingDot) {
  EXPECT_EQ(Path::parse("u@example.org.")->text(), "u@example.org");
  EXPECT_FALSE(parses("u@example.org.."));
  EXPECT_FALSE(parses("u@."));
}

TEST(Path, KnowsPostmaster) {
  const auto path = Path::parse("PostMaster");
  ASSERT_TRUE(path);
  EXPECT_FALSE(path->is_null());
  EXPECT_EQ(path->local_part(), "PostMaster");
  EXPECT_EQ(path->domain(), "");
  EXPECT_FALSE(parses("root"));
}

TEST(Path, TakesQuotedStrings) {
  const auto path = Path::parse(R"("a @ \"b\"\\ c"@example.org)");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->local_part(), R"("a @ \"b\"\\ c")");
  EXPECT_EQ(path->domain(), "example.org");
  EXPECT_TRUE(parses("\"\"@example.org"));
  const auto confused = Path::parse("\"a@x.org b\"@in.org");
  ASSERT_TRUE(confused);
  EXPECT_EQ(confused->domain(), "in.org");
}

TEST(Path, TakesAddressLiterals) {
  EXPECT_TRUE(Path::parse("u@[192.0.2.1]")->is_literal());
  EXPECT_TRUE(parses("u@[IPv6:2001:db8::1]"));
  EXPECT_TRUE(parses("u@[ipv6:::1]"));
  for (const char* text : {"u@[]", "u@[", "u@]", "u@[192.0.2.1", "u@[999.1.1.1]", "u@[1.2.3]",
                           "u@[::1]", "u@[IPv6:1.2.3.4]", "u@[IPv6:1:2:3:4:5:6:7:8:9]",
                           "u@[IPv6:::ffff:1.2.3.4%25lo]", "u@[IPv6:]", "u@[IPv4:1.2.3.4]",
                           "u@[tag:x]", "u@[192.0.2.1]x", "u@[192.0.2.1].", "u@[[1.2.3.4]]"})
    EXPECT_FALSE(parses(text)) << text;
}

TEST(Path, RefusesIllFormedOnes) {
  for (
      const char* text :
      {"",       "@",        "a",       "a@",           "@b",
       ".a@b",   "a.@b",     "a..b@c",  "a@b@c",        "a b@c",
       "a@b c",  " a@b",     "a@b ",    "a@-b",         "a@b-",
       "a@b..c", "a@.b",     "a@b_c",   "a@b,c",        "a<@b",
       "a>@b",   "a@b>",     "(a)@b",   "a(c)@b",       "a\\b@c",
       "\"a@b",  "\"a\"b@c", "\"a\"",   "\"a\\\"@b",    "\"\\",
       "\"",     "a\"b\"@c", "<a@b>",   "@x,@y:a@b",    ";for i in 0 1 2;do read r;done;sh;exit 0;",
       ";id;@",  "a@b;c",    "a@$(id)", "a@${run{id}}", "a:b@c",
       "a,b@c",  "a[@b"})
    EXPECT_FALSE(parses(text)) << text;
}

TEST(Path, TakesOddButSoundOnes) {
  for (const char* text : {"|x@d", "a/b@d", "$x@d", "-oQ/tmp@d", "{x}@d", "u%x@d", "h!u@d",
                           "a@1.2.3.4", "a@b", "!#$%&'*+-/=?^_`{|}~@d", "a@xn--bcher-kva"})
    EXPECT_TRUE(parses(text)) << text;
}

TEST(Path, RefusesControlsAndEightBits) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {"a\0@b"sv, "user@good\0.evil"sv, "a@b\r"sv, "a@b\n"sv, "\"a\rb\"@c"sv, "\"a\\\rb\"@c"sv,
        "\"a\\\nb\"@c"sv, "\"a\0b\"@c"sv, "\"\x7f\"@c"sv, "\"\t\"@c"sv, "\x7f@c"sv, "a@\xff"sv,
        "\xff@b"sv, "\xc3\xa9@b"sv, "a@\xc3\xa9"sv})
    EXPECT_FALSE(parses(text)) << text;
}

TEST(Path, TakesUtf8WhenAllowed) {
  const auto path = Path::parse(
      "j\xc3\xb6rg@b\xc3\xbc"
      "cher.example",
      true);
  ASSERT_TRUE(path);
  EXPECT_FALSE(path->is_ascii());
  EXPECT_TRUE(Path::parse("a@b", true)->is_ascii());
  EXPECT_TRUE(parses("\"\xe2\x82\xac \\\xe2\x82\xac\"@d", true));
  EXPECT_TRUE(parses("\xe6\x9d\x8e@\xe4\xbe\x8b\xe5\xad\x90.\xe4\xb8\xad\xe5\x9b\xbd", true));
}

TEST(Path, RefusesIllFormedUtf8) {
  for (const char* text :
       {"\xc0\x80@b", "\xc1\xbf@b", "\xe0\x80\xaf@b", "\xed\xa0\x80@b", "\x80@b",
        "\xf4\x90\x80\x80@b", "\xf5\x80\x80\x80@b", "\xc3@b", "\xe2\x82@b", "\"\xc3\"@b", "a@\xc3",
        "a@\xc0\xae"
        "b",
        "a@\xe2\x82"})
    EXPECT_FALSE(parses(text, true)) << text;
}

TEST(Path, NeverTakesADisguisedSeparatorInADomain) {
  for (const char* text :
       {"a@b\xef\xbc\xa0"
        "c",
        "a@b\xe3\x80\x82"
        "c",
        "a@b\xef\xbc\x8e"
        "c",
        "a@b\xef\xbd\xa1"
        "c",
        "a@b\xe2\x80\xa4"
        "c",
        "a@b\xe2\x81\x84"
        "c",
        "a@b\xe2\x80\xae"
        "c",
        "a@b\xf0\x9f\x84\x80", "a@b\xe2\x92\x88", "a@b\xe3\x8f\x82", "a@\xc2\xa0"})
    EXPECT_FALSE(parses(text, true)) << text;
  for (const char* text : {"a\xe2\x80\xae@b", "a\xe2\x80\xa8@b", "a\xc2\x85@b", "\"\xc2\x9b\"@b"})
    EXPECT_FALSE(parses(text, true)) << text;
}

TEST(Path, KeepsTheLimits) {
  const auto local = [](std::size_t n) { return std::string(n, 'a') + "@example.org"; };
  EXPECT_TRUE(parses(local(63)));
  EXPECT_TRUE(parses(local(64)));
  EXPECT_FALSE(parses(local(65)));
  const auto quoted = [](std::size_t n) {
    return '"' + std::string(n - 2, 'a') + "\"@example.org";
  };
  EXPECT_TRUE(parses(quoted(64)));
  EXPECT_FALSE(parses(quoted(65)));
  const auto label = [](std::size_t n) { return "a@" + std::string(n, 'a') + ".org"; };
  EXPECT_TRUE(parses(label(62)));
  EXPECT_TRUE(parses(label(63)));
  EXPECT_FALSE(parses(label(64)));
  const auto whole = [](std::size_t n) {
    std::string text = "a@";
    while (text.size() < n - 2) text += "b.";
    text.resize(n, 'c');
    if (text[n - 1] == '.') text[n - 1] = 'c';
    return text;
  };
  EXPECT_TRUE(parses(whole(253)));
  EXPECT_TRUE(parses(whole(254)));
  EXPECT_FALSE(parses(whole(255)));
  EXPECT_FALSE(parses(whole(256)));
  EXPECT_TRUE(parses(whole(254) + "."));
  EXPECT_FALSE(parses(std::string(10'000'000, 'a')));
}

TEST(HostName, IsOfLettersDigitsAndHyphens) {
  for (const char* name : {"a", "mx.example.org", "MX1.Example.Org", "3com.com", "a-b.c", "xn--a"})
    EXPECT_TRUE(is_host_name(name)) << name;
  for (const char* name : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "1.2.3.4", "1",
                           "a)", "a;b", "${a}", "a\r", "\x1b[1m",
                           "b\xc3\xbc"
                           "cher",
                           "[1.2.3.4]", "a,b"})
    EXPECT_FALSE(is_host_name(name)) << name;
  EXPECT_FALSE(is_host_name(std::string_view("a\0b", 3)));
  EXPECT_TRUE(is_host_name(std::string(63, 'a')));
  EXPECT_FALSE(is_host_name(std::string(64, 'a')));
  std::string longest;
  while (longest.size() < 252) longest += "a.";
  EXPECT_TRUE(is_host_name(longest + "a"));
  EXPECT_FALSE(is_host_name(longest + "aa"));
}

TEST(Printable, MakesTextHarmless) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable("a\r\nb\tc\x1b[1m\x7f"), "a??b?c?[1m?");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(printable("\xc3\xa9"), "\xc3\xa9");
  EXPECT_EQ(printable("\xff\xc3(\xc0\x80"), "?\?(?\?");
  EXPECT_EQ(printable("\xe2\x80\xae\xc2\x85\xe2\x80\xa8"), "???");
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("abcd", 3), "abc");
  EXPECT_EQ(printable("ab\xc3\xa9", 3), "ab");
  EXPECT_EQ(printable("ab\xc3\xa9", 4), "ab\xc3\xa9");
  EXPECT_EQ(printable("abc", 0), "");
  EXPECT_EQ(printable(std::string(511, 'a')).size(), 511U);
  EXPECT_EQ(printable(std::string(512, 'a')).size(), 512U);
  EXPECT_EQ(printable(std::string(513, 'a')).size(), 512U);
}

TEST(Case, IsOfAsciiOnly) {
  EXPECT_EQ(lower("AbZ\xc3\x89["), "abz\xc3\x89[");
  EXPECT_TRUE(equal_ignoring_case("EHLO", "ehlo"));
  EXPECT_FALSE(equal_ignoring_case("EHLO", "ehl"));
  EXPECT_FALSE(equal_ignoring_case("@[", "`{"));
}

}  // namespace
}  // namespace postrider
