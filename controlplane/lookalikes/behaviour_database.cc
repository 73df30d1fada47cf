// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/behaviour_database.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "controlplane/lookalikes/behaviour_link.h"
#include "controlplane/lookalikes/behaviour_schema.h"
#include "controlplane/lookalikes/behaviour_text.h"

namespace dam::control {

namespace {

// Before what the file says, which may say otherwise. Whoever is not answered waits no longer than
// this, so that the program can end.
std::string keywords_before(std::chrono::seconds patience) {
  return "connect_timeout=3 tcp_user_timeout=5000 application_name=traffic-dam options='-c "
         "lock_timeout=5s -c client_min_messages=warning -c statement_timeout=" +
         std::to_string(patience.count()) + "s' ";
}

constexpr size_t kMostPopulation = 5'000;
constexpr int64_t kMeanOf_s = 3600;  // up to a source's last window

KnownBehaviour read_known(const pqxx::row& row) {
  KnownBehaviour known;
  const auto source = parse_network(row["source"].c_str());
  if (!source) throw std::runtime_error("a source is no network");
  known.source = *source;
  known.windows = row["windows"].as<uint64_t>();
  known.last_unix_s = row["last"].as<int64_t>();
  known.requests = row["requests"].as<uint64_t>();
  known.connections = row["connections"].as<uint64_t>();
  known.behaviour = read_vector(row["behaviour"].c_str());
  return known;
}

// Of a source as read_known() takes it.
constexpr char kKnownColumns[] =
    "source, windows, extract(epoch from last_window)::bigint as last, requests, connections, "
    "behaviour";

// pgvector's knows nothing of how many features there are.
double mean_distance(double distance) {
  return distance / std::sqrt(static_cast<double>(kFeatureCount));
}

void read_population(pqxx::work& work, SimilarAnswer& answer) {
  const auto found = work.exec(
      "select avg(behaviour) as mean, avg(behaviour * behaviour) as squares from (select behaviour "
      "from behaviour_sources order by last_window desc limit " +
      std::to_string(kMostPopulation) + ") as latest");
  if (found.empty() || found[0]["mean"].is_null()) return;
  answer.mean = read_vector(found[0]["mean"].c_str());
  const Behaviour squares = read_vector(found[0]["squares"].c_str());
  for (size_t i = 0; i < kFeatureCount; ++i) {
    answer.deviation[i] = std::sqrt(std::max(squares[i] - answer.mean[i] * answer.mean[i], 0.0F));
  }
}

std::string values_of(std::span<const BehaviourRow> rows) {
  std::string values;
  for (const BehaviourRow& row : rows) {  // numbers and addresses of our own writing alone
    values += (values.empty() ? "('" : ",('") + row.source.text() + "'," +
              sql_moment(row.begun_unix_s) + "," + std::to_string(kBehaviourVersion) + "," +
              std::to_string(row.requests) + "," + std::to_string(row.connections) + ",'" +
              vector_text(row.behaviour) + "')";
  }
  return values;
}

// The index gives them about in their order.
std::vector<KnownBehaviour> nearest(pqxx::work& work, const SimilarQuery& query,
                                    const Behaviour& to) {
  const std::string distance = "behaviour <-> '" + vector_text(to) + "'::vector";
  const auto found =
      work.exec("select " + std::string(kKnownColumns) + ", " + distance +
                " as distance from behaviour_sources where source <> " + sql_text(query.source) +
                " and last_window >= " + sql_moment(query.since_unix_s) + " order by " + distance +
                " limit " + std::to_string(query.count));
  std::vector<KnownBehaviour> near;
  for (const auto& row : found) {
    KnownBehaviour one = read_known(row);
    one.distance = mean_distance(row["distance"].as<double>());
    if (one.distance <= query.within) near.push_back(one);
  }
  std::sort(near.begin(), near.end(),
            [](const auto& a, const auto& b) { return a.distance < b.distance; });
  return near;
}

}  // namespace

BehaviourDatabase::BehaviourDatabase(const std::string& keywords, std::chrono::seconds patience) {
  std::string one_line = keywords;
  for (char& c : one_line) c = c == '\n' || c == '\r' ? ' ' : c;
  link_ = std::make_unique<Link>(keywords_before(patience), one_line);
  link_->work([](pqxx::work& work) {
    work.exec("select '[1]'::vector");  // loads pgvector, whose settings follow (0.8)
    work.exec(
        "set hnsw.iterative_scan = relaxed_order; set hnsw.ef_search = 200; "
        "set hnsw.max_scan_tuples = 40000");
  });
}

BehaviourDatabase::~BehaviourDatabase() = default;

void BehaviourDatabase::prepare() {
  link_->work([](pqxx::work& work) {
    const auto found =
        work.exec("select obj_description(to_regclass('behaviour_windows')) as comment");
    const auto& comment = found[0]["comment"];
    if (!comment.is_null() && comment.c_str() == behaviour_comment()) return;
    work.exec(std::string("drop table if exists ") + kBehaviourTables);
    work.exec(behaviour_schema());
  });
}

void BehaviourDatabase::insert(std::span<const BehaviourRow> rows) {
  if (rows.empty()) return;
  std::string sources;
  for (const BehaviourRow& row : rows) {
    sources += (sources.empty() ? "'" : ",'") + row.source.text() + "'";
  }
  link_->work([&](pqxx::work& work) {
    // The same window a second time: this program was started anew in it.
    const auto added = work.exec("insert into behaviour_windows values " + values_of(rows) +
                                 " on conflict do nothing")
                           .affected_rows();
    work.exec("update behaviour_total set windows = windows + " + std::to_string(added));
    work.exec(
        "insert into behaviour_sources select source, count(*), max(window_begin), sum(requests), "
        "sum(connections), avg(behaviour) from behaviour_windows as one where source in (" +
        sources +
        ") and window_begin > (select max(window_begin) from behaviour_windows as other where "
        "other.source = one.source) - interval '" +
        std::to_string(kMeanOf_s) +
        " seconds' group by source on conflict (source) do update set windows = excluded.windows, "
        "last_window = excluded.last_window, requests = excluded.requests, "
        "connections = excluded.connections, behaviour = excluded.behaviour");
  });
}

SimilarAnswer BehaviourDatabase::similar(const SimilarQuery& query) {
  return link_->work([&](pqxx::work& work) {
    SimilarAnswer answer;
    const auto of = work.exec("select " + std::string(kKnownColumns) +
                              " from behaviour_sources where source = " + sql_text(query.source));
    if (of.empty()) return answer;
    answer.of.push_back(read_known(of[0]));
    answer.similar = nearest(work, query, answer.of[0].behaviour);
    read_population(work, answer);
    return answer;
  });
}

}  // namespace dam::control
