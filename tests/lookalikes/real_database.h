// SPDX-License-Identifier: BSD-3-Clause
// The PostgreSQL that tests/lookalikes/run has started, as its administrator sees it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <pqxx/pqxx>
#include <string>

#include "controlplane/lookalikes/behaviour_store.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {

class RealDatabase {
 public:
  RealDatabase() : administrator_(place() + " user=postgres") {
    let_in(true);
    do_as_administrator(
        "drop table if exists dam.behaviour_windows, dam.behaviour_sources, dam.behaviour_total");
  }

  static std::string place() {
    const char* const socket = std::getenv("DAM_TEST_DATABASE");
    if (socket == nullptr) throw std::runtime_error("sudo tests/lookalikes/run");
    return std::string("dbname=site host=") + socket;
  }
  // As an administrator writes it, for the dam.
  std::string keywords() const { return place() + "\nuser=dam\npassword='its word'\n"; }

  void do_as_administrator(const std::string& sql) {
    pqxx::work work(administrator_);
    work.exec(sql);
    work.commit();
  }
  std::string value(const std::string& sql) {
    pqxx::work work(administrator_);
    const auto found = work.exec(sql);
    return found.empty() || found[0][0].is_null() ? "" : found[0][0].c_str();
  }
  // False: as a database that is away, connections that stand included.
  void let_in(bool open) {
    do_as_administrator(std::string("alter role dam ") + (open ? "login" : "nologin"));
    if (open) return;
    do_as_administrator(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'dam'");
  }

 private:
  pqxx::connection administrator_;
};

// Waits for a condition; false when twenty seconds have not brought it.
template <class Condition>
bool comes(Condition condition) {
  for (int tries = 0; tries < 1000; ++tries) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

// All features alike but the first `others`.
inline BehaviourRow row_of(const std::string& source, int64_t begun_unix_s, float all,
                           size_t others = 0, float other = 0) {
  BehaviourRow row;
  row.source = *parse_network(source);
  row.begun_unix_s = begun_unix_s;
  row.requests = 5;
  row.connections = 2;
  row.behaviour.fill(all);
  for (size_t i = 0; i < others; ++i) row.behaviour[i] = other;
  return row;
}

}  // namespace dam::control
