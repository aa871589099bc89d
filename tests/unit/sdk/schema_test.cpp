// SPDX-License-Identifier: MIT
// A schema decodes every kind of member, finds all mistakes in one run, and describes itself.
#include <gtest/gtest.h>

#include <postrider/schema.hpp>

namespace postrider {
namespace {

enum class OnFail { note, defer };

struct Percent {
  int value = 50;
};
std::expected<Percent, std::string> parse_setting(std::string_view text, Percent*) {
  if (text == "half") return Percent{50};
  if (text == "7") return Percent{7};
  return std::unexpected("not a percentage; write \"half\"");
}
std::string format_setting(const Percent& percent) {
  return percent.value == 50 ? "half" : std::to_string(percent.value);
}

struct Inner {
  int number = 1;
  std::string name;
  static void describe(Schema<Inner>& schema) {
    schema.field("number", &Inner::number, "A number").between(1, 3);
    schema.field("name", &Inner::name, "A name").required();
  }
};

std::optional<std::string> no_blank(std::string_view text) {
  if (text.find(' ') == text.npos) return std::nullopt;
  return "has a blank; write none";
}

struct Everything {
  bool flag = false;
  std::uint8_t small = 8;
  double ratio = 2;
  std::string text = "a\"b";
  Duration timeout = 90s;
  Size size = 64_KiB;
  OnFail on_fail = OnFail::defer;
  Percent percent;
  std::vector<std::string> names{"x", "y"};
  std::vector<OnFail> order{OnFail::note};
  std::map<std::string, std::string> routes;
  Inner inner;
  std::vector<Inner> many;
  static void describe(Schema<Everything>& schema) {
    schema.field("flag", &Everything::flag, "A flag");
    schema.field("small", &Everything::small, "A small number");
    schema.field("ratio", &Everything::ratio, "A ratio").between(0.5, 4);
    schema.field("text", &Everything::text, "A text");
    schema.field("timeout", &Everything::timeout, "A time").between(100ms, 60s * 5);
    schema.field("size", &Everything::size, "A size").between(1_KiB, 1_MiB);
    schema.field("on_fail", &Everything::on_fail, "A choice")
        .choices({{"note", OnFail::note}, {"defer", OnFail::defer}});
    schema.field("percent", &Everything::percent, "A type of its own");
    schema.field("names", &Everything::names, "A list").check(no_blank);
    schema.field("order", &Everything::order, "A list of choices")
        .choices({{"note", OnFail::note}, {"defer", OnFail::defer}});
    schema.field("routes", &Everything::routes, "A table of texts").check(no_blank);
    schema.field("inner", &Everything::inner, "A table");
    schema.field("many", &Everything::many, "Tables");
  }
};

SettingValue value(auto data, Place place = {1, 1}) {
  return {std::move(data), place};
}
SettingValue text(std::string data) {
  return value(std::move(data));
}
SettingValue number(std::int64_t data) {
  return value(data);
}
SettingTable table(std::vector<SettingEntry> entries) {
  return {std::move(entries), {9, 9}};
}

std::string first_problem(const std::string& key, SettingValue found) {
  Everything settings;
  const auto problems =
      Schema<Everything>().decode(table({{key, {1, 1}, std::move(found)}}), settings);
  return problems.empty() ? "" : problems[0].key + ": " + problems[0].message;
}

TEST(Schema, DecodesEveryKind) {
  Everything settings;
  const auto problems = Schema<Everything>().decode(
      table({{"flag", {}, value(true)},
             {"small", {}, number(255)},
             {"ratio", {}, number(1)},
             {"text", {}, text("t")},
             {"timeout", {}, text("1m")},
             {"size", {}, text("2KiB")},
             {"on_fail", {}, text("note")},
             {"percent", {}, number(7)},
             {"names", {}, value(SettingArray{text("p"), text("q")})},
             {"order", {}, value(SettingArray{text("defer"), text("note")})},
             {"routes", {}, value(table({{"a.example", {}, text("b")}}))},
             {"inner", {}, value(table({{"name", {}, text("n")}}))},
             {"many", {}, value(SettingArray{value(table({{"name", {}, text("m")}}))})}}),
      settings);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.key << problem.message;
  EXPECT_TRUE(settings.flag);
  EXPECT_EQ(settings.small, 255);
  EXPECT_EQ(settings.ratio, 1.0);
  EXPECT_EQ(settings.text, "t");
  EXPECT_EQ(settings.timeout, 1min);
  EXPECT_EQ(settings.size, 2_KiB);
  EXPECT_EQ(settings.on_fail, OnFail::note);
  EXPECT_EQ(settings.percent.value, 7);
  EXPECT_EQ(settings.names, (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(settings.order, (std::vector<OnFail>{OnFail::defer, OnFail::note}));
  EXPECT_EQ(settings.routes.at("a.example"), "b");
  EXPECT_EQ(settings.inner.name, "n");
  ASSERT_EQ(settings.many.size(), 1u);
  EXPECT_EQ(settings.many[0].name, "m");
}

TEST(Schema, SaysWhatIsWrongAndWhatWouldBeRight) {
  EXPECT_EQ(first_problem("flag", number(1)),
            "flag: expected a boolean, found the integer 1; write true or false");
  EXPECT_EQ(first_problem("small", number(256)),
            "small: 256 does not fit; write a number from 0 to 255");
  EXPECT_EQ(first_problem("ratio", value(4.5)),
            "ratio: 4.5 is out of range; allowed is 0.5 to 4.0");
  EXPECT_EQ(first_problem("text", value(table({}))),
            "text: expected a text, found a table; write it between quotes");
  EXPECT_EQ(first_problem("timeout", number(5)),
            "timeout: expected a duration, found the integer 5; write for example \"5s\" or "
            "\"1h30m\"");
  EXPECT_EQ(first_problem("timeout", text("5h")),
            "timeout: 5h is out of range; allowed is 100ms to 5m");
  EXPECT_EQ(first_problem("size", text("9MiB")),
            "size: 9MiB is out of range; allowed is 1KiB to 1MiB");
  EXPECT_EQ(first_problem("on_fail", text("nte")),
            "on_fail: \"nte\" is not a choice here; write \"note\" or \"defer\"");
  EXPECT_EQ(first_problem("percent", text("all")), "percent: not a percentage; write \"half\"");
  EXPECT_EQ(first_problem("names", text("p")),
            "names: expected a list of texts, found the text \"p\"; write names = [ ... ]");
  EXPECT_EQ(first_problem("names", value(SettingArray{text("p q")})),
            "names: has a blank; write none");
  EXPECT_EQ(first_problem("routes", value(table({{"k", {}, text("p q")}}))),
            "routes.k: has a blank; write none");
  EXPECT_EQ(first_problem("inner", number(1)),
            "inner: expected a table, found the integer 1; write [inner] and its keys below");
  EXPECT_EQ(first_problem("many", value(table({}))),
            "many: expected an array of tables, found a table; write [[many]] and its keys below");
  EXPECT_EQ(first_problem("inner", value(table({}))),
            "inner.name: is missing; name must be set (A name)");
}

TEST(Schema, SuggestsTheNearestKeyOrListsThem) {
  EXPECT_EQ(first_problem("on_fial", text("note")),
            "on_fial: unknown key; did you mean \"on_fail\"?");
  EXPECT_EQ(first_problem("inner", value(table({{"zzzzzz", {}, number(1)}}))),
            "inner.zzzzzz: unknown key; known here: number, name");
}

TEST(Schema, FindsAllMistakesAndKeepsDefaultsThere) {
  Everything settings;
  const auto problems = Schema<Everything>().decode(
      table({{"timeout", {1, 1}, value(std::string("x"), {1, 11})},
             {"names", {2, 1}, value(SettingArray{text("ok"), value(true, {2, 20})})},
             {"nmaes", {3, 1}, number(1)}}),
      settings);
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_EQ(problems[0].place, (Place{1, 11}));
  EXPECT_EQ(problems[1].place, (Place{2, 20}));
  EXPECT_EQ(problems[2].place, (Place{3, 1}));
  EXPECT_EQ(settings.timeout, 90s);
  EXPECT_EQ(settings.names, (std::vector<std::string>{"x", "y"}));
}

TEST(Schema, DescribesItself) {
  const Schema<Everything> schema;
  const auto initial = [&](const char* key) { return schema.find(key)->default_text; };
  EXPECT_EQ(initial("flag"), "false");
  EXPECT_EQ(initial("small"), "8");
  EXPECT_EQ(initial("ratio"), "2.0");
  EXPECT_EQ(initial("text"), "\"a\\\"b\"");
  EXPECT_EQ(initial("timeout"), "\"1m30s\"");
  EXPECT_EQ(initial("on_fail"), "\"defer\"");
  EXPECT_EQ(initial("percent"), "\"half\"");
  EXPECT_EQ(initial("names"), "[\"x\", \"y\"]");
  EXPECT_EQ(initial("order"), "[\"note\"]");
  EXPECT_EQ(initial("routes"), "{}");
  EXPECT_EQ(schema.find("inner.number")->range_text, "1 to 3");
  EXPECT_TRUE(schema.find("inner.name")->required);
  EXPECT_EQ(schema.find("timeout")->range_text, "100ms to 5m");
  EXPECT_EQ(schema.find("on_fail")->range_text, "\"note\" or \"defer\"");
  EXPECT_EQ(schema.find("names")->type, "list of texts");
  EXPECT_EQ(schema.find("inner.nothing"), nullptr);
  EXPECT_EQ(schema.fields().front().help, "A flag");
}

struct Pair {
  int low = 1;
  int high = 5;
  std::map<std::string, int> of;
  static void describe(Schema<Pair>& schema) {
    schema.field("low", &Pair::low, "The least").between(0, 100);
    schema.field("high", &Pair::high, "The most").between(0, 100);
    schema.field("of", &Pair::of, "For each name").check_keys(no_blank);
    schema.together({"low", "high"}, [](const Pair& pair) -> std::optional<std::string> {
      if (pair.low <= pair.high) return std::nullopt;
      return "is more than high; write " + std::to_string(pair.high) + " or less";
    });
  }
};

TEST(Schema, ChecksKeysTogetherWhenEachIsRight) {
  const auto complaint = [](std::vector<SettingEntry> entries) {
    Pair pair;
    const auto problems = Schema<Pair>().decode({std::move(entries), {1, 1}}, pair);
    std::string said;
    for (const Problem& one : problems)
      said += std::to_string(one.place.line) + " " + one.key + ": " + one.message + "\n";
    return said;
  };
  const auto number = [](std::int64_t n, std::uint32_t line) { return SettingValue{n, {line, 7}}; };
  EXPECT_EQ(complaint({{"low", {2, 1}, number(5, 2)}}), "");
  EXPECT_EQ(complaint({{"low", {2, 1}, number(6, 2)}}),
            "2 low: is more than high; write 5 or less\n");
  EXPECT_EQ(complaint({{"high", {3, 1}, number(0, 3)}}),
            "3 low: is more than high; write 0 or less\n");
  EXPECT_EQ(complaint({{"low", {2, 1}, number(500, 2)}, {"high", {3, 1}, number(0, 3)}}),
            "2 low: 500 is out of range; allowed is 0 to 100\n")
      << "one mistake is told once";
}

TEST(Schema, ChecksTheFreeKeysOfATable) {
  SettingTable inner{{{"a b", {4, 1}, value(std::int64_t{1}, {4, 9})}}, {4, 1}};
  Pair pair;
  const auto problems = Schema<Pair>().decode({{{"of", {3, 1}, value(inner)}}, {1, 1}}, pair);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].key, "of.a b");
  EXPECT_EQ(problems[0].place, (Place{4, 1}));
  EXPECT_EQ(problems[0].message, "has a blank; write none");
  EXPECT_TRUE(pair.of.empty());
}

TEST(Schema, WorksWithoutKnowingTheStruct) {
  const Schema<Everything> typed;
  const SchemaBase& schema = typed;
  const std::shared_ptr<void> settings = schema.new_settings();
  EXPECT_TRUE(schema.decode(table({{"text", {}, text("t")}}), settings.get()).empty());
  EXPECT_EQ(static_cast<Everything*>(settings.get())->text, "t");
}

}  // namespace
}  // namespace postrider
