// SPDX-License-Identifier: MIT
// A schema binds keys to the members of a struct: key, type, default, range, help and error message
// are one declaration, written in `static void describe(Schema<Settings>& schema)`:
//   schema.field("timeout", &Settings::timeout, "Time for all lookups").between(100ms, 60s);
// Types: bool, integers, double, std::string, Duration, Size, enumerations with choices(), types
// with parse_setting (setting_type.hpp); std::vector and std::map<std::string, T> of those; structs
// with describe() of their own (a table), and vectors of them (an array of tables). Thread safety:
// a schema does not change once it is built; any thread may read and decode with it.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <postrider/setting_type.hpp>

namespace postrider {

class SchemaBase;

/// What a setting holds: one value, a list of values, a table of values under free keys, a nested
/// struct, or a list of nested structs.
enum class Shape : std::uint8_t { value, list, map, table, tables };

/// One key, with everything that the reference, the default file and the decoder need.
struct Field {
  std::string key;
  std::string help;
  Shape shape = Shape::value;
  std::string type;                            ///< "duration", "list of texts", ...
  std::string default_text;                    ///< as TOML; empty if there is none to show
  std::string range_text;                      ///< "100ms to 1m", or the choices; may be empty
  bool required = false;                       ///< leaving it out is a mistake
  std::shared_ptr<const SchemaBase> children;  ///< the keys of a table or of each of the tables
  /// Stores `value` into the settings struct at the address, or adds problems. `path`: see
  /// decode().
  std::function<void(const SettingValue& value, void* settings, const std::string& path,
                     std::vector<Problem>& problems)>
      set;
};

/// The part of a schema that does not know the struct: what crosses the boundary of a library.
class SchemaBase {
 public:
  SchemaBase() = default;
  SchemaBase(const SchemaBase&) = delete;
  SchemaBase& operator=(const SchemaBase&) = delete;
  virtual ~SchemaBase();

  /// The keys in the order of their declaration.
  const std::deque<Field>& fields() const { return fields_; }
  /// The field of a key, also of nested tables ("smtp.max_line"), or null.
  const Field* find(std::string_view key) const;
  /// Fills the struct at `settings` (of this schema's type). All mistakes of the table are found in
  /// one run; a key with a mistake keeps its default. `path` is put before the keys in problems.
  std::vector<Problem> decode(const SettingTable& table, void* settings,
                              const std::string& path = {}) const;
  /// A struct of this schema's type with all defaults, as a pointer that decode() takes.
  virtual std::shared_ptr<void> new_settings() const = 0;

 protected:
  /// What is wrong with a struct whose keys are each right, at which of the keys.
  struct Together {
    std::vector<std::string> keys;
    std::function<std::optional<std::string>(const void* settings)> check;
  };
  std::vector<Together> together_;
  std::deque<Field> fields_;  // a deque: rules keep references while fields are added
};

namespace setting {

template <class T>
using Choices = std::vector<std::pair<std::string, T>>;
using Check = std::function<std::optional<std::string>(std::string_view)>;

/// What a value must satisfy beyond its type.
template <class T>
struct Rule {
  std::function<bool(const T&)> in_range;
  std::string range_text;
  Choices<T> choices;
  Check check;
  Check key_check;  ///< of the free keys of a map
};

Result<std::size_t> read_choice(const SettingValue& value, const std::vector<std::string>& words);
/// `did you mean "..."?` with the nearest of the known words, or the list of them if none is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);
/// The words as alternatives: `"a"`, `"b" or "c"`.
std::string alternatives(const std::vector<std::string>& words);
std::string out_of_range(const SettingValue& value, std::string_view range);
/// Runs `check` on the text of `value`.
std::optional<std::string> failed_check(const SettingValue& value, const Check& check);
Problem wrong_shape(const SettingValue& value, const std::string& path, const Field& field);

template <class T>
std::vector<std::string> words(const Choices<T>& choices) {
  std::vector<std::string> result;
  for (const auto& [word, value] : choices) result.push_back(word);
  return result;
}

template <class T>
Result<T> read_with(const SettingValue& value, const Rule<T>& rule) {
  if (!rule.choices.empty()) {
    const Result<std::size_t> chosen = read_choice(value, words(rule.choices));
    if (!chosen) return std::unexpected(chosen.error());
    return rule.choices[*chosen].second;
  }
  Result<T> result = read<T>(value);
  if (!result) return result;
  if (rule.in_range && !rule.in_range(*result))
    return std::unexpected(out_of_range(value, rule.range_text));
  if (rule.check)
    if (auto error = failed_check(value, rule.check)) return std::unexpected(std::move(*error));
  return result;
}

template <class T>
std::string print_with(const T& value, const Rule<T>& rule) {
  if constexpr (std::equality_comparable<T>)
    for (const auto& [word, choice] : rule.choices)
      if (choice == value) return setting::quoted(word);
  return setting::print(value);
}

/// How a member of type M is laid out: its element type and its shape.
template <class M>
struct Layout {
  using Element = M;
  static constexpr Shape kShape = Shape::value;
};
template <class E>
struct Layout<std::vector<E>> {
  using Element = E;
  static constexpr Shape kShape = Shape::list;
};
template <class E>
struct Layout<std::map<std::string, E>> {
  using Element = E;
  static constexpr Shape kShape = Shape::map;
};

template <class M, class E>
std::string print_member(const M& member, const Rule<E>& rule) {
  if constexpr (Layout<M>::kShape == Shape::value)
    return print_with(member, rule);
  else if constexpr (Layout<M>::kShape == Shape::list) {
    std::string text;
    for (const auto& element : member)
      text += (text.empty() ? "" : ", ") + print_with<E>(element, rule);
    return "[" + text + "]";
  } else {
    std::string text;
    for (const auto& [key, element] : member)
      text +=
          (text.empty() ? " " : ", ") + setting::quoted(key) + " = " + print_with<E>(element, rule);
    return text.empty() ? "{}" : "{" + text + " }";
  }
}

/// Reads a member of any shape; false if there was a problem, and then `member` is unchanged.
template <class M, class E>
void set_member(const SettingValue& value, M& member, const Field& field, const Rule<E>& rule,
                const std::string& path, std::vector<Problem>& problems) {
  const std::size_t before = problems.size();
  M fresh{};
  const auto read_one = [&](const SettingValue& from, const std::string& name, auto store) {
    if (Result<E> one = read_with<E>(from, rule))
      store(std::move(*one));
    else
      problems.push_back({from.place, name, one.error()});
  };
  if constexpr (Layout<M>::kShape == Shape::value) {
    read_one(value, path, [&](E one) { fresh = std::move(one); });
  } else if constexpr (Layout<M>::kShape == Shape::list) {
    const auto* array = std::get_if<SettingArray>(&value.data);
    if (!array) return problems.push_back(wrong_shape(value, path, field));
    for (const SettingValue& from : *array)
      read_one(from, path, [&](E one) { fresh.push_back(std::move(one)); });
  } else {
    const auto* table = std::get_if<SettingTable>(&value.data);
    if (!table) return problems.push_back(wrong_shape(value, path, field));
    for (const SettingEntry& from : table->entries) {
      const std::string name = path + "." + from.key;
      if (auto error = rule.key_check ? rule.key_check(from.key) : std::nullopt)
        problems.push_back({from.place, name, std::move(*error)});
      read_one(from.value, name, [&](E one) { fresh[from.key] = std::move(one); });
    }
  }
  if (problems.size() == before) member = std::move(fresh);
}

}  // namespace setting

/// Refines the field just declared: schema.field(...).between(1, 10).required().
template <class S, class M>
class FieldRef {
 public:
  using Element = typename setting::Layout<M>::Element;
  using Rule = setting::Rule<Element>;
  FieldRef(Field& field, std::shared_ptr<Rule> rule, const M& initial)
      : field_{field}, rule_{std::move(rule)}, initial_{initial} {}

  /// Both ends are allowed. In a list it holds for each element.
  FieldRef& between(Element low, Element high) {
    field_.range_text = bare(low) + " to " + bare(high);
    rule_->range_text = field_.range_text;
    rule_->in_range = [low, high](const Element& value) {
      return !(value < low) && !(high < value);
    };
    return *this;
  }
  /// The words that may be written, and what each means.
  FieldRef& choices(std::initializer_list<std::pair<std::string_view, Element>> list) {
    for (const auto& [word, value] : list) rule_->choices.emplace_back(word, value);
    field_.range_text = setting::alternatives(setting::words(rule_->choices));
    field_.default_text = setting::print_member(initial_, *rule_);
    return *this;
  }
  /// A check of the text beyond its type: returns what is wrong and what would be right, or
  /// nothing.
  FieldRef& check(setting::Check check) {
    rule_->check = std::move(check);
    return *this;
  }
  /// The same for the free keys of a table.
  FieldRef& check_keys(setting::Check check)
    requires(setting::Layout<M>::kShape == Shape::map)
  {
    rule_->key_check = std::move(check);
    return *this;
  }
  /// Leaving the key out is a mistake.
  FieldRef& required() {
    field_.required = true;
    field_.default_text.clear();
    return *this;
  }

 private:
  static std::string bare(const Element& value) {
    std::string text = setting::print(value);
    std::erase(text, '"');
    return text;
  }
  Field& field_;
  std::shared_ptr<Rule> rule_;
  const M& initial_;
};

template <class S>
class Schema;

/// A struct with a schema of its own: in another struct it is a table.
template <class T>
concept Described = requires(Schema<T>& schema) { T::describe(schema); };

/// The schema of one struct; build it with `Schema<Settings> schema;`, it calls Settings::describe.
/// Defaults are those of a default-constructed S.
template <class S>
class Schema final : public SchemaBase {
 public:
  Schema() { S::describe(*this); }

  template <class M>
    requires(!Described<typename setting::Layout<M>::Element>)
  FieldRef<S, M> field(std::string_view key, M S::* member, std::string_view help) {
    using Element = typename setting::Layout<M>::Element;
    auto rule = std::make_shared<setting::Rule<Element>>();
    Field& field = add(key, help, setting::Layout<M>::kShape);
    field.type = type_of(field.shape, setting::type_name<Element>());
    field.default_text = setting::print_member(defaults_.*member, *rule);
    field.set = [member, rule, &field](const SettingValue& value, void* settings,
                                       const std::string& path, std::vector<Problem>& problems) {
      setting::set_member(value, static_cast<S*>(settings)->*member, field, *rule, path, problems);
    };
    return {field, std::move(rule), defaults_.*member};
  }

  /// A nested struct: the table [key].
  template <Described T>
  void field(std::string_view key, T S::* member, std::string_view help) {
    auto children = std::make_shared<Schema<T>>();
    Field& field = add(key, help, Shape::table);
    field.type = "table";
    field.children = children;
    field.set = [member, children, &field](const SettingValue& value, void* settings,
                                           const std::string& path,
                                           std::vector<Problem>& problems) {
      const auto* table = std::get_if<SettingTable>(&value.data);
      if (!table) return problems.push_back(setting::wrong_shape(value, path, field));
      for (Problem& problem : children->decode(*table, &(static_cast<S*>(settings)->*member), path))
        problems.push_back(std::move(problem));
    };
  }

  /// A list of nested structs: [[key]] as often as needed. One that is written replaces the
  /// default.
  template <Described T>
  void field(std::string_view key, std::vector<T> S::* member, std::string_view help) {
    auto children = std::make_shared<Schema<T>>();
    Field& field = add(key, help, Shape::tables);
    field.type = "array of tables";
    field.children = children;
    field.set = [member, children, &field](const SettingValue& value, void* settings,
                                           const std::string& path,
                                           std::vector<Problem>& problems) {
      const auto* array = std::get_if<SettingArray>(&value.data);
      if (!array) return problems.push_back(setting::wrong_shape(value, path, field));
      std::vector<T>& list = static_cast<S*>(settings)->*member;
      list.clear();
      for (const SettingValue& element : *array) {
        const auto* table = std::get_if<SettingTable>(&element.data);
        if (!table)
          problems.push_back(setting::wrong_shape(element, path, field));
        else
          for (Problem& problem : children->decode(*table, &list.emplace_back(), path))
            problems.push_back(std::move(problem));
      }
    };
  }

  /// A check across keys, made when each of them is right: returns what is wrong and what would be
  /// right, or nothing. It is told at the first of `keys` that is written.
  void together(std::vector<std::string> keys,
                std::function<std::optional<std::string>(const S&)> check) {
    together_.push_back({std::move(keys), [check = std::move(check)](const void* settings) {
                           return check(*static_cast<const S*>(settings));
                         }});
  }

  std::vector<Problem> decode(const SettingTable& table, S& settings) const {
    return SchemaBase::decode(table, &settings);
  }
  using SchemaBase::decode;
  std::shared_ptr<void> new_settings() const override { return std::make_shared<S>(); }
  const S& defaults() const { return defaults_; }

 private:
  Field& add(std::string_view key, std::string_view help, Shape shape) {
    Field& field = fields_.emplace_back();
    field.key = key;
    field.help = help;
    field.shape = shape;
    return field;
  }
  static std::string type_of(Shape shape, std::string_view element) {
    if (shape == Shape::value) return std::string(element);
    return (shape == Shape::list ? "list of " : "table of ") + std::string(element) + "s";
  }
  S defaults_{};
};

}  // namespace postrider
