// SPDX-License-Identifier: BSD-3-Clause
// The tables as SQL.
#pragma once

#include <string>

#include "controlplane/lookalikes/features.h"

namespace dam::control {

// The table's comment says which form it has and which vectors are in it.
inline constexpr int kBehaviourForm = 2;

inline std::string behaviour_comment() {
  return "Traffic Dam, form " + std::to_string(kBehaviourForm) + ", vectors " +
         std::to_string(kBehaviourVersion);
}

inline constexpr char kBehaviourTables[] = "behaviour_windows, behaviour_sources, behaviour_total";

// One row for each source and window, and how many these are: to count them takes longer the more
// there are. For each source the mean of its last hour, which is what is compared. There HNSW finds
// the nearest without looking at each; m and ef_construction are pgvector's own, written out.
inline std::string behaviour_schema() {
  const std::string vector = "vector(" + std::to_string(kFeatureCount) + ") not null";
  return "create table behaviour_windows (source inet not null, window_begin timestamptz not null, "
         "version smallint not null, requests bigint not null, connections bigint not null, "
         "behaviour " +
         vector +
         ", primary key (source, window_begin));"
         "create index behaviour_windows_age on behaviour_windows (window_begin);"
         "create table behaviour_sources (source inet primary key, windows bigint not null, "
         "last_window timestamptz not null, requests bigint not null, connections bigint not null, "
         "behaviour " +
         vector +
         ");"
         "create index behaviour_sources_near on behaviour_sources using hnsw "
         "(behaviour vector_l2_ops) with (m = 16, ef_construction = 64);"
         "create index behaviour_sources_age on behaviour_sources (last_window);"
         "create table behaviour_total (windows bigint not null);"
         "insert into behaviour_total values (0);"
         "comment on table behaviour_windows is '" +
         behaviour_comment() + "';";
}

}  // namespace dam::control
