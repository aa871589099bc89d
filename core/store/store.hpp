// SPDX-License-Identifier: MIT
// The durable queue store: the promise behind every "250". Each commit is one atomic step: all of
// its operations survive a crash, or none. Envelopes and states are opaque text to the store.
// Nothing above this interface assumes that it alone owns a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postrider::store {

/// Identifies a message for ever: 44 bits of milliseconds since 1970, then a counter. Never reused.
using MessageId = std::uint64_t;

/// An id as people and the log see it: 13 characters of base 32, ascending like the ids.
std::string id_text(MessageId id);
/// Either case; nothing if it is no such text.
std::optional<MessageId> parse_id(std::string_view text);

enum class Errc : std::uint8_t {
  no_space,   ///< disk full, quota, or the reserve would be touched: reply 452 4.3.1
  not_found,  ///< no such message
  corrupt,    ///< the record is damaged; it was set aside
  io,         ///< a write, read or flush failed: reply 451 4.3.0
  closing,    ///< the store is shutting down: reply 421 4.3.2
};

struct Error {
  Errc code;
  std::string detail;  ///< for the log: which call on which file, and errno's text
};

template <class T>
using Result = std::expected<T, Error>;

/// What was read of a body from its first octet on: how many, and their CRC-32C.
struct BodySum {
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
  void add(std::string_view octets) noexcept;
};

/// The octets of a message as they were accepted: CRLF lines, dot-unstuffed, trace fields included.
/// Either in memory (small) or in a file of the store (large). Shared and immutable.
class Body {
 public:
  virtual ~Body() = default;
  virtual std::uint64_t size() const noexcept = 0;
  /// The whole body if it is in memory, else an empty view. Any thread.
  virtual std::string_view memory() const noexcept = 0;
  /// Read up to `length` octets at `offset` into `target`; returns how many. Blocks on the disk for
  /// a large body: callers on a loop ask for at most 256 KiB at a time. Any thread.
  virtual Result<std::size_t> read(std::uint64_t offset, char* target,
                                   std::size_t length) const = 0;
  /// For the reader of a whole body, before relying on it: is it what was accepted? Errc::corrupt
  /// if not; then the message was copied to corrupt/. One in memory was checked when it was read.
  virtual Result<void> confirm(const BodySum& read) const;
};
using BodyPtr = std::shared_ptr<const Body>;

/// A body that lives in memory.
BodyPtr make_memory_body(std::string octets);

/// Takes a large body in while it arrives. Destroyed without finish(): discarded.
/// One loop uses one writer; writes go to the page cache and are flushed by finish().
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  virtual Result<void> append(std::string_view octets) = 0;
  /// The finished body, flushed only by the commit that adds it.
  virtual Result<BodyPtr> finish() = 0;
};

struct Add {
  MessageId id = 0;
  std::string envelope;  ///< immutable text, one line
  std::string state;     ///< replaceable text, one line
  BodyPtr body;
};
struct Update {
  MessageId id = 0;
  std::string state;  ///< replaces the former state
};
struct Remove {
  MessageId id = 0;
};
/// All or nothing: a report and its cause, or the split of a message, are one step.
struct Transaction {
  std::vector<Add> add;
  std::vector<Update> update;
  std::vector<Remove> remove;
};

enum class Durability : std::uint8_t {
  sync,  ///< with the next flush
  lazy,  ///< may wait up to 20 ms for company; `done` still means "on disk"
};

/// Called exactly once per commit on the store's own thread, never inside commit(). Must be quick:
/// post to the loop that waits.
using Done = std::move_only_function<void(Result<void>)>;

/// One message as recovery or load() finds it.
struct Stored {
  MessageId id = 0;
  std::string envelope;
  std::string state;
  std::uint64_t body_size = 0;
};

/// A piece of damage in the folder corrupt/.
struct SetAside {
  std::string name;  ///< of the file; begins with the message's id if that is known
  std::string why;   ///< one line; empty if nobody said
};

struct Recovered {
  std::uint64_t messages = 0;
  std::uint64_t torn = 0;          ///< unfinished records at the end of the log: never acknowledged
  std::uint64_t damaged = 0;       ///< records set aside in corrupt/, or lost
  std::vector<std::string> notes;  ///< one line each, for the log
  bool rebuilt = false;            ///< no checkpoint was whole: what was removed may be back
};

struct Stats {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;  ///< live octets, bodies included
  std::uint64_t commits = 0;
  std::uint64_t flushes = 0;
  std::uint64_t segments = 0;
  bool accepting = true;            ///< false after an error that forbids new mail
  std::string trouble;              ///< why not, else empty
  std::uint64_t damaged = 0;        ///< pieces found damaged since the start
  std::vector<SetAside> set_aside;  ///< what is in corrupt/, by name
};

class Store {
 public:
  virtual ~Store() = default;

  /// Calls `each` for all that was live at the opening, in order of id; commits go on. One thread.
  virtual Result<Recovered> recover(std::function<void(Stored)> each) = 0;

  /// A new id, greater than all before it. Any thread.
  virtual MessageId new_id() = 0;

  /// May a message of this size come in now? Memory only, any thread; true is no promise.
  virtual bool admits(std::uint64_t size) const noexcept = 0;

  /// Start a body that is larger than large_body_size(). Any thread.
  virtual Result<std::unique_ptr<BodyWriter>> new_body(MessageId id) = 0;
  /// Bodies of this size and above belong in a BodyWriter; below it in make_memory_body().
  virtual std::uint64_t large_body_size() const noexcept = 0;

  /// Queue one transaction for the next flush. Any thread. After close() there is no thread left:
  /// then, and only then, `done` is called at once, with Errc::closing.
  virtual void commit(Transaction transaction, Durability durability, Done done) = 0;

  /// The body of a live message; reads it from the log, so it may block briefly. Any thread.
  virtual Result<BodyPtr> body(MessageId id) const = 0;

  /// Envelope and newest state of a live message; reads them from the log, so it may block briefly.
  /// Any thread.
  virtual Result<Stored> load(MessageId id) const = 0;

  virtual Stats stats() const = 0;

  /// Flush what is queued, answer every `done`, stop the writer. Idempotent.
  virtual void close() = 0;
};

/// The memory engine: keeps every promise but the disk's. For tests.
std::unique_ptr<Store> make_memory_store();

class FileSystem;  // file.hpp

struct LogOptions {
  std::string folder;
  std::uint64_t segment_size = 64ull << 20;
  unsigned spare_segments = 4;              ///< dead segments kept for reuse
  std::uint64_t large_body = 128ull << 10;  ///< from here a body is a file of its own
  std::uint64_t minimum_free = 64ull
                               << 20;  ///< octets of disk kept free; below it admits() is false
};

/// The segmented log (docs/decisions, shared evidence: group commit, recycled segments). Takes an
/// exclusive lock on the folder; a folder locked by another process, written by a newer version or
/// unreadable is an error and stays untouched.
Result<std::unique_ptr<Store>> open_log_store(const LogOptions& options);
/// The same over another file system: the faulty twin of the tests.
Result<std::unique_ptr<Store>> open_log_store(const LogOptions& options, FileSystem& files);

}  // namespace postrider::store
