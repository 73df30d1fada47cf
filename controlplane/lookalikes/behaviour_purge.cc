// SPDX-License-Identifier: BSD-3-Clause
// What is kept no longer. As who inserts, each step locks windows, then their total, then sources:
// in whatever other order, two could wait for each other.
#include <algorithm>
#include <array>

#include "controlplane/lookalikes/behaviour_link.h"

namespace dam::control {

namespace {

// The first ones by an index's order: no statement looks at more rows than it deletes.
uint64_t delete_first(pqxx::work& work, const std::string& table, const std::string& where,
                      const char* order, uint64_t count) {
  return work
      .exec("delete from " + table + " where ctid = any(array(select ctid from " + table + " " +
            where + " order by " + order + " limit " + std::to_string(count) + "))")
      .affected_rows();
}

// Of none too: whoever has the total is the only one who changes sources.
void count_gone(pqxx::work& work, uint64_t windows) {
  work.exec("update behaviour_total set windows = greatest(windows - " + std::to_string(windows) +
            ", 0)");
}

// The oldest ones beyond the most, of which `uncounted` are not counted yet. Where there are fewer
// than were counted somebody else has deleted some: then there are none.
uint64_t delete_beyond(pqxx::work& work, uint64_t uncounted, uint64_t most_rows, uint64_t step) {
  const auto total = work.exec("select windows from behaviour_total")[0][0].as<uint64_t>();
  if (total <= most_rows + uncounted) return 0;
  const uint64_t wanted = std::min(total - most_rows - uncounted, step);
  const uint64_t gone = delete_first(work, "behaviour_windows", "", "window_begin", wanted);
  if (gone < wanted) work.exec("update behaviour_total set windows = 0");
  return gone;
}

std::string where_inside(const Network& source) { return "where source <<= " + sql_text(source); }

// Those that it lies in, one by one: no index is asked for what contains something.
std::string where_around(const Network& source) {
  std::string all;
  for (Network wider = source; wider.prefix_bits-- > 0;) {
    all += (all.empty() ? "" : ",") + wider.masked().text();
  }
  return "where source = any('{" + all + "}'::inet[])";
}

}  // namespace

Purged BehaviourDatabase::purge(int64_t older_than_unix_s, uint64_t most_rows) {
  return link_->work([&](pqxx::work& work) {
    const std::string old = sql_moment(older_than_unix_s);
    const uint64_t aged = delete_first(work, "behaviour_windows", "where window_begin < " + old,
                                       "window_begin", kRowsOfAStep);
    const uint64_t beyond = delete_beyond(work, aged, most_rows, kRowsOfAStep);
    count_gone(work, aged + beyond);
    const uint64_t sources =
        delete_first(work, "behaviour_sources",
                     "where last_window < greatest(" + old +
                         ", (select min(window_begin) from behaviour_windows))",
                     "last_window", kRowsOfAStep);
    return Purged{aged + beyond, std::max({aged, beyond, sources}) == kRowsOfAStep};
  });
}

Purged BehaviourDatabase::erase(const Network& source) {
  const std::array<std::string, 2> whose{where_inside(source), where_around(source)};
  return link_->work([&](pqxx::work& work) {
    uint64_t windows = 0, most = 0;
    for (const std::string& which : whose) {
      const uint64_t gone =
          delete_first(work, "behaviour_windows", which, "source, window_begin", kRowsOfAStep);
      windows += gone;
      most = std::max(most, gone);
    }
    count_gone(work, windows);
    for (const std::string& which : whose) {
      most = std::max(most, delete_first(work, "behaviour_sources", which, "source", kRowsOfAStep));
    }
    return Purged{windows, most != 0};  // a purge may have taken some of this step's meanwhile
  });
}

}  // namespace dam::control
