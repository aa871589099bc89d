// SPDX-License-Identifier: MIT
// Final delivery into Maildirs: one durable file for each recipient. Claims the recipients of the
// local domains; folder names are made of addresses, safely (mailbox_path.hpp).
#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <postrider/sdk.hpp>

#include "drop.hpp"
#include "mailbox_path.hpp"

namespace postrider {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;  // read on the loop, written by a helper

std::optional<std::string> domain_mistake(std::string_view text) {
  const auto path = Path::parse("postmaster@" + std::string(text), true);
  if (path && path->domain() == text && !text.starts_with('[')) return std::nullopt;
  return setting::quoted(text) + " is not a domain; write for example \"example.org\"";
}

/// Owned by the blocking work: it may outlive the delivery that asked for it.
struct Batch {
  std::vector<std::unique_ptr<maildir::Drop>> drops;
  maildir::LineEnds line_ends;
  std::string piece;  ///< as in the queue, CRLF

  void write_piece() {
    std::string local;
    local.reserve(piece.size());
    line_ends.append(piece, local);
    for (const auto& drop : drops) drop->write(local);
  }
  void finish() {
    std::string rest;
    line_ends.finish(rest);
    for (const auto& drop : drops) {
      drop->write(rest);
      drop->commit();
    }
  }
};

class Maildir final : public Plugin, public RouteHook, public TransportHook {
 public:
  struct Settings {
    std::string path = "/var/mail/{domain}/{local}";
    std::vector<std::string> domains;
    static void describe(Schema<Settings>& schema) {
      schema.field("path", &Settings::path, "The Maildir of an address; {domain} and {local}")
          .check(maildir::template_mistake);
      schema.field("domains", &Settings::domains, "Domains delivered here; empty: local.domains")
          .check(domain_mistake);
    }
  };

  Maildir(Host& host, Settings settings) : host_(host), settings_(std::move(settings)) {
    const auto& domains = settings_.domains.empty() ? host.local_domains() : settings_.domains;
    for (const std::string& domain : domains) domains_.push_back(lower(domain));
  }

  std::optional<Destination> destination_for(const Path& recipient) override {
    const std::string domain = domain_of(recipient);
    if (std::ranges::find(domains_, domain) == domains_.end()) return std::nullopt;
    return Destination{.transport = host_.id(), .name = domain};
  }

  Task<std::vector<Outcome>> deliver(const QueuedMessage& message,
                                     std::span<const Recipient> recipients) override {
    auto batch = std::make_shared<Batch>();
    for (const Recipient& recipient : recipients)
      batch->drops.push_back(drop_for(message, recipient));
    return deliver_batch(host_, message, std::move(batch));
  }

 private:
  /// The bare Postmaster belongs to the first domain (RFC 5321 section 4.5.1).
  std::string domain_of(const Path& recipient) const {
    const bool bare = recipient.domain().empty() && !recipient.is_null() && !domains_.empty();
    return bare ? domains_.front() : recipient.domain_key();
  }

  std::unique_ptr<maildir::Drop> drop_for(const QueuedMessage& message, const Recipient& to) const {
    const std::string mailbox = maildir::mailbox_path(
        settings_.path, maildir::bare_local_part(to.path), domain_of(to.path));
    return std::make_unique<maildir::Drop>(mailbox, maildir::unique_name(host_.hostname()),
                                           "Return-Path: " + message.reverse_path().bracketed() +
                                               "\nDelivered-To: " + to.path.text() + "\n");
  }

  static Task<std::vector<Outcome>> deliver_batch(Host& host, const QueuedMessage& message,
                                                  std::shared_ptr<Batch> batch) {
    const std::uint64_t size = message.size();
    for (std::uint64_t offset = 0; offset < size || offset == 0; offset += batch->piece.size()) {
      batch->piece = message.read(offset, kPiece);
      if (batch->piece.empty()) co_return unreadable(*batch);
      const bool first = offset == 0;
      const bool last = offset + batch->piece.size() >= size;
      co_await host.run_blocking([batch, first, last] { work(*batch, first, last); });
    }
    std::vector<Outcome> outcomes;
    for (const auto& drop : batch->drops) outcomes.push_back(outcome_of(*drop));
    co_return outcomes;
  }

  static void work(Batch& batch, bool first, bool last) {
    if (first)
      for (const auto& drop : batch.drops) drop->begin();
    batch.write_piece();
    if (last) batch.finish();
  }

  static std::vector<Outcome> unreadable(const Batch& batch) {
    Outcome outcome;
    outcome.status = {4, 3, 0};
    outcome.phase = Phase::transport;
    outcome.text = "the message cannot be read from the queue";
    return std::vector<Outcome>(batch.drops.size(), outcome);
  }

  static Outcome outcome_of(const maildir::Drop& drop) {
    Outcome outcome;
    outcome.phase = Phase::transport;
    if (drop.error() == 0) {
      outcome.action = Action::delivered;
      outcome.status = {2, 0, 0};
      outcome.text = "delivered to the mailbox";
      return outcome;
    }
    const bool full = drop.error() == ENOSPC || drop.error() == EDQUOT;
    outcome.action = Action::delayed;
    outcome.status = full ? EnhancedStatus{4, 2, 2} : EnhancedStatus{4, 3, 0};
    outcome.text = "cannot " + drop.step() + ": " + std::system_category().message(drop.error());
    return outcome;
  }

  Host& host_;
  const Settings settings_;
  std::vector<std::string> domains_;
};

}  // namespace
}  // namespace postrider

POSTRIDER_PLUGIN(postrider::Maildir, "maildir", "Delivers local mail into Maildirs");
