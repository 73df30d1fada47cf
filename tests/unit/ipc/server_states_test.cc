// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/server_states.h"

#include <gtest/gtest.h>

#include "dataplane/ipc/saved_state.h"
#include "tests/unit/ipc/temporary_directory.h"

#include <unistd.h>

namespace dam {
namespace {

v1::ServerState* add_state(v1::ServerStates& states, const std::string& name,
                           v1::ServerIntake intake, v1::Health health = v1::HEALTHY,
                           uint32_t weight = 0) {
  v1::ServerState* state = states.add_servers();
  state->set_name(name);
  state->set_intake(intake);
  state->set_health(health);
  state->set_weight(weight);
  return state;
}

TEST(ServerStates, whom_nobody_names_takes_new_connections_with_the_policys_weight) {
  const ServerStates states;
  EXPECT_FALSE(states.order_of("service").closed);
  EXPECT_EQ(states.order_of("service").weight, 0);
}

TEST(ServerStates, drained_disabled_and_unhealthy_ones_take_none) {
  v1::ServerStates message;
  add_state(message, "drained", v1::DRAINED);
  add_state(message, "disabled", v1::DISABLED);
  add_state(message, "sick", v1::TAKES_NEW, v1::UNHEALTHY);
  add_state(message, "heavy", v1::TAKES_NEW, v1::HEALTHY, 7);
  ServerStates states;
  EXPECT_TRUE(states.take(message).empty());
  for (const char* name : {"drained", "disabled", "sick"}) {
    EXPECT_TRUE(states.order_of(name).closed) << name;
  }
  EXPECT_FALSE(states.order_of("heavy").closed);
  EXPECT_EQ(states.order_of("heavy").weight, 7);
  EXPECT_TRUE(states.take({}).empty());
  EXPECT_FALSE(states.order_of("drained").closed) << "each message is the whole truth";
}

TEST(ServerStates, a_control_plane_without_its_file_leaves_drains_and_weights_as_they_were) {
  v1::ServerStates said, forgotten;
  add_state(said, "service", v1::DRAINED, v1::HEALTHY, 7);
  add_state(forgotten, "service", v1::INTAKE_AS_BEFORE);
  add_state(forgotten, "other", v1::INTAKE_AS_BEFORE);
  ServerStates states;
  EXPECT_TRUE(states.take(said).empty());
  EXPECT_TRUE(states.take(forgotten).empty());
  EXPECT_TRUE(states.order_of("service").closed);
  EXPECT_EQ(states.order_of("service").weight, 7);
  EXPECT_FALSE(states.order_of("other").closed);
}

TEST(ServerStates, a_control_plane_that_knows_nothing_yet_leaves_health_as_it_was) {
  v1::ServerStates sick, unknown, well;
  add_state(sick, "service", v1::TAKES_NEW, v1::UNHEALTHY);
  add_state(unknown, "service", v1::TAKES_NEW, v1::HEALTH_AS_BEFORE);
  add_state(well, "service", v1::TAKES_NEW, v1::HEALTHY);
  ServerStates states;
  EXPECT_TRUE(states.take(unknown).empty());
  EXPECT_FALSE(states.order_of("service").closed);
  EXPECT_TRUE(states.take(sick).empty());
  EXPECT_TRUE(states.take(unknown).empty());
  EXPECT_TRUE(states.order_of("service").closed);
  EXPECT_TRUE(states.take(well).empty());
  EXPECT_FALSE(states.order_of("service").closed);
}

TEST(ServerStates, what_is_wrong_changes_nothing_and_is_named) {
  v1::ServerStates good, twice, heavy, unknown, nameless;
  add_state(good, "service", v1::DRAINED);
  add_state(twice, "one", v1::TAKES_NEW);
  add_state(twice, "one", v1::DRAINED);
  add_state(heavy, "one", v1::TAKES_NEW, v1::HEALTHY, 70000);
  add_state(unknown, "one", static_cast<v1::ServerIntake>(9));
  add_state(nameless, "", v1::TAKES_NEW);
  ServerStates states;
  ASSERT_TRUE(states.take(good).empty());
  for (const v1::ServerStates& bad : {twice, heavy, unknown, nameless}) {
    const auto errors = states.take(bad);
    EXPECT_EQ(errors.size(), 1u) << bad.DebugString();
    EXPECT_TRUE(states.order_of("service").closed);
    EXPECT_FALSE(states.order_of("one").closed);
  }
  v1::ServerStates many;
  for (int i = 0; i <= DAM_MAX_SERVERS; ++i)
    add_state(many, "s" + std::to_string(i), v1::TAKES_NEW);
  EXPECT_EQ(states.take(many).size(), 1u);
}

TEST(ServerStates, a_restart_keeps_what_people_said_and_not_what_checks_found) {
  v1::ServerStates message;
  add_state(message, "drained", v1::DRAINED);
  add_state(message, "sick", v1::TAKES_NEW, v1::UNHEALTHY);
  add_state(message, "heavy", v1::TAKES_NEW, v1::UNHEALTHY, 7);
  ServerStates states;
  ASSERT_TRUE(states.take(message).empty());
  const TemporaryDirectory directory;
  const SavedState saved(directory.file("saved"));
  saved.make_folders(geteuid(), getegid());
  EXPECT_FALSE(saved.server_states().has_value());
  EXPECT_EQ(saved.save(states.lasting()), "");
  ServerStates again;
  ASSERT_TRUE(again.take(*saved.server_states()).empty());
  EXPECT_TRUE(again.order_of("drained").closed);
  EXPECT_FALSE(again.order_of("sick").closed);
  EXPECT_FALSE(again.order_of("heavy").closed);
  EXPECT_EQ(again.order_of("heavy").weight, 7);
}

TEST(ServerStates, health_that_nobody_renews_is_forgotten) {
  v1::ServerStates message;
  add_state(message, "drained", v1::DRAINED);
  add_state(message, "sick", v1::TAKES_NEW, v1::UNHEALTHY);
  ServerStates states;
  ASSERT_TRUE(states.take(message).empty());
  EXPECT_TRUE(states.forget_health());
  EXPECT_FALSE(states.order_of("sick").closed);
  EXPECT_TRUE(states.order_of("drained").closed);
  EXPECT_FALSE(states.forget_health());
}

}  // namespace
}  // namespace dam
