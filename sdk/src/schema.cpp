// SPDX-License-Identifier: MIT
// The part of schemas that does not know the struct: finding keys, unknown keys with the nearest
// known one, missing keys, and the sentences about choices and ranges.
#include <numeric>

#include <postrider/schema.hpp>

namespace postrider {
namespace {

// How many letters must be added, dropped, changed or swapped with their neighbour to turn a into
// b.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1, i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({change, above[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::move(above);
    above = std::move(row);
  }
  return above.back();
}

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

}  // namespace

SchemaBase::~SchemaBase() = default;

const Field* SchemaBase::find(std::string_view key) const {
  const std::size_t dot = key.find('.');
  for (const Field& field : fields_) {
    if (field.key != key.substr(0, dot)) continue;
    if (dot == std::string_view::npos) return &field;
    return field.children ? field.children->find(key.substr(dot + 1)) : nullptr;
  }
  return nullptr;
}

std::vector<Problem> SchemaBase::decode(const SettingTable& table, void* settings,
                                        const std::string& path) const {
  std::vector<Problem> problems;
  std::vector<std::string> known;
  for (const Field& field : fields_) known.push_back(field.key);
  for (const SettingEntry& entry : table.entries) {
    const Field* field = nullptr;
    for (const Field& one : fields_)
      if (one.key == entry.key) field = &one;
    if (field != nullptr)
      field->set(entry.value, settings, joined(path, entry.key), problems);
    else
      problems.push_back({entry.place, joined(path, entry.key),
                          "unknown key; " + setting::suggestion(entry.key, known)});
  }
  for (const Field& field : fields_)
    if (field.required && table.find(field.key) == nullptr)
      problems.push_back({table.place, joined(path, field.key),
                          "is missing; " + field.key + " must be set (" + field.help + ")"});
  if (!problems.empty()) return problems;
  for (const Together& rule : together_) {
    auto error = rule.check(settings);
    if (!error) continue;
    const auto written = std::ranges::find_if(
        rule.keys, [&](const std::string& key) { return table.find(key) != nullptr; });
    const SettingValue* value = written == rule.keys.end() ? nullptr : table.find(*written);
    problems.push_back(
        {value ? value->place : table.place, joined(path, rule.keys.front()), std::move(*error)});
  }
  return problems;
}

namespace setting {

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  const std::string* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      nearest = &candidate;
    }
  }
  if (nearest != nullptr) return "did you mean " + quoted(*nearest) + "?";
  if (known.empty()) return "no key is known here";
  std::string list;
  for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
  return "known here: " + list;
}

Result<std::size_t> read_choice(const SettingValue& value, const std::vector<std::string>& words) {
  const Result<std::string> text = read_any_text(value);
  if (text)
    for (std::size_t i = 0; i < words.size(); ++i)
      if (words[i] == *text) return i;
  const std::string found = text ? quoted(*text) : value.describe();
  return std::unexpected(found + " is not a choice here; write " + alternatives(words));
}

std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += quoted(words[i]);
  }
  return text;
}

std::string out_of_range(const SettingValue& value, std::string_view range) {
  const Result<std::string> text = read_any_text(value);
  const auto* number = std::get_if<double>(&value.data);
  const std::string found = number != nullptr ? print_number(*number) : text.value_or("this");
  return found + " is out of range; allowed is " + std::string(range);
}

std::optional<std::string> failed_check(const SettingValue& value, const Check& check) {
  const Result<std::string> text = read_any_text(value);
  return text ? check(*text) : std::nullopt;
}

Problem wrong_shape(const SettingValue& value, const std::string& path, const Field& field) {
  std::string right = "write " + field.key + " = [ ... ]";
  if (field.shape == Shape::map) right = "write " + field.key + " = { \"name\" = ... }";
  if (field.shape == Shape::table) right = "write [" + path + "] and its keys below";
  if (field.shape == Shape::tables) right = "write [[" + path + "]] and its keys below";
  const std::string type = (field.shape == Shape::tables ? "an " : "a ") + field.type;
  return {value.place, path, "expected " + type + ", found " + value.describe() + "; " + right};
}

}  // namespace setting
}  // namespace postrider
