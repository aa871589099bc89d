// SPDX-License-Identifier: MIT
#include "receive/data_phase.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <postrider/facts.hpp>
#include <postrider/log.hpp>

#include "receive/incoming_message.hpp"
#include "receive/session.hpp"
#include "smtp/header_block.hpp"
#include "smtp/received.hpp"

namespace postrider::receive {

namespace {

/// Room for our trace field.
constexpr std::size_t kTraceRoom = 2048;
/// Of the header of a message that streams to a file, each session may keep so much, always.
constexpr std::size_t kOwnHeader = 16 * 1024;
/// A message of unknown size begins with this.
constexpr std::size_t kFirstRoom = 14 * 1024;
constexpr std::size_t kMostFirstRoom = 254 * 1024;

}  // namespace

DataPhase::DataPhase(ServerSession& session)
    : session_(session),
      decoder_(session.services_.options->max_message_size),
      id_(session.services_.queue.new_id()),
      memory_(session.services_.table.memory()),
      began_(session.services_.runtime.now()) {}

Task<Reply> DataPhase::run() {
  session_.answer(Reply("354 End data with <CR><LF>.<CR><LF>"));
  if (!co_await receive()) {
    session_.closing_ = true;  // what might still come is content, never commands
    co_return Reply();
  }
  session_.observe(EventKind::data_in, {}, decoder_.size());
  // The name may still be on its way; the reply waits for it no longer than it may.
  co_await add_trace();
  if (writer_) keep_header(octets_);
  if (auto reply = fault()) co_return std::move(*reply);
  auto body = finish_body();
  if (!body) {
    trouble_ = body.error();
    co_return *fault();
  }
  body_ = std::move(*body);
  if (auto reply = co_await judge()) co_return std::move(*reply);
  co_return co_await commit();
}

/// Take content in until the final dot; false when the session ended first: nothing is kept then
/// (RFC 5321 section 4.1.1.10).
Task<bool> DataPhase::receive() {
  const std::uint64_t announced = session_.transaction_->parameters_.size;
  make_room(announced > 0 ? std::min<std::uint64_t>(announced, kMostFirstRoom) : kFirstRoom);
  if (!session_.facts().is_owned(kClientName) || session_.facts().peek(kClientName))
    co_await add_trace();
  while (true) {
    const bool has_room = make_room(session_.input_.buffered().size());
    const std::size_t consumed = decoder_.feed(session_.input_.buffered(), octets_);
    session_.input_.consume(consumed);
    taken_ += consumed;
    if (!has_room)
      give_way();
    else if (octets_.size() >= session_.services_.queue.store().large_body_size())
      co_await take_in();
    if (decoder_.is_done()) co_return true;
    if (!co_await session_.flush()) co_return false;
    if (!co_await more()) co_return false;
  }
}

/// Wait for more. Who sends something now and then, but never comes to an end, must not stay.
Task<bool> DataPhase::more() {
  const Options& options = *session_.services_.options;
  if (options.min_data_rate == 0) return session_.fill(options.data_timeout);
  const auto needed = std::chrono::seconds(taken_ / options.min_data_rate);
  const TimePoint deadline = began_ + options.data_timeout + needed;
  const auto left = std::chrono::ceil<Duration>(deadline - session_.services_.runtime.now());
  if (left >= options.data_timeout) return session_.fill(options.data_timeout);
  return session_.fill(left, "The message comes too slowly");
}

/// Room for `more` octets of content; false: there is too much in memory already.
bool DataPhase::make_room(std::size_t more) {
  const std::size_t need = octets_.size() + more + (traced_ ? 0 : kTraceRoom);
  if (need <= octets_.capacity()) return true;
  const std::size_t room = std::max(need, 2 * octets_.capacity());
  if (!charge(room)) return false;
  octets_.reserve(room);
  return true;
}

/// Have so much of the budget, and what a large header takes.
bool DataPhase::charge(std::size_t octets) {
  return memory_.resize(octets + (header_.capacity() > kOwnHeader ? header_.capacity() : 0));
}

/// The message is large: from here its octets go to a file of the store.
Task<void> DataPhase::take_in() {
  co_await add_trace();
  spill();
}

/// Messages that come in have taken all the memory they may: what has come of this one goes to its
/// file now, and nothing waits for the client's name.
void DataPhase::give_way() {
  put_trace();
  spill();
  free_octets();
}

void DataPhase::free_octets() {
  std::string().swap(octets_);
  (void)charge(0);
}

void DataPhase::spill() {
  if (trouble_ || decoder_.too_large()) return octets_.clear();
  const bool first = !writer_;
  if (first) {
    auto writer = session_.services_.queue.store().new_body(id_);
    if (!writer) {
      trouble_ = writer.error();
      return octets_.clear();
    }
    writer_ = std::move(*writer);
  }
  keep_header(std::string_view(octets_).substr(first ? trace_size_ : 0));
  if (trouble_) return octets_.clear();
  if (auto appended = writer_->append(octets_); !appended) trouble_ = appended.error();
  octets_.clear();
}

/// The header block of a spilled message stays in memory, for the limits and for the hooks; of one
/// that is too large only so much that it can be told.
void DataPhase::keep_header(std::string_view content) {
  if (header_ended_) return;
  header_ += content;
  const auto size = smtp::header_size(header_, false);
  if (size) header_.resize(*size);
  header_ended_ = size || header_.size() > session_.services_.options->max_header_size;
  if (header_ended_) header_.shrink_to_fit();
  if (header_.size() <= kOwnHeader || charge(octets_.capacity())) return;
  trouble_ = store::Error{store::Errc::no_space, "smtp.memory is used up: no room for the header"};
  std::string().swap(header_);
}

/// Our Received field, on top (RFC 5321 section 4.4). Waits for the client's name at most until the
/// session's name deadline.
Task<void> DataPhase::add_trace() {
  if (traced_) co_return;
  const Duration left = std::chrono::duration_cast<Duration>(session_.name_deadline() -
                                                             session_.services_.runtime.now());
  if (session_.facts().is_owned(kClientName) && !session_.facts().peek(kClientName) && left > 0ms) {
    const bool known = co_await within(session_.services_.runtime, left, wait_for_name(session_));
    (void)known;  // either way the field says what is known now
  }
  put_trace();
}

void DataPhase::put_trace() {
  if (std::exchange(traced_, true)) return;
  const std::string field = trace();
  trace_size_ = field.size();
  octets_.insert(0, field);
}

Task<void> DataPhase::wait_for_name(ServerSession& session) {
  co_await session.facts().get(kClientName);
}

std::string DataPhase::trace() const {
  const Transaction& transaction = *session_.transaction_;
  const ClientName* name = session_.facts().peek(kClientName);
  smtp::TraceInfo info{.helo = session_.helo(),
                       .client_name = {},
                       .client = session_.client().address,
                       .by = session_.services_.options->hostname,
                       .protocol = session_.protocol(),
                       .tls = session_.is_tls(),
                       .authenticated = !session_.user().empty(),
                       .smtputf8 = transaction.parameters().smtputf8,
                       .id = queue::Queue::id_text(id_),
                       .recipient = {},
                       .at = session_.services_.runtime.wall_now()};
  if (session_.facts().is_owned(kClientName)) info.client_name = name ? name->name : std::string();
  if (transaction.recipients().size() == 1) info.recipient = transaction.recipients()[0].path;
  return smtp::received(info);
}

/// What is wrong with the message as such. Said after its true end, never in the middle, or the
/// rest of it would run as commands (SMTP smuggling).
std::optional<Reply> DataPhase::fault() const {
  const Options& options = *session_.services_.options;
  if (decoder_.too_large())
    return Reply(552, {5, 3, 4},
                 fmt::format("A message may have {} octets", options.max_message_size));
  if (decoder_.bare_cr() || decoder_.bare_lf())
    return Reply("550 5.5.2 A line ends with CRLF; bare CR or LF is refused");
  if (decoder_.nul()) return Reply("550 5.6.0 A message holds no NUL");
  if (decoder_.longest_line() > options.max_data_line)
    return Reply(550, {5, 6, 0}, fmt::format("A line may have {} octets", options.max_data_line));
  if (trouble_) {
    if (trouble_->code == store::Errc::no_space)
      return Reply("452 4.3.1 Insufficient storage, try again later");
    if (trouble_->code == store::Errc::closing) return Reply("421 4.3.2 Shutting down");
    return Reply("451 4.3.0 Local error, try again later");
  }
  const std::string_view content = std::string_view(octets_).substr(writer_ ? 0 : trace_size_);
  const std::string_view header =
      writer_ ? std::string_view(header_) : content.substr(0, *smtp::header_size(content));
  if (header.size() > options.max_header_size)
    return Reply(552, {5, 3, 4},
                 fmt::format("A header may have {} octets", options.max_header_size));
  if (smtp::count_received(header) >= options.max_received)
    return Reply("554 5.4.6 Too many Received fields: this mail loops");
  return std::nullopt;
}

store::Result<store::BodyPtr> DataPhase::finish_body() {
  if (!writer_) return store::make_memory_body(std::move(octets_));
  if (auto appended = writer_->append(octets_); !appended) return std::unexpected(appended.error());
  free_octets();
  return writer_->finish();
}

/// The message hooks; a reply if they refuse.
Task<std::optional<Reply>> DataPhase::judge() {
  if (!session_.services_.chains->has_message_hooks()) co_return std::nullopt;
  IncomingMessage message(queue::Queue::id_text(id_), *body_, trace_size_, header(),
                          *session_.transaction_);
  const Verdict verdict =
      co_await session_.services_.chains->message(session_, *session_.transaction_, message);
  if (verdict.is_refusal()) co_return session_.refusal(verdict, "message");
  held_ = verdict.action() == Verdict::Action::hold;
  discarded_ =
      verdict.action() == Verdict::Action::discard || session_.transaction_->recipients_.empty();
  if (message.is_edited() && !discarded_) {
    auto edited = rewrite(message.edited_header());
    if (!edited) {
      trouble_ = edited.error();
      co_return fault();
    }
    body_ = std::move(*edited);
  }
  co_return std::nullopt;
}

/// The same message under an edited header block.
store::Result<store::BodyPtr> DataPhase::rewrite(const std::string& edited) {
  const std::size_t skip = trace_size_ + header().size();
  std::string start(trace_size_, '\0');
  if (auto read = body_->read(0, start.data(), start.size()); !read)
    return std::unexpected(read.error());
  start += edited;
  if (!body_->memory().empty() && charge(start.size() + body_->size() - skip)) {
    start.reserve(start.size() + body_->size() - skip);
    start += body_->memory().substr(skip);
    return store::make_memory_body(std::move(start));
  }
  // Under another id: the file with ours is the one being read. The store links it into place.
  queue::Queue& queue = session_.services_.queue;
  auto writer = queue.store().new_body(queue.new_id());
  if (!writer) return std::unexpected(writer.error());
  auto appended = (*writer)->append(start);
  std::string chunk(256 * 1024, '\0');
  for (std::uint64_t at = skip; appended && at < body_->size();) {
    const auto read = body_->read(at, chunk.data(), chunk.size());
    if (!read) return std::unexpected(read.error());
    if (*read == 0) return std::unexpected(store::Error{store::Errc::io, "the body ended early"});
    appended = (*writer)->append(std::string_view(chunk).substr(0, *read));
    at += *read;
  }
  if (!appended) return std::unexpected(appended.error());
  header_ = edited;
  return (*writer)->finish();
}

/// The header block of the body, without our trace field.
std::string_view DataPhase::header() const {
  if (body_->memory().empty()) return header_;
  const std::string_view content = body_->memory().substr(trace_size_);
  return content.substr(0, *smtp::header_size(content));
}

/// Many clients say SMTPUTF8 for every message; only the header tells whether the next hop needs
/// it.
bool DataPhase::has_utf8_header() const {
  return std::ranges::any_of(header(), [](char c) { return (c & 0x80) != 0; });
}

Task<Reply> DataPhase::commit() {
  const std::string id = queue::Queue::id_text(id_);
  if (discarded_) {
    session_.services_.log.write(LogLevel::info, "discarded",
                                 {{"session", session_.id()}, {"message", id}});
    co_return Reply(250, {2, 0, 0}, "Accepted as " + id);
  }
  Transaction& transaction = *session_.transaction_;
  const bool utf8_header = transaction.parameters_.smtputf8 && has_utf8_header();
  std::string().swap(header_);
  if (body_->memory().empty()) free_octets();
  queue::Submission submission{
      .id = id_,
      .reverse_path = std::move(transaction.reverse_path_),
      .parameters = std::move(transaction.parameters_),
      .recipients = transaction.recipients_,
      .body = std::move(body_),
      .facts = {.eight_bit = decoder_.eight_bit(), .leading_dot = decoder_.has_dot_lines()},
      .hold = held_,
      .session = session_.id(),
      .memory = std::move(memory_)};
  submission.facts.utf8_header = utf8_header;
  const auto committed = co_await session_.services_.queue.submit(std::move(submission));
  if (!committed) {
    trouble_ = committed.error();
    session_.services_.log.write(LogLevel::error, "message not accepted",
                                 {{"session", session_.id()}, {"reason", trouble_->detail}});
    co_return *fault();
  }
  ++session_.messages_;
  session_.services_.table.count_message();
  session_.observe(EventKind::accepted, id);
  co_return Reply(250, {2, 0, 0}, "Accepted as " + id);
}

}  // namespace postrider::receive
