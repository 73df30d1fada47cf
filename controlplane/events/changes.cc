// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/events/changes.h"

#include <algorithm>

#include "controlplane/dataplane_link/counters_reader.h"

namespace dam::control {

namespace {

// Which drops are worth an event, and of which kind. What every stray packet of the internet
// causes is counted (damctl drops), but is none.
std::optional<EventKind> kind_of(int reason) {
  switch (reason) {
    case DAM_DROP_source_packets:
    case DAM_DROP_source_bytes_up:
    case DAM_DROP_source_bytes_down:
    case DAM_DROP_source_connections:
    case DAM_DROP_source_requests:
    case DAM_DROP_source_concurrent:
    case DAM_DROP_zone_packets:
    case DAM_DROP_zone_bytes_up:
    case DAM_DROP_zone_bytes_down:
    case DAM_DROP_zone_connections:
    case DAM_DROP_zone_requests:
    case DAM_DROP_zone_concurrent:
      return EventKind::violation;
    case DAM_DROP_no_server_name:
    case DAM_DROP_no_route:
    case DAM_DROP_server_down:
    case DAM_DROP_server_refused:
    case DAM_DROP_server_timeout:
    case DAM_DROP_server_options:
      return EventKind::route;
    case DAM_DROP_half_open_limit:
    case DAM_DROP_flow_table_full:
    case DAM_DROP_source_table_full:
    case DAM_DROP_hold_full:
    case DAM_DROP_no_source_port:
    case DAM_DROP_no_buffer:
    case DAM_DROP_tx_full:
    case DAM_DROP_handoff_full:
    case DAM_DROP_no_dataplane:
      return EventKind::limit;
    default:
      return std::nullopt;
  }
}

// Strangers can cause these as often as they like.
bool is_counted(EventKind kind) {
  return kind == EventKind::violation || kind == EventKind::route || kind == EventKind::limit ||
         kind == EventKind::ban;
}

// 0 where a counter has begun anew below what it was.
uint64_t growth(uint64_t before, uint64_t now) { return now > before ? now - before : 0; }

void add_policy_events(const Scene& before, const Scene& now, std::vector<Event>& events) {
  const std::string version = "version " + std::to_string(now.version);
  if (now.version != before.version && now.version > 0) {
    const std::string waits = now.unconfirmed ? "; it waits for its confirmation" : "";
    events.push_back({EventKind::policy, std::to_string(now.version), "", 1,
                      version + " is in force (" + now.author + ": " + now.comment + ")" + waits});
  } else if (before.unconfirmed && !now.unconfirmed) {
    events.push_back(
        {EventKind::policy, std::to_string(now.version), "", 1, version + " is confirmed"});
  }
}

void add_dataplane_events(const Scene& before, const Scene& now, std::vector<Event>& events) {
  if (now.connected != before.connected) {
    events.push_back({EventKind::dataplane, "", "", 1,
                      now.connected ? "the dataplane answers" : "the dataplane does not answer"});
  }
  if (now.trouble != before.trouble && !now.trouble.empty()) {
    events.push_back({EventKind::dataplane, "", "", 1, now.trouble});
  }
}

void add_zone_events(const std::string& zone, const dam_zone_counters& before,
                     const dam_zone_counters& now, std::vector<Event>& events) {
  for (int reason = DAM_DROP_none + 1; reason < DAM_DROP_COUNT; ++reason) {
    const auto kind = kind_of(reason);
    const uint64_t count = growth(before.drops[reason], now.drops[reason]);
    if (kind && count > 0) {
      events.push_back({*kind, zone, drop_name(reason), count, drop_text(reason)});
    }
  }
  uint64_t shadowed = 0;
  for (int scope = 0; scope < 2; ++scope) {
    for (int dimension = 0; dimension < DAM_SHADOW_COUNT; ++dimension) {
      shadowed +=
          growth(before.shadow_exceeded[scope][dimension], now.shadow_exceeded[scope][dimension]);
    }
  }
  if (shadowed > 0) {
    events.push_back({EventKind::violation, zone, "shadow", shadowed,
                      "over the zone's buckets, let by since it is in shadow mode"});
  }
  const uint64_t bans = growth(dam_bans_of(&before), dam_bans_of(&now));
  if (bans > 0)
    events.push_back({EventKind::ban, zone, drop_name(DAM_DROP_zone_banned), bans,
                      "the zone has banned sources"});
}

void add_server_events(const dam_counters& before, const dam_counters& now,
                       std::vector<Event>& events) {
  for (const dam_server_state& state : now.servers) {
    const std::string name = field_text(state.name);
    const int slot = name.empty() ? -1 : server_slot(before, name);
    if (slot < 0 || before.servers[slot].up == state.up) continue;
    events.push_back({EventKind::server, name, "", 1,
                      state.up == 1 ? "the server is up" : "the server is down"});
  }
}

// Of VLANs that share a device each has its own.
void add_link_events(const dam_counters& before, const dam_counters& now,
                     std::vector<Event>& events) {
  for (size_t i = 0; i < DAM_MAX_SHOWN_INTERFACES; ++i) {
    const dam_interface_state& was = before.interfaces[i];
    const dam_interface_state& is = now.interfaces[i];
    const std::string name = field_text(is.name);
    if (name.empty() || field_text(was.name) != name) continue;
    if (growth(was.link_changes, is.link_changes) == 0) continue;
    const std::string link = "the link of " + name;
    const std::string text = is.link_up == 0             ? link + " is down"
                             : was.link_up == is.link_up ? link + " was down for a moment"
                                                         : link + " is up";
    events.push_back({EventKind::link, name, "", 1, text});
  }
}

void add_counted_events(const Scene& before, const Scene& now, std::vector<Event>& events) {
  if (!now.counters) return;
  static const dam_counters kNothing{};
  const bool same =
      before.counters && before.counters->start_unix_ns == now.counters->start_unix_ns;
  const dam_counters& old = same ? *before.counters : kNothing;
  for (int slot = 0; slot < DAM_MAX_ZONES; ++slot) {
    const std::string name = field_text(now.counters->zone_names[slot]);
    if (name.empty()) continue;
    // Another zone may have had the slot.
    const int was = zone_slot(old, name);
    const dam_zone_counters from = was >= 0 ? zone_total(old, was) : dam_zone_counters{};
    add_zone_events(name, from, zone_total(*now.counters, slot), events);
  }
  add_server_events(old, *now.counters, events);
  add_link_events(old, *now.counters, events);
}

// By origin, not by source: what is held back is kept by its subject.
void add_ban_ends(const EndedByOrigin& before, const EndedByOrigin& now,
                  std::vector<Event>& events) {
  for (const auto& [origin, ended] : now) {
    const auto was = before.find(origin);
    const uint64_t count = growth(was == before.end() ? 0 : was->second.count, ended.count);
    if (count == 0) continue;
    events.push_back({EventKind::ban, origin, "expired", count,
                      "banned no more, since the time was over, the last: " + ended.last});
  }
}

}  // namespace

std::vector<Event> events_between(const Scene& before, const Scene& now) {
  std::vector<Event> events;
  add_policy_events(before, now, events);
  add_dataplane_events(before, now, events);
  add_counted_events(before, now, events);
  add_ban_ends(before.ended_bans, now.ended_bans, events);
  return events;
}

std::vector<Event> Throttle::pass(std::vector<Event> events, int64_t now_s) {
  std::vector<Event> due;
  for (Event& event : events) {
    if (!is_counted(event.kind)) {
      due.push_back(std::move(event));
      continue;
    }
    Held& held = held_[{event.kind, {event.subject, event.reason}}];
    held.count += event.count;
    held.event = std::move(event);
  }
  for (auto at = held_.begin(); at != held_.end();) {
    Held& held = at->second;
    if (now_s >= held.due_s && held.count > 0) {
      held.event.count = held.count;
      due.push_back(held.event);
      held.count = 0;
      held.due_s = now_s + pause_s_;
    }
    at = now_s >= held.due_s && held.count == 0 ? held_.erase(at) : std::next(at);
  }
  return due;
}

}  // namespace dam::control
