// SPDX-License-Identifier: MIT
// The messages of a spool as files that any mail program reads.
#include <filesystem>

#include <fmt/format.h>

#include "control/new_file.hpp"
#include "control/spool_command.hpp"
#include "control/spool_findings.hpp"
#include "queue/envelope_codec.hpp"

namespace postrider::control {

namespace {

constexpr std::size_t kChunk = 256 << 10;

using store::Inspected;
using store::Inspection;

Json recipient_json(const Recipient& recipient, const queue::RecipientStatus& status) {
  Json json{{"address", recipient.path.text()},
            {"state", status.gone ? "gone" : queue::state_name(status.state)},
            {"attempts", status.attempts},
            {"reason", status.last().reason}};
  if (status.state == queue::RecipientState::delayed)
    json["next_attempt"] = time_text(status.next_attempt);
  return json;
}

/// What can be read, and the stored lines as they are.
Json envelope_json(const Inspected& message) {
  Json json{{"id", store::id_text(message.id)}, {"size", message.body_size}};
  if (const auto envelope = queue::decode_envelope(message.envelope)) {
    const auto& recipients = envelope->recipients;
    const auto state = queue::decode_state(message.state, recipients.size());
    json["reverse_path"] = envelope->reverse_path.text();
    json["arrived"] = time_text(envelope->arrived);
    if (state) json["give_up_at"] = time_text(state->give_up_at);
    json["recipients"] = Json::array();
    for (std::size_t i = 0; i < recipients.size(); ++i)
      json["recipients"].push_back(state ? recipient_json(recipients[i], state->recipients[i])
                                         : Json{{"address", recipients[i].path.text()}});
  }
  json["stored"] = {{"envelope", message.envelope}, {"state", message.state}};
  return json;
}

std::string export_envelope(const Inspected& message, const std::string& path) {
  NewFile file(path);
  file.write(envelope_json(message).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  return file.close();
}

std::string export_body(const Inspection& spool, store::MessageId id, const std::string& path) {
  const auto body = spool.body(id);
  if (!body) return body.error().detail;
  NewFile file(path);
  std::string chunk(kChunk, '\0');
  for (std::uint64_t offset = 0; offset < (*body)->size();) {
    const auto count = (*body)->read(offset, chunk.data(), chunk.size());
    if (!count) return count.error().detail;
    if (*count == 0) break;  // too short: a fault that was found already
    file.write(std::string_view(chunk).substr(0, *count));
    offset += *count;
  }
  return file.close();
}

/// What there is of a message. "" or why it is not whole in the folder.
std::string export_message(const Inspection& spool, const Inspected& message,
                           const std::string& folder) {
  const std::string stem = folder + '/' + store::id_text(message.id);
  std::string fault = export_envelope(message, stem + ".json");
  return fault.empty() ? export_body(spool, message.id, stem + ".eml") : fault;
}

/// As the store writes them; the error names one that is none.
std::expected<std::vector<std::string>, std::string> parse_ids(
    const std::vector<std::string>& ids) {
  std::vector<std::string> parsed;
  for (const std::string& text : ids) {
    const auto id = store::parse_id(text);
    if (!id) return std::unexpected("\"" + text + "\" is no queue id");
    parsed.push_back(store::id_text(*id));
  }
  return parsed;
}

}  // namespace

SpoolAnswer export_spool(const SpoolWork& work) {
  auto wanted = parse_ids(work.ids);
  if (!wanted) return std::unexpected(wanted.error());
  const auto spool = Inspection::open(work.folder, Inspection::Purpose::look);
  if (!spool) return std::unexpected(spool.error().detail);
  std::error_code error;
  std::filesystem::create_directories(work.target, error);
  if (error) return std::unexpected(work.target + ": " + error.message());
  SpoolFindings findings{.faults = {}, .report = (*spool)->report()};
  (*spool)->for_each([&](const Inspected& message) {
    const std::string id = store::id_text(message.id);
    if (!work.ids.empty() && std::erase(*wanted, id) == 0) return;
    findings.add(message);
    const bool known = !findings.faults.empty() && findings.faults.back().id == id;
    std::string fault = export_message(**spool, message, work.target);
    if (!fault.empty() && !known) findings.faults.push_back({id, std::move(fault)});
  });
  for (const std::string& id : *wanted) findings.faults.push_back({id, "not in this spool"});
  return findings_answer(
      findings,
      fmt::format("{}: {}, {}", work.target, amount_text(findings.messages, findings.octets),
                  findings.is_sound() ? "all written" : "not all written, see above"));
}

}  // namespace postrider::control
