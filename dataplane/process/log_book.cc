// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/log_book.h"

#include <string>

#include "dataplane/ipc/wire_address.h"
#include "dataplane/process/drop_names.h"
#include "dataplane/process/heavy_hitters.h"
#include "dataplane/process/names.h"
#include "dataplane/process/rhythm.h"

namespace dam {

namespace {

constexpr const char* kEndNames[] = {
#define X(name, text) #name,
    DAM_CONNECTION_ENDS(X)
#undef X
};

// What stray packets of the internet meet, and what is nobody's refusal: the counters have it.
bool is_of_strays(uint8_t reason) {
  switch (reason) {
    case DAM_DROP_malformed:
    case DAM_DROP_fragment:
    case DAM_DROP_bad_checksum:
    case DAM_DROP_ttl_expired:
    case DAM_DROP_not_ours:
    case DAM_DROP_bad_flags:
    case DAM_DROP_no_flow:
    case DAM_DROP_bad_cookie:
    case DAM_DROP_out_of_window:
    case DAM_DROP_closed:
    case DAM_DROP_held_duplicate:
    case DAM_DROP_too_big:
    case DAM_DROP_no_neighbour:
    case DAM_DROP_icmp_unmatched:
    case DAM_DROP_no_policy:
    case DAM_DROP_icmp_limited:
    case DAM_DROP_bad_source:
    case DAM_DROP_link_limited:
      return true;
    default:
      return false;
  }
}

// As as_one_source() has made it.
std::string source_text(const dam_address& source) {
  const dam_address none{};
  if (dam_address_equal(&source, &none)) return {};
  return to_text(source) + (dam_address_is_v4(&source) ? "" : "/64");
}

}  // namespace

void LogBook::take(const ConnectionRecord& record) {
  if (connections_.size() < kMostConnections) return connections_.push_back(record);
  lost_connections_ += record.stands_for;
}

void LogBook::take(const dam_sight& sight) {
  if (sight.weight == 0 || !dam_is_refusal(sight.reason) || is_of_strays(sight.reason)) return;
  if (sight.at_ns > given_ns_ + kKeptNs) {
    refusals_[0].of.clear();
    refusals_[1].of.clear();
  }
  auto& refusals = refusals_[(sight.flags & DAM_SIGHT_PROVEN) != 0 ? 1 : 0].of;
  Kind kind{as_one_source(sight.client), sight.zone, sight.reason};
  if (refusals.size() >= kMostRefusals && !refusals.contains(kind)) {
    kind.client = {};  // one for each zone and reason: they are few
  }
  Refused& refused = refusals[kind];
  refused.count += sight.weight;
  refused.last_ns = sight.at_ns;
}

bool LogBook::name(const RefusedHello& refused) {
  if (is_of_strays(refused.reason)) return true;
  auto& refusals = refusals_[1].of;
  const auto found = refusals.find({as_one_source(refused.client), refused.zone, refused.reason});
  if (found != refusals.end()) found->second.ja4 = refused.ja4;
  return found != refusals.end();
}

void LogBook::give(const Policy& policy, uint64_t now_ns, uint64_t unix_ns, v1::Log& to) {
  const uint64_t to_unix = unix_ns - now_ns;
  given_ns_ = now_ns;
  give_connections(policy, to_unix, to);
  to.set_lost_connections(lost_connections_);
  lost_connections_ = 0;
  if (to.more()) return;
  for (const bool proven : {true, false}) give_refusals(proven, policy, now_ns, to_unix, to);
}

void LogBook::give_connections(const Policy& policy, uint64_t to_unix, v1::Log& to) {
  for (size_t left = kMostAtOnce; left > 0 && !connections_.empty(); --left) {
    const ConnectionRecord& from = connections_.front();
    v1::EndedConnection& one = *to.add_connections();
    one.set_ended_unix_ns(from.ended_ns + to_unix);
    one.set_client(to_text(from.client));
    one.set_client_port(dam_ntoh16(from.client_port));
    one.set_listener(name_of(policy.listeners, from.listener_slot));
    one.set_zone(name_of(policy.zones, from.zone_slot));
    if (from.has_server) one.set_server(name_of(policy.servers, from.server_slot));
    one.set_lasted_ns(from.lasted_ns);
    one.set_bytes_up(from.bytes_up);
    one.set_bytes_down(from.bytes_down);
    one.set_end(kEndNames[from.end]);
    if (from.end == DAM_END_refused) one.set_reason(kDropNames[from.reason]);
    one.set_stands_for(from.stands_for);
    one.set_ja4(from.ja4.text());
    if (from.requests.followed) write_rhythm(from.requests, *one.mutable_requests());
    connections_.pop_front();
  }
  to.set_more(!connections_.empty());
}

// Round and round, so that each has its turn where there are many. Those that were told, and not
// refused again since, are forgotten.
void LogBook::give_refusals(bool proven, const Policy& policy, uint64_t now_ns, uint64_t to_unix,
                            v1::Log& to) {
  Refusals& refusals = refusals_[proven ? 1 : 0];
  size_t left = kMostRefusalsAtOnce[proven ? 1 : 0];
  auto at = refusals.of.upper_bound(refusals.told);
  for (size_t looks = refusals.of.size(); looks > 0 && left > 0; --looks) {
    if (at == refusals.of.end()) at = refusals.of.begin();
    Refused& refused = at->second;
    if (now_ns < refused.due_ns) {
      ++at;
    } else if (refused.count == 0) {
      at = refusals.of.erase(at);
    } else {
      give(at->first, refused, proven, policy, to_unix, *to.add_refusals());
      refused.count = 0;
      refused.due_ns = now_ns + kPauseNs;
      refusals.told = at->first;
      --left;
      ++at;
    }
  }
}

void LogBook::give(const Kind& kind, const Refused& refused, bool proven, const Policy& policy,
                   uint64_t to_unix, v1::Refusals& to) {
  to.set_last_unix_ns(refused.last_ns + to_unix);
  to.set_client(source_text(kind.client));
  to.set_zone(name_of(policy.zones, kind.zone));
  to.set_reason(kDropNames[kind.reason]);
  to.set_count(refused.count);
  to.set_proven(proven);
  to.set_ja4(refused.ja4.text());
}

}  // namespace dam
