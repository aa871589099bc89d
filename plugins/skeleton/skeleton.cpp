// SPDX-License-Identifier: MIT
// A plugin to copy: it refuses the recipients that its block lists.
#include <postrider/sdk.hpp>

namespace postrider {

class Skeleton final : public Plugin, public RcptHook {
 public:
  struct Settings {
    std::vector<std::string> refuse;
    static void describe(Schema<Settings>& schema) {
      schema.field("refuse", &Settings::refuse, "Addresses that get no mail");
    }
  };

  Skeleton(Host& host, Settings settings) : host_(host), settings_(std::move(settings)) {}

  Task<Verdict> on_rcpt(Session&, Transaction&, Recipient& recipient) override {
    for (const std::string& address : settings_.refuse) {
      if (!equal_ignoring_case(address, recipient.path.text())) continue;
      host_.log().write(LogLevel::debug, "recipient refused", {{"recipient", address}});
      return reject("550 5.7.1 This address takes no mail").because("listed in refuse");
    }
    return pass();
  }

 private:
  Host& host_;
  Settings settings_;
};

}  // namespace postrider

POSTRIDER_PLUGIN(postrider::Skeleton, "skeleton", "Refuses listed recipients; copy it");
