// SPDX-License-Identifier: MIT
// Taking messages in: the envelope becomes text, one commit makes it durable, then, and only then,
// 250 may be sent and the owner hands the recipients to the loops of their destinations.
#include "queue/loop_queue.hpp"

#include <algorithm>

#include "queue/envelope_codec.hpp"
#include "runtime/memory_reserve.hpp"

namespace postrider::queue {

/// A submission on its way to the disk, and the session that waits for it, if it still lives.
struct LoopQueue::PendingCommit {
  std::optional<store::Result<void>> result;
  ReadyNode* waiter = nullptr;
  bool taken_back = false;  ///< the session was told that it takes too long
};

namespace {

constexpr Duration kDiskPatience = 10s;

template <class Pending>
class CommitAwaiter final : private Timer {
 public:
  CommitAwaiter(Loop& loop, Duration limit, std::shared_ptr<Pending> pending)
      : on_(loop), limit_(limit), pending_(std::move(pending)) {}
  ~CommitAwaiter() override { pending_->waiter = nullptr; }

  bool await_ready() const noexcept { return pending_->result.has_value(); }
  void await_suspend(std::coroutine_handle<> handle) noexcept {
    node_.set_handle(handle);
    pending_->waiter = &node_;
    on_.start_timer(*this, limit_);
  }
  store::Result<void> await_resume() {
    // Taken back is taken back, even if the disk answered before we got our turn.
    if (pending_->taken_back)
      return std::unexpected(
          store::Error{store::Errc::io, "the disk took longer than queue.commit_timeout"});
    return std::move(*pending_->result);
  }

 private:
  void expired() noexcept override {
    if (pending_->result) return;
    pending_->taken_back = true;
    on_.make_ready(node_);
  }
  Loop& on_;
  const Duration limit_;
  std::shared_ptr<Pending> pending_;
  ReadyNode node_;
};

template <class... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};

}  // namespace

LoopQueue::LoopQueue(QueueParts parts)
    : runtime_(parts.runtime),
      store_(parts.store),
      log_(parts.log),
      peers_(std::move(parts.peers)),
      loop_(parts.loop),
      chains_(std::move(parts.chains)),
      options_(std::move(parts.options)),
      retry_(options_.retry, options_.retry_jitter, options_.seed),
      scheduler_(options_.scheduler),
      self_(std::make_shared<LoopQueue*>(this)),
      tasks_(runtime_) {
  peers_->join(loop_, runtime::Channel<PeerMessage>(runtime_, [self = self_](PeerMessage message) {
                 if (*self) (*self)->receive(std::move(message));
               }));
}

LoopQueue::~LoopQueue() {
  *self_ = nullptr;
  tasks_.cancel_all();
  // Records keep themselves alive while they are scheduled.
  for (auto& [ticket, attempt] : attempts_) attempt.record->groups()[attempt.group].keep.reset();
  scheduler_.clear([](Scheduled& item) { static_cast<RecipientGroup&>(item).keep.reset(); });
}

Duration LoopQueue::disk_wait() const noexcept {
  if (commits_ == 0) return {};
  return std::chrono::duration_cast<Duration>(runtime_.now() - last_commit_);
}

/// While the disk does not answer, more mail would only fill the memory.
bool LoopQueue::admits(std::uint64_t size) const noexcept {
  return disk_wait() < kDiskPatience && !runtime::is_memory_short() &&
         peers_->messages().load(std::memory_order_relaxed) < options_.max_messages &&
         store_.admits(size);
}

NewMessage LoopQueue::prepare(Submission submission, plugin::Chains* chains) {
  const WallTime now = runtime_.wall_now();
  const std::vector<DestinationPtr> destinations = destinations_of(submission.recipients, chains);

  RecipientStatus status;
  if (submission.hold) {
    status.state = RecipientState::held;
    status.give_reason("held on arrival");
  }
  NewMessage message;
  message.handover.recipients.assign(submission.recipients.size(), status);
  Envelope envelope{std::move(submission.reverse_path),
                    std::move(submission.parameters),
                    std::move(submission.recipients),
                    now,
                    submission.facts,
                    std::move(submission.session)};
  message.handover.record = std::make_shared<QueuedRecord>(
      submission.id != 0 ? submission.id : store_.new_id(), std::move(envelope),
      give_up_time(now, options_.give_up), submission.body ? submission.body->size() : 0, store_);
  message.handover.record->group_by(destinations);
  message.body = std::move(submission.body);
  message.memory = std::move(submission.memory);
  return message;
}

std::vector<DestinationPtr> LoopQueue::destinations_of(const std::vector<Recipient>& recipients,
                                                       plugin::Chains* chains) {
  std::vector<DestinationPtr> destinations;
  destinations.reserve(recipients.size());
  for (const Recipient& recipient : recipients)
    destinations.push_back(names_.share(destination_of(recipient.path, chains, options_.hostname)));
  return destinations;
}

store::Add LoopQueue::to_add(const NewMessage& message) const {
  const QueuedRecord& record = *message.handover.record;
  return {record.id(), encode(record.envelope()),
          encode(MessageState{record.give_up_at(), message.handover.recipients}), message.body};
}

void LoopQueue::commit(store::Transaction transaction, store::Durability durability,
                       std::move_only_function<void(LoopQueue&, store::Result<void>)> done) {
  if (commits_++ == 0) last_commit_ = runtime_.now();
  store_.commit(std::move(transaction), durability,
                [runtime = &runtime_, self = self_,
                 done = std::move(done)](store::Result<void> result) mutable {
                  runtime->post([self = std::move(self), done = std::move(done),
                                 result = std::move(result)]() mutable {
                    if (!*self) return;
                    --(*self)->commits_;
                    (*self)->last_commit_ = (*self)->runtime_.now();
                    done(**self, std::move(result));
                  });
                });
}

Task<store::Result<void>> LoopQueue::submit(Submission submission) {
  if (submission.recipients.empty() || !submission.body)
    co_return std::unexpected(
        store::Error{store::Errc::io, "a message without recipients or without a body"});
  const plugin::ChainsPtr chains = this->chains();
  NewMessage message = prepare(std::move(submission), chains.get());
  store::Transaction transaction;
  transaction.add.push_back(to_add(message));
  auto pending = std::make_shared<PendingCommit>();
  commit(std::move(transaction), store::Durability::sync,
         [pending, message = std::move(message)](LoopQueue& queue,
                                                 store::Result<void> result) mutable {
           const bool stored = result.has_value();
           pending->result = std::move(result);
           if (pending->waiter) queue.runtime_.make_ready(*pending->waiter);
           if (!stored) return;
           if (pending->taken_back) return queue.take_back(std::move(message));
           queue.accepted(std::move(message));
         });
  CommitAwaiter<PendingCommit> durable(runtime_, options_.commit_timeout, std::move(pending));
  co_return co_await durable;
}

/// It is durable after all, but its client was told 451 and will send it again. A message of which
/// all are gone is removed, however often the disk fails.
void LoopQueue::take_back(NewMessage message) {
  log_.write(LogLevel::warning, "taken back: it was not on disk in time",
             {{"queue_id", message.handover.record->queue_id()}});
  for (RecipientStatus& status : message.handover.recipients) {
    status.state = RecipientState::failed;
    status.gone = true;
  }
  const unsigned owner = loop_of_group(message.handover.record->groups().front());
  send(owner, std::move(message.handover));
}

void LoopQueue::accepted(NewMessage message) {
  QueuedRecord& record = *message.handover.record;
  if (log_.is_on(LogLevel::info)) {
    const std::string size = std::to_string(record.size());
    const std::string count = std::to_string(record.recipients().size());
    log_.write(LogLevel::info, "accepted",
               {{"queue_id", record.queue_id()},
                {"from", record.reverse_path().text()},
                {"size", size},
                {"recipients", count},
                {"session", record.envelope().session}});
  }
  record.keep(std::move(message.body), peers_->memory());
  const unsigned owner = loop_of_group(record.groups().front());
  send(owner, std::move(message.handover));
}

unsigned LoopQueue::loop_of_group(const RecipientGroup& group) const noexcept {
  return loop_of(*group.destination, peers_->loops());
}

void LoopQueue::send(unsigned loop, PeerMessage message) {
  if (loop == loop_) return receive(std::move(message));
  peers_->send(loop, std::move(message));
}

void LoopQueue::receive(PeerMessage message) {
  std::visit(Match{[this](Handover& handover) { own(std::move(handover)); },
                   [this](Work& given) { work(std::move(given)); },
                   [this](Crossed& crossed) { look_again(crossed); },
                   [this](Withdrawal& withdrawal) { withdraw(withdrawal); },
                   [this](Expiry& expiry) { expire(expiry); },
                   [this](Recall& asked) { recall(std::move(asked)); },
                   [this](Recalled& answer) { recalled(std::move(answer)); },
                   [this](Settled& settled) { hear(std::move(settled)); },
                   [this](Adoption& adoption) {
                     found_.push_back(std::move(adoption));
                     if (found_.size() == 1) runtime_.start_timer(adopter_, 0ms);
                   }},
             message);
  pump();
}

void LoopQueue::own(Handover handover) {
  mind_calendar();  // its times are of the calendar as it is now
  peers_->messages().fetch_add(1, std::memory_order_relaxed);
  const RecordPtr record = handover.record;
  OwnedMessage& message =
      owned_.add({std::move(handover.record), Few<RecipientStatus>(handover.recipients)});
  if (message.is_done()) return save(message);
  if (scheduler_.rules() && scheduler_.rules()->have_give_up()) watch_time(message);
  remind_later(message);
  if (handover.recovered) record->let_go();
  dispatch(message);
}

void LoopQueue::dispatch(OwnedMessage& message) {
  std::vector<std::uint32_t> waiting;
  waiting.reserve(message.recipients.size());
  for (std::uint32_t i = 0; i < message.recipients.size(); ++i) {
    const RecipientState state = message.recipients[i].state;
    if (state == RecipientState::queued || state == RecipientState::delayed) waiting.push_back(i);
  }
  if (waiting.empty()) message.record->let_go();
  hand_out_everywhere(message, waiting);
}

void LoopQueue::hand_out_everywhere(OwnedMessage& message,
                                    const std::vector<std::uint32_t>& indices, bool asked) {
  // The record stays while its groups are walked, whatever the deliveries do meanwhile.
  const RecordPtr record = message.record;
  if (record->groups().size() == 1 && !indices.empty())
    return hand_out(message, record->groups().front(), indices, asked);
  std::vector<std::vector<std::uint32_t>> parts(record->groups().size());
  for (const std::uint32_t i : indices) parts[message.recipients[i].group].push_back(i);
  for (std::size_t g = 0; g < parts.size(); ++g)
    if (!parts[g].empty()) hand_out(message, record->groups()[g], parts[g], asked);
}

void LoopQueue::hand_out(OwnedMessage& message, const RecipientGroup& group,
                         const std::vector<std::uint32_t>& indices, bool asked) {
  Work given{message.record, group.number, indices, 0, std::nullopt, asked, false, group.heard};
  bool is_due = false;
  for (const std::uint32_t index : indices) {
    const RecipientStatus& status = message.recipients[index];
    given.attempts = std::max(given.attempts, status.attempts);
    given.last = given.last || status.given_up;
    is_due = is_due || status.state == RecipientState::queued;
    if (!given.due || status.next_attempt < *given.due) given.due = status.next_attempt;
  }
  if (is_due) given.due.reset();
  send(loop_of_group(group), std::move(given));
}

/// One of many, then the loop turns: clients, couriers and new mail do not wait for the rest.
void LoopQueue::adopt_piece() noexcept {
  for (store::Stored& stored : found_.front().messages) adopt(std::move(stored));
  found_.pop_front();
  peers_->adoptions().fetch_sub(1);
  peers_->adoptions().notify_one();
  pump();
  if (!found_.empty()) runtime_.start_timer(adopter_, 0ms);
}

void LoopQueue::adopt(store::Stored stored) {
  auto envelope = decode_envelope(stored.envelope);
  std::string damage = envelope ? "" : "cannot be read: " + envelope.error();
  const std::size_t count = envelope ? envelope->recipients.size() : 0;
  auto state = decode_state(stored.state, count);
  if (!state && envelope) {
    // Who knows what was delivered: the operator decides.
    const std::string error = state.error();
    state = MessageState();
    state->give_up_at = give_up_time(envelope->arrived, options_.give_up);
    RecipientStatus held;
    held.state = RecipientState::held;
    held.give_reason("cannot be read: " + error);
    state->recipients.assign(count, held);
    log_.write(LogLevel::error, "the state of a message cannot be read; held",
               {{"queue_id", id_text(stored.id)}, {"reason", held.last().reason}});
  }
  const plugin::ChainsPtr chains = this->chains();
  std::vector<DestinationPtr> destinations;
  if (envelope) destinations = destinations_of(envelope->recipients, chains.get());
  auto record = std::make_shared<QueuedRecord>(
      stored.id, envelope ? std::move(*envelope) : Envelope(),
      state ? state->give_up_at : WallTime::max(), stored.body_size, store_);
  if (state) record->set_give_up(state->give_up_at, state->give_up_ordered);
  record->group_by(destinations);
  if (damage.empty()) {
    for (RecipientStatus& status : state->recipients)
      if (status.word) status.word = words_.share(*status.word);
    const unsigned owner = loop_of_group(record->groups().front());
    return send(owner, Handover{std::move(record), std::move(state->recipients), true});
  }
  log_.write(LogLevel::error, "the envelope of a message cannot be read; held",
             {{"queue_id", id_text(stored.id)}, {"reason", damage}});
  peers_->messages().fetch_add(1, std::memory_order_relaxed);
  record->let_go();
  OwnedMessage owned{std::move(record), {}};
  owned.own_rest().damage = std::move(damage);
  owned_.add(std::move(owned));
}

}  // namespace postrider::queue
