// SPDX-License-Identifier: BSD-3-Clause
// Versions of the policy: seen before they are changed, confirmed, brought back.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include <ctime>

#include "controlplane/state/running_policy.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

using Outcome = ChangeResult::Outcome;

Intent within(int64_t seconds) {
  Intent intent;
  intent.author = "somebody";
  intent.confirm_within_s = seconds;
  return intent;
}

Intent expecting(int64_t version) {
  Intent intent;
  intent.expected = version;
  return intent;
}

struct HistoryTest : testing::Test {
  TemporaryFolder folder;
  std::string config = folder.write("dam.yaml", kSamplePolicy);
  PolicyStore store{folder.file("policy.db")};
  std::vector<std::shared_ptr<const Policy>> sent;
  Delivery::Outcome dataplane_says = Delivery::Outcome::applied;
  RunningPolicy::Deliver deliver = [this](auto policy) {
    sent.push_back(policy);
    Delivery delivery;
    delivery.outcome = dataplane_says;
    return delivery;
  };
  std::unique_ptr<RunningPolicy> running = make();
  const std::string other = sample_with("burst=100", "burst=7");

  std::unique_ptr<RunningPolicy> make() {
    return std::make_unique<RunningPolicy>(config, store, deliver);
  }
  void SetUp() override { ASSERT_EQ(running->begin().outcome, Outcome::applied); }
  void restart() {
    running.reset();
    running = make();
    ASSERT_TRUE(running->begin().in_force());
  }
  std::string text() const { return running->current()->version.text; }
};

TEST_F(HistoryTest, what_was_applied_outlives_a_restart_and_the_file_too) {
  EXPECT_EQ(running->apply(other, "", within(0)).version, 2);
  running->change_zone("light", {{"light", "mode", "shadow"}}, {});
  restart();
  EXPECT_EQ(text(), other);
  EXPECT_EQ(running->current()->version.number, 3);
  EXPECT_EQ(running->current()->policy->zones[0].value.mode, Mode::shadow);
  EXPECT_EQ(sent.back()->zones[0].value.mode, Mode::shadow);
}

TEST_F(HistoryTest, a_file_that_was_changed_since_counts_at_a_restart) {
  running->apply(other, "", within(0));
  folder.write("dam.yaml", sample_with("burst=100", "burst=8"));
  restart();
  EXPECT_EQ(text(), sample_with("burst=100", "burst=8"));
  EXPECT_EQ(running->current()->version.author, config);
}

TEST_F(HistoryTest, a_file_that_became_bad_does_not_keep_the_dam_from_its_policy) {
  running->apply(other, "", within(0));
  folder.write("dam.yaml", "no policy at all");
  running.reset();
  running = make();
  const ChangeResult result = running->begin();
  EXPECT_TRUE(result.in_force());
  EXPECT_FALSE(result.problems.empty());
  EXPECT_EQ(text(), other);
}

TEST_F(HistoryTest, a_change_that_was_meant_for_another_version_is_refused) {
  EXPECT_EQ(running->apply(other, "", expecting(1)).outcome, Outcome::applied);
  const ChangeResult late = running->apply(kSamplePolicy, "", expecting(1));
  EXPECT_EQ(late.outcome, Outcome::outdated);
  EXPECT_EQ(late.problems.at(0).hint, "look at what it changed: damctl diff 1 2");
  EXPECT_EQ(text(), other);
}

TEST_F(HistoryTest, without_a_confirmation_the_one_before_comes_back) {
  EXPECT_EQ(running->apply(other, "", within(1)).outcome, Outcome::applied);
  EXPECT_EQ(running->change_zone("light", {{"light", "mode", "shadow"}}, {}).outcome,
            Outcome::unconfirmed);
  EXPECT_TRUE(eventually([&] { return running->current()->version.number == 3; }));
  EXPECT_EQ(text(), kSamplePolicy);
  EXPECT_EQ(running->current()->version.author, "dam");
  EXPECT_EQ(running->current()->version.comment, "version 2 was not confirmed: as version 1 again");
}

TEST_F(HistoryTest, a_confirmed_version_stays) {
  running->apply(other, "", within(1));
  EXPECT_EQ(running->confirm({}).outcome, Outcome::applied);
  EXPECT_EQ(running->confirm({}).outcome, Outcome::outdated);
  std::this_thread::sleep_for(std::chrono::milliseconds(1300));
  EXPECT_EQ(running->current()->version.number, 2);
  EXPECT_EQ(running->change_zone("light", {{"light", "mode", "shadow"}}, {}).outcome,
            Outcome::applied);
}

TEST_F(HistoryTest, the_time_to_confirm_goes_on_across_a_restart) {
  running->apply(other, "", within(2));
  restart();
  EXPECT_EQ(text(), other);
  EXPECT_TRUE(eventually([&] { return text() == kSamplePolicy; }));
}

// As after a jump of the machine's clock by two hours back.
TEST(History, the_time_to_confirm_is_no_longer_than_was_asked_for_when_the_clock_jumps) {
  const TemporaryFolder folder;
  const std::string config = folder.write("dam.yaml", kSamplePolicy),
                    file = folder.file("policy.db");
  const auto deliver = [](auto) {
    Delivery delivery;
    delivery.outcome = Delivery::Outcome::applied;
    return delivery;
  };
  const std::string other = sample_with("burst=100", "burst=7");
  {
    PolicyStore store(file);
    RunningPolicy running(config, store, deliver);
    running.begin();
    ASSERT_EQ(running.apply(other, "", within(1)).outcome, Outcome::applied);
  }
  SQLite::Database(file, SQLite::OPEN_READWRITE)
      .exec("UPDATE unconfirmed SET deadline_unix = deadline_unix + 7200");
  PolicyStore store(file);
  RunningPolicy running(config, store, deliver);
  ASSERT_TRUE(running.begin().in_force());
  EXPECT_EQ(running.current()->version.text, other);
  EXPECT_TRUE(eventually([&] { return running.current()->version.text == kSamplePolicy; }));
}

TEST_F(HistoryTest, any_version_comes_back_as_a_new_one) {
  running->change_zone("light", {{"light", "mode", "shadow"}}, {});
  running->apply(other, "", {});
  const ChangeResult back = running->roll_back(2, within(0));
  EXPECT_EQ(back.outcome, Outcome::applied);
  EXPECT_EQ(back.version, 4);
  EXPECT_NE(back.diff.find("+    mode: shadow"), std::string::npos) << back.diff;
  EXPECT_EQ(sent.back()->zones[0].value.mode, Mode::shadow);
  EXPECT_EQ(running->roll_back(9, {}).outcome, Outcome::unknown_version);
}

TEST_F(HistoryTest, who_cannot_reach_the_dam_any_more_rolls_back_at_once) {
  running->apply(other, "", within(60));
  EXPECT_EQ(running->roll_back(1, {}).outcome, Outcome::applied);
  EXPECT_FALSE(running->current()->unconfirmed);
  EXPECT_EQ(text(), kSamplePolicy);
}

struct OperatorTest : HistoryTest {
  const Intent own = of("somebody"), another = of("somebody else");
  static Intent of(const char* name) {
    Intent intent = Intent::of(name);
    intent.own_alone = true;
    return intent;
  }
  void change_zone() {
    ASSERT_TRUE(
        running->change_zone("light", {{"light", "mode", "shadow"}}, within(60)).in_force());
  }
  bool in_shadow() const { return sent.back()->zones[0].value.mode == Mode::shadow; }
  void expect_out_of_reach() {
    const int64_t number = running->current()->version.number;
    for (const bool after_restart : {false, true}) {
      if (after_restart) restart();
      EXPECT_EQ(running->roll_back(number - 1, own).outcome, Outcome::not_theirs) << after_restart;
      EXPECT_EQ(running->confirm(own).outcome, Outcome::not_theirs) << after_restart;
      EXPECT_EQ(running->current()->version.number, number);
    }
  }
};

TEST_F(OperatorTest, ends_a_change_of_their_own_that_waits_and_nothing_else) {
  change_zone();
  EXPECT_EQ(running->roll_back(1, another).outcome, Outcome::not_theirs);
  EXPECT_EQ(running->confirm(another).outcome, Outcome::not_theirs);
  EXPECT_EQ(running->roll_back(2, own).outcome, Outcome::not_theirs) << "only what waits";
  EXPECT_TRUE(in_shadow());
  EXPECT_EQ(running->roll_back(1, own).outcome, Outcome::applied);
  EXPECT_FALSE(in_shadow());
  EXPECT_EQ(running->roll_back(2, own).outcome, Outcome::not_theirs) << "nothing waits any more";
  EXPECT_EQ(running->confirm(own).outcome, Outcome::outdated);
  change_zone();
  EXPECT_EQ(running->confirm(own).outcome, Outcome::applied);
  EXPECT_TRUE(in_shadow());
}

TEST_F(OperatorTest, ends_it_after_a_restart_too) {
  change_zone();
  restart();
  EXPECT_EQ(running->roll_back(1, own).outcome, Outcome::applied);
  EXPECT_FALSE(in_shadow());
}

// An admin's certificate may have the same name as an operator's token.
TEST_F(OperatorTest, does_not_end_what_a_namesake_applied_whole) {
  running->apply(other, "", within(60));
  expect_out_of_reach();
}

TEST_F(OperatorTest, does_not_end_the_same_text_that_a_namesake_applied_again) {
  running->apply(kSamplePolicy, "", within(60));
  expect_out_of_reach();
}

TEST_F(OperatorTest, does_not_end_a_namesakes_way_back_to_another_version) {
  ASSERT_TRUE(running->change_zone("light", {{"light", "mode", "shadow"}}, {}).in_force());
  running->roll_back(1, within(60));
  expect_out_of_reach();
}

TEST_F(OperatorTest, does_not_end_a_namesakes_change_of_a_route) {
  running->remove_entry(Section::routes, "post", within(60));
  expect_out_of_reach();
}

TEST_F(HistoryTest, what_the_dataplane_refuses_is_no_version) {
  dataplane_says = Delivery::Outcome::refused;
  EXPECT_EQ(running->apply(other, "", {}).outcome, Outcome::refused);
  EXPECT_EQ(store.newest()->number, 1);
  EXPECT_EQ(text(), kSamplePolicy);
}

// Whose list locked him out gets his way in back, though the list's file still has him.
TEST_F(HistoryTest, what_comes_back_has_the_lists_that_it_had) {
  folder.write("list.txt", "192.0.2.1\n");
  const std::string listing = std::string(kSamplePolicy) + "deny: [{file: list.txt}]\n";
  ASSERT_EQ(running->apply(listing, "", {}).outcome, Outcome::applied);
  folder.write("list.txt", "192.0.2.1\n198.51.100.0/24\n");
  ASSERT_EQ(running->apply(listing, "", within(1)).outcome, Outcome::applied);
  EXPECT_EQ(sent.back()->deny.size(), 2u);
  EXPECT_TRUE(eventually([&] { return !running->current()->unconfirmed; }));
  EXPECT_EQ(sent.back()->deny.size(), 1u);
}

TEST_F(HistoryTest, what_cannot_come_back_at_once_comes_back_later) {
  ASSERT_EQ(running->apply(other, "", within(1)).outcome, Outcome::applied);
  dataplane_says = Delivery::Outcome::refused;
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_EQ(text(), other);
  dataplane_says = Delivery::Outcome::applied;
  std::this_thread::sleep_for(std::chrono::milliseconds(5500));
  EXPECT_EQ(text(), kSamplePolicy);
}

TEST_F(HistoryTest, an_undone_version_is_nothing_to_come_back_to) {
  running->apply(other, "", within(60));
  EXPECT_EQ(running->roll_back(1, within(60)).outcome, Outcome::applied);
  EXPECT_EQ(running->current()->unconfirmed->before, 1);
  EXPECT_EQ(running->roll_back(1, expecting(2)).outcome, Outcome::outdated);
}

TEST_F(HistoryTest, a_kept_policy_that_fits_no_more_gives_way_to_the_file) {
  const auto elsewhere = folder.file("elsewhere");
  std::filesystem::create_directory(elsewhere);
  folder.write("elsewhere/list.txt", "192.0.2.1\n");
  ASSERT_EQ(running->apply(std::string(kSamplePolicy) + "deny: [{file: list.txt}]\n", elsewhere, {})
                .outcome,
            Outcome::applied);
  std::filesystem::remove_all(elsewhere);
  running.reset();
  running = make();
  const ChangeResult result = running->begin();
  EXPECT_TRUE(result.in_force());
  EXPECT_FALSE(result.problems.empty());
  EXPECT_EQ(text(), kSamplePolicy);
}

TEST_F(HistoryTest, a_dry_run_shows_the_difference_and_keeps_nothing) {
  Intent dry;
  dry.dry_run = true;
  const ChangeResult result = running->apply(other, "", dry);
  EXPECT_EQ(result.outcome, Outcome::valid);
  EXPECT_NE(result.diff.find("burst=7"), std::string::npos);
  EXPECT_EQ(store.newest()->number, 1);
}

}  // namespace
}  // namespace dam::control
