// SPDX-License-Identifier: BSD-3-Clause
// Behaviour in a PostgreSQL with pgvector: one connection to it. Each call may take as long as its
// statements are given, and throws std::exception, in the database's words but for passwords. Times
// are this host's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "controlplane/lookalikes/behaviour_row.h"

namespace dam::control {

// What one source's windows of its last hour are together.
struct KnownBehaviour {
  Network source;
  uint64_t windows = 0;
  int64_t last_unix_s = 0;  // when its last window began
  uint64_t requests = 0, connections = 0;
  Behaviour behaviour{};  // the mean
  double distance = 0;    // to whom it was asked for
};

struct SimilarQuery {
  Network source;
  int64_t since_unix_s = 0;  // only sources that did something since
  size_t count = 20;         // at most
  double within = 1;         // distance
};

struct SimilarAnswer {
  std::vector<KnownBehaviour> of;       // who was asked for: one, or nobody is known
  std::vector<KnownBehaviour> similar;  // nearest first
  Behaviour mean{}, deviation{};        // of all sources
};

struct Purged {
  uint64_t windows = 0;  // that were deleted
  bool more = false;     // there is more to delete
};

class BehaviourDatabase {
 public:
  // libpq's keywords (host=… dbname=… user=… password=…). Connects. `patience`: of a statement.
  BehaviourDatabase(const std::string& keywords, std::chrono::seconds patience);
  ~BehaviourDatabase();
  BehaviourDatabase(const BehaviourDatabase&) = delete;
  BehaviourDatabase& operator=(const BehaviourDatabase&) = delete;

  // Makes the tables where they are not there, and anew where they are of another form or of
  // vectors that are no longer compared.
  void prepare();
  void insert(std::span<const BehaviourRow> rows);
  // One step: deletes some of what is older, and of the oldest windows beyond the most, and sources
  // without windows. However much there is, a step takes about the same time.
  static constexpr size_t kRowsOfAStep = 5'000;
  Purged purge(int64_t older_than_unix_s, uint64_t most_rows);
  // One step, too: of what lies in it, and of what it lies in. There is no more once one finds
  // none.
  Purged erase(const Network& source);
  SimilarAnswer similar(const SimilarQuery& query);

 private:
  struct Link;  // pqxx's connection is a class in one version and another name in the next
  std::unique_ptr<Link> link_;
};

}  // namespace dam::control
