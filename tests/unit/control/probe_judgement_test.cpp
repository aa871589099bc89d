// SPDX-License-Identifier: MIT
// From phases to a sentence and an exit code: each symptom of Q258745, Q190026 and Q286375.
#include "control/probe_judgement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postrider::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PhaseFacts phase(ProbePhase which, ProbeEnd end, Duration took, std::string detail = {},
                 int code = 0) {
  return {which, end, took, std::move(detail), code};
}
PhaseFacts fine(ProbePhase which, Duration took = 2ms) {
  return phase(which, ProbeEnd::ok, took);
}

Judgement judged(std::vector<PhaseFacts> phases, Duration slow = 1s) {
  ProbeFacts facts;
  facts.target = "mx.example:25";
  facts.phases = std::move(phases);
  return judge(facts, slow);
}

TEST(ProbeJudgement, FineSaysWhenMailCouldBegin) {
  const auto judgement = judged({fine(ProbePhase::lookup), fine(ProbePhase::connect),
                                 fine(ProbePhase::banner), fine(ProbePhase::ehlo)});
  EXPECT_EQ(judgement.usability, Usability::fine);
  EXPECT_EQ(judgement.sentence, "mx.example:25 is fine: ready for mail after 8 ms");
}

TEST(ProbeJudgement, SlowBannerMeansReverseLookup) {
  const auto judgement =
      judged({fine(ProbePhase::connect), fine(ProbePhase::banner, 1s), fine(ProbePhase::ehlo)});
  EXPECT_EQ(judgement.usability, Usability::slow_or_odd);
  EXPECT_THAT(judgement.sentence, HasSubstr("usable, but banner took 1000 ms"));
  EXPECT_THAT(judgement.sentence, HasSubstr("looks up our PTR before it greets (Q258745)"));
}

TEST(ProbeJudgement, JustBelowTheThresholdIsFine) {
  EXPECT_EQ(judged({fine(ProbePhase::banner, 999ms), fine(ProbePhase::ehlo)}).usability,
            Usability::fine);
}

TEST(ProbeJudgement, EverySlowPhaseIsNamed) {
  for (const ProbePhase slow : {ProbePhase::lookup, ProbePhase::connect, ProbePhase::ehlo}) {
    const auto judgement = judged({fine(slow, 3s), fine(ProbePhase::ehlo)});
    EXPECT_EQ(judgement.usability, Usability::slow_or_odd);
    EXPECT_THAT(judgement.sentence, HasSubstr(std::string(phase_name(slow)) + " took 3000 ms"));
    EXPECT_THAT(judgement.sentence, Not(HasSubstr("PTR")));
  }
}

TEST(ProbeJudgement, TwoSlowPhasesStandInOneSentence) {
  const auto judgement = judged({fine(ProbePhase::lookup, 5s), fine(ProbePhase::banner, 6s)});
  EXPECT_THAT(judgement.sentence, HasSubstr("lookup took 5000 ms"));
  EXPECT_THAT(judgement.sentence, HasSubstr("; banner took 6000 ms"));
}

struct Symptom {
  PhaseFacts last;
  std::string says;
};

TEST(ProbeJudgement, WhatMakesAServerUnusable) {
  const Symptom symptoms[] = {
      {phase(ProbePhase::lookup, ProbeEnd::no_name, 1ms, "A x: no such name"), "has no address"},
      {phase(ProbePhase::lookup, ProbeEnd::no_dns, 4s, "timeout"), "check our name servers"},
      {phase(ProbePhase::connect, ProbeEnd::refused, 1ms), "refuses connections"},
      {phase(ProbePhase::connect, ProbeEnd::silent, 30s), "no answer to the connection in 30000"},
      {phase(ProbePhase::connect, ProbeEnd::unreachable, 1ms, "no route"), "reached: no route"},
      {phase(ProbePhase::banner, ProbeEnd::closed, 1ms),
       "before its banner, after 1 ms: probably "
       "our PTR is missing or wrong, or we are "
       "on a block list (Q190026)"},
      {phase(ProbePhase::banner, ProbeEnd::silent, 30s), "no banner in 30000 ms"},
      {phase(ProbePhase::banner, ProbeEnd::nonsense, 1ms, "HTTP"), "not speak SMTP"},
      {phase(ProbePhase::banner, ProbeEnd::rejected, 1ms, "554 5.7.1 go away", 554),
       "\"554 5.7.1 go away\": it does not want mail from our address"},
      {phase(ProbePhase::banner, ProbeEnd::rejected, 1ms, "421 too many", 421),
       "\"421 too many\": it is busy"},
      {phase(ProbePhase::ehlo, ProbeEnd::closed, 1ms), "closed the connection at EHLO"},
      {phase(ProbePhase::ehlo, ProbeEnd::silent, 30s), "no reply to EHLO in 30000 ms"},
      {phase(ProbePhase::helo, ProbeEnd::rejected, 1ms, "550 no", 550), "refuses HELO: \"550 no\""},
  };
  for (const Symptom& symptom : symptoms) {
    const auto judgement = judged({symptom.last});
    EXPECT_EQ(judgement.usability, Usability::not_usable) << judgement.sentence;
    EXPECT_THAT(judgement.sentence, HasSubstr(symptom.says));
    EXPECT_THAT(judgement.sentence, Not(HasSubstr("\n")));
  }
}

TEST(ProbeJudgement, ADeadAddressBeforeALivingOneIsOdd) {
  const auto judgement =
      judged({phase(ProbePhase::connect, ProbeEnd::refused, 1ms, "[2001:db8::1]:25"),
              fine(ProbePhase::connect), fine(ProbePhase::banner), fine(ProbePhase::ehlo)});
  EXPECT_EQ(judgement.usability, Usability::slow_or_odd);
  EXPECT_THAT(judgement.sentence, HasSubstr("[2001:db8::1]:25 did not connect: refused"));
}

TEST(ProbeJudgement, EhloRefusedAndHeloTakenIsOdd) {
  const auto judgement = judged({fine(ProbePhase::banner),
                                 phase(ProbePhase::ehlo, ProbeEnd::rejected, 1ms, "502 what", 502),
                                 fine(ProbePhase::helo)});
  EXPECT_EQ(judgement.usability, Usability::slow_or_odd);
  EXPECT_THAT(judgement.sentence, HasSubstr("EHLO was refused, \"502 what\", HELO was not"));
}

TEST(ProbeJudgement, NothingAskedIsNotUsable) {
  EXPECT_EQ(judged({}).usability, Usability::not_usable);
}

}  // namespace
}  // namespace postrider::control
