// SPDX-License-Identifier: MIT
#include "advice.hpp"

#include <algorithm>
#include <array>

namespace postrider::ndr {
namespace {

constexpr std::uint16_t kAny = 999;
struct Entry {
  std::uint16_t subject;
  std::uint16_t detail;
  Advice advice;
};

constexpr std::string_view kCheckAddress =
    "Check the address for typing mistakes. If it is right, ask the recipient in another way for "
    "the address in use now.";
constexpr std::string_view kCheckDomain =
    "Check the part of the address after the @ sign for typing mistakes.";
constexpr std::string_view kLater =
    "Send the message again later. If it fails again, reach the recipient in another way.";
constexpr std::string_view kTheirPostmaster =
    "Tell the recipient in another way: only the operator of the mail system there can change "
    "this. This report helps to find the cause.";
constexpr std::string_view kOurPostmaster =
    "Forward this report to the postmaster of your own mail system.";
constexpr std::string_view kSmaller =
    "Send less at once, or put large files in a place from where the recipient can fetch them.";
constexpr std::string_view kPolicy =
    "If the answer above names a reason or a web page, follow it. Otherwise tell the recipient in "
    "another way, who can ask the operator there to let your mail in.";
constexpr std::string_view kPlainAddress =
    "Use an address without international characters, if the recipient has one.";

// Exact codes first, then one for each subject.
constexpr std::array kTable{
    Entry{1, 1, {"There is no mailbox of this name at that domain.", kCheckAddress}},
    Entry{1, 2, {"The domain of this address does not exist or takes no mail.", kCheckDomain}},
    Entry{1,
          3,
          {"The address is not written in a way that the mail system there understands.",
           kCheckAddress}},
    Entry{1, 4, {"The address means more than one mailbox there.", kCheckAddress}},
    Entry{1, 6, {"The recipient has moved and left no new address.", kCheckAddress}},
    Entry{1,
          7,
          {"The mail system there did not accept your own address as the sender.", kOurPostmaster}},
    Entry{1,
          8,
          {"The mail system there did not accept your own address as the sender.", kOurPostmaster}},
    Entry{1, 10, {"The domain of this address says that it never takes mail.", kCheckDomain}},
    Entry{1, kAny, {"Something is wrong with the address.", kCheckAddress}},
    Entry{2, 1, {"The mailbox is closed and takes no messages.", kCheckAddress}},
    Entry{2, 2, {"The mailbox is full.", kLater}},
    Entry{2, 3, {"The message is larger than the recipient may receive.", kSmaller}},
    Entry{2, 4, {"The mailing list behind this address does not work.", kTheirPostmaster}},
    Entry{2, kAny, {"Something is wrong with the recipient's mailbox.", kLater}},
    Entry{3, 1, {"The mail system there has no room left.", kLater}},
    Entry{3, 2, {"The mail system there takes no messages at present.", kLater}},
    Entry{3, 4, {"The message is larger than the mail system there accepts.", kSmaller}},
    Entry{3, 5, {"The mail system there is not set up for this address.", kTheirPostmaster}},
    Entry{3, kAny, {"The mail system there has a problem of its own.", kLater}},
    Entry{4, 1, {"The mail system there did not answer.", kLater}},
    Entry{4, 2, {"The connection to the mail system there broke again and again.", kLater}},
    Entry{4, 3, {"The domain name system gave no answer about this domain.", kLater}},
    Entry{4, 4, {"No way to the mail system of this domain could be found.", kCheckDomain}},
    Entry{4, 5, {"The mail system there has too much to do.", kLater}},
    Entry{4,
          6,
          {"The message went in a circle: the way to this address leads back to where it came "
           "from.",
           kOurPostmaster}},
    Entry{4, 7, {"The message could not be delivered in the time that is allowed for it.", kLater}},
    Entry{4, kAny, {"The way to the mail system there is disturbed.", kLater}},
    Entry{5,
          3,
          {"The message has more recipients than the mail system there accepts.",
           "Send the message to fewer recipients at once."}},
    Entry{5, kAny, {"The two mail systems did not understand each other.", kOurPostmaster}},
    Entry{6,
          3,
          {"The message has a form that the mail system there cannot take.",
           "Send it as plain text, or put the content into an attachment."}},
    Entry{6,
          7,
          {"The mail system there does not take addresses with international characters.",
           kPlainAddress}},
    Entry{6,
          9,
          {"The mail system there does not take international characters in the header.",
           "Send the message with a subject and names in plain ASCII letters."}},
    Entry{6,
          kAny,
          {"The mail system there does not take the content of this message.",
           "Send the message in a simpler form, for example as plain text."}},
    Entry{
        7, 1, {"The mail system there does not want this message: its rules forbid it.", kPolicy}},
    Entry{7, 8, {"Your mail system had to prove who it is and could not.", kOurPostmaster}},
    Entry{7,
          23,
          {"The mail system there found that your domain does not allow this way of sending "
           "(SPF).",
           kOurPostmaster}},
    Entry{7, 25, {"The mail system there could not confirm the name of ours.", kOurPostmaster}},
    Entry{7,
          26,
          {"The mail system there could not confirm that this message comes from your "
           "domain.",
           kOurPostmaster}},
    Entry{
        7,
        kAny,
        {"The mail system there refused the message for reasons of security or policy.", kPolicy}},
};

}  // namespace

Advice advice_for(EnhancedStatus status) noexcept {
  const auto with = [&](std::uint16_t detail) {
    return std::ranges::find_if(kTable, [&](const Entry& entry) {
      return entry.subject == status.subject && entry.detail == detail;
    });
  };
  auto found = with(status.detail);
  if (found == kTable.end()) found = with(kAny);
  if (found != kTable.end()) return found->advice;
  return {"The mail system gave no reason that has a name.", kTheirPostmaster};
}

}  // namespace postrider::ndr
