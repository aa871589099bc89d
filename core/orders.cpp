// SPDX-License-Identifier: MIT
#include "orders.hpp"

#include <optional>
#include <sstream>
#include <utility>

#include "queue/field_line.hpp"
#include "store/file.hpp"

namespace postrider {
namespace {

std::string path_of(const std::string& spool) {
  return spool + "/orders";
}

void append_since(std::string& line, WallTime since) {
  line += ' ';
  queue::append_number(line, since.time_since_epoch().count());
}

std::optional<WallTime> read_since(queue::FieldReader& reader) {
  const auto since = reader.number<std::int64_t>();
  if (!since) return std::nullopt;
  return WallTime(Duration(*since));
}

bool read_line(std::string_view line, Orders& orders) {
  queue::FieldReader reader(line, ' ');
  const std::string_view kind = reader.next();
  if (kind == "mode") {
    orders.mode = config::parse_mode(reader.next());
    const auto since = read_since(reader);
    orders.mode_since = since.value_or(WallTime());
    return orders.mode && since;
  }
  auto pattern = reader.text();
  const auto since = read_since(reader);
  auto reason = reader.text();
  if (kind != "suspended" || !pattern || pattern->empty() || !since || !reason) return false;
  orders.suspended.push_back({std::move(*pattern), *since, std::move(*reason)});
  return true;
}

store::Result<void> write_file(const std::string& path, const std::string& text) {
  auto file = store::posix_file_system().open(path, store::OpenMode::create);
  if (!file) return std::unexpected(file.error());
  const std::string_view pieces[] = {text};
  if (auto written = (*file)->write(0, pieces); !written) return written;
  return (*file)->sync();
}

}  // namespace

std::string encode(const Orders& orders) {
  std::string text = "orders 1\n";
  if (orders.mode) {
    text += "mode " + std::string(config::mode_name(*orders.mode));
    append_since(text, orders.mode_since);
    text += '\n';
  }
  for (const queue::Suspension& suspension : orders.suspended) {
    text += "suspended ";
    queue::append_text(text, suspension.pattern);
    append_since(text, suspension.since);
    text += ' ';
    queue::append_text(text, suspension.reason);
    text += '\n';
  }
  return text + "end\n";
}

std::expected<Orders, std::string> decode_orders(const std::string& text) {
  std::istringstream in(text);
  std::string line;
  if (!std::getline(in, line) || line != "orders 1")
    return std::unexpected("it is not of this version: the first line is not \"orders 1\"");
  Orders orders;
  for (int number = 2; std::getline(in, line); ++number) {
    if (line == "end") return orders;
    if (!read_line(line, orders))
      return std::unexpected("line " + std::to_string(number) + " makes no sense: " + line);
  }
  return std::unexpected("it is cut short: the last line is not \"end\"");
}

std::expected<Orders, std::string> load_orders(const std::string& spool) {
  const std::string path = path_of(spool);
  const auto file = store::posix_file_system().open(path, store::OpenMode::read);
  if (!file && file.error().code == store::Errc::not_found) return Orders{};
  if (!file) return std::unexpected(file.error().detail);
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error().detail);
  std::string text(static_cast<std::size_t>(*size), '\0');
  if (const auto read = (*file)->read(0, text.data(), text.size()); !read)
    return std::unexpected(read.error().detail);
  auto orders = decode_orders(text);
  if (!orders)
    return std::unexpected(path + ": " + orders.error() +
                           "; without the file all is open: remove it, or correct it");
  return orders;
}

std::expected<void, std::string> save_orders(const std::string& spool, const Orders& orders) {
  store::FileSystem& files = store::posix_file_system();
  const std::string path = path_of(spool), fresh = path + ".new";
  (void)files.remove(fresh);  // of a save that was interrupted
  store::Result<void> done = write_file(fresh, encode(orders));
  if (done) done = files.rename(fresh, path);
  if (done) done = files.sync_folder(spool);
  if (!done) return std::unexpected(done.error().detail);
  return {};
}

queue::GatePtr gate_for(config::Mode mode, const Orders& orders) {
  auto gate = std::make_shared<queue::Gate>();
  if (!tries_mail(mode)) {
    auto& closed = gate->closed.emplace();
    closed.why = "the mode is " + std::string(mode_name(mode)) + ": nothing is tried";
    if (orders.mode) closed.since = orders.mode_since;
    closed.until = mode == config::Mode::none ? "postrider mode outbound-only"
                                              : "postrider mode inbound-outbound";
  }
  gate->suspended = orders.suspended;
  return gate;
}

std::optional<Reply> refusal_for(config::Mode mode) {
  if (takes_mail(mode)) return std::nullopt;
  return Reply("421 4.3.2 No mail is taken at present, try again later");
}

}  // namespace postrider
