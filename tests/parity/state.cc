// SPDX-License-Identifier: BSD-3-Clause
// What the two planes remember, compared word by word.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <map>
#include <sstream>

#include "dataplane/core/gcra.h"
#include "tests/parity/twins.h"

namespace dam::test {
namespace {

std::string text_of(const dam_address& address) {
  std::ostringstream out;
  out << std::hex;
  for (const uint32_t word : address.word) out << __builtin_bswap32(word) << ':';
  return out.str();
}

uint32_t zone_of(const dam_source_entry& entry) {
  return static_cast<uint32_t>(entry.state >> DAM_SOURCE_ZONE_SHIFT) & (DAM_MAX_ZONES - 1);
}

// Where an entry lies does not matter, and neither does how often it was looked at.
constexpr uint64_t kInUse = (uint64_t{1} << 48) - 1;  // references and open connections

using SourceName = std::pair<std::array<uint32_t, 4>, uint32_t>;  // prefix, zone
struct SourceState {
  std::array<uint64_t, DAM_DIM_COUNT> tat_ns{};
  uint64_t in_use = 0, penalty = 0;
  bool operator==(const SourceState&) const = default;
};

SourceName name_of(const dam_source_entry& entry) {
  return {{entry.prefix.word[0], entry.prefix.word[1], entry.prefix.word[2], entry.prefix.word[3]},
          zone_of(entry)};
}

// An entry that says nothing any more is as good as none; when it is swept away differs.
std::map<SourceName, SourceState> sources_of(const SharedTables& tables, uint64_t now_ns) {
  std::map<SourceName, SourceState> all;
  for (size_t at = 0; at < tables.sources.size(); ++at) {
    const dam_source_entry& entry = tables.sources[at];
    if ((entry.state & DAM_SOURCE_LIVE) == 0) continue;
    SourceState state;
    for (size_t i = 0; i < DAM_DIM_COUNT; ++i) {
      const uint64_t tat_ns = i == DAM_DIM_requests ? tables.request_tats_ns[at] : entry.tat_ns[i];
      if (tat_ns > now_ns) state.tat_ns[i] = tat_ns;
    }
    state.in_use = entry.state & kInUse;
    const bool over =
        (entry.penalty & DAM_PENALTY_BANNED) != 0 && !dam_source_banned(&entry, now_ns);
    state.penalty = over ? 0 : entry.penalty;
    if (state != SourceState{}) all[name_of(entry)] = state;
  }
  return all;
}

// The flow without the place of its source, which is compared by what it holds, and without what
// refused connections leave behind in a free entry: the kernel refuses some before they have one.
dam_flow comparable(const dam_flow& of) {
  dam_flow flow = of;
  if (flow.state == DAM_FLOW_free) flow = dam_flow{};
  if (flow.source != DAM_NONE) flow.source = 0;
  flow.epoch = 0;
  return flow;
}

// Nothing where they are not followed.
dam_requests requests_of(const SharedTables& tables, size_t flow) {
  const dam_flow& of = tables.flows[flow];
  dam_requests requests = tables.requests[flow];
  if (of.state == DAM_FLOW_free || !dam_requests_are_followed(&requests, of.epoch)) return {};
  requests.epoch = 0;
  return requests;
}
bool same_requests(const dam_requests& a, const dam_requests& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

struct Field {
  const char* name;
  size_t at, bytes;
};
#define FIELD(name) \
  { #name, offsetof(dam_flow, name), sizeof(dam_flow::name) }
constexpr Field kFields[] = {FIELD(client),        FIELD(splice),
                             FIELD(client_port),   FIELD(source_port),
                             FIELD(listener_slot), FIELD(server_slot),
                             FIELD(source),        FIELD(zone_slot),
                             FIELD(state),         FIELD(flags),
                             FIELD(local),         FIELD(last_seen),
                             FIELD(track),         FIELD(fin),
                             FIELD(client_isn),    FIELD(cookie),
                             FIELD(neighbour),     FIELD(out_interface),
                             FIELD(family),        FIELD(rst_direction),
                             FIELD(handshake),     FIELD(next_free),
                             FIELD(epoch),         FIELD(lists_seen),
                             FIELD(cookie_tries),  FIELD(tries_granted_s)};
#undef FIELD

std::string fields_that_differ(const dam_flow& a, const dam_flow& b) {
  std::string all;
  for (const Field& field : kFields) {
    const auto* first = reinterpret_cast<const char*>(&a) + field.at;
    const auto* second = reinterpret_cast<const char*>(&b) + field.at;
    if (std::memcmp(first, second, field.bytes) != 0) all += std::string(" ") + field.name;
  }
  return all;
}

constexpr const char* kReasons[] = {
#define X(name, text) #name,
    DAM_DROP_REASONS(X)
#undef X
};

std::string name_of_zone_word(size_t at) {
  const size_t zone = at / sizeof(dam_zone_counters), in_zone = at % sizeof(dam_zone_counters);
  const std::string where = "zone " + std::to_string(zone) + ": ";
  if (in_zone < offsetof(dam_zone_counters, drops)) {
    return where + "counter " + std::to_string(in_zone / sizeof(uint64_t));
  }
  return where + "drops for " +
         kReasons[(in_zone - offsetof(dam_zone_counters, drops)) / sizeof(uint64_t)];
}

std::string name_of_word(size_t at) {
  constexpr size_t kZones = offsetof(dam_worker_counters, zones);
  if (at >= kZones && at < offsetof(dam_worker_counters, servers)) {
    return name_of_zone_word(at - kZones);
  }
  return "counter " + std::to_string(at / sizeof(uint64_t));
}

uint64_t word_at(const dam_worker_counters& counters, size_t at) {
  uint64_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&counters) + at, sizeof word);
  return word;
}

}  // namespace

dam_source_entry* source_of(const SharedTables& tables, const dam_address& prefix, uint32_t zone) {
  for (dam_source_entry& entry : tables.sources) {
    if ((entry.state & DAM_SOURCE_LIVE) != 0 && zone_of(entry) == zone &&
        dam_address_equal(&entry.prefix, &prefix)) {
      return &entry;
    }
  }
  return nullptr;
}

Difference compare_flows(const SharedTables& alone, const SharedTables& kernel) {
  for (size_t i = 0; i < alone.flows.size(); ++i) {
    const dam_flow a = comparable(alone.flows[i]), b = comparable(kernel.flows[i]);
    if (std::memcmp(&a, &b, sizeof a) != 0) {
      return "flow " + std::to_string(i) + " differs in" + fields_that_differ(a, b);
    }
    if (!same_requests(requests_of(alone, i), requests_of(kernel, i))) {
      return "what is known of the requests of flow " + std::to_string(i) + " differs";
    }
    const dam_fingerprint &one = alone.fingerprints[i], &other = kernel.fingerprints[i];
    if (a.state >= DAM_FLOW_connect && std::memcmp(&one, &other, sizeof one) != 0) {
      return "the fingerprint of flow " + std::to_string(i) + " differs";
    }
    if (a.state == DAM_FLOW_free || a.source == DAM_NONE) continue;
    if (name_of(alone.sources[alone.flows[i].source]) !=
        name_of(kernel.sources[kernel.flows[i].source])) {
      return "flow " + std::to_string(i) + " is charged to different sources";
    }
  }
  return {};
}

Difference compare_sources(const SharedTables& alone, const SharedTables& kernel, uint64_t now_ns) {
  const auto same = [](const auto& a, const auto& b) {
    return std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
  };
  if (same(alone.sources, kernel.sources) && same(alone.request_tats_ns, kernel.request_tats_ns)) {
    return {};
  }
  const auto a = sources_of(alone, now_ns), b = sources_of(kernel, now_ns);
  if (a == b) return {};
  std::ostringstream out;
  for (const auto* from : {&a, &b}) {
    out << (from == &a ? "sources of the engine alone:" : " behind the kernel:");
    for (const auto& [name, state] : *from) {
      dam_address prefix;
      std::copy_n(name.first.begin(), 4, prefix.word);
      out << " {" << text_of(prefix) << " zone " << name.second << " tat - now";
      for (const uint64_t tat : state.tat_ns) out << ' ' << (tat == 0 ? 0 : tat - now_ns);
      out << " in use " << std::hex << state.in_use << " penalty " << state.penalty << std::dec
          << "}";
    }
  }
  return out.str();
}

Difference compare_totals(const SharedTables& alone, const SharedTables& kernel, uint64_t now_ns) {
  for (size_t zone = 0; zone < alone.totals.size(); ++zone) {
    for (size_t i = 0; i < DAM_DIM_COUNT; ++i) {
      const uint64_t a = alone.totals[zone].tat_ns[i], b = kernel.totals[zone].tat_ns[i];
      if (a == b) continue;
      return "zone " + std::to_string(zone) + ": the total of dimension " + std::to_string(i) +
             " is ahead of now by " + std::to_string(static_cast<int64_t>(a - now_ns)) +
             " ns, behind the kernel by " + std::to_string(static_cast<int64_t>(b - now_ns));
    }
  }
  return {};
}

// What a driver counts of frames and time is no plane's business.
Difference compare_counts(const dam_worker_counters& alone, const dam_worker_counters& kernel) {
  for (size_t at = offsetof(dam_worker_counters, handed_off); at < sizeof(dam_worker_counters);
       at += sizeof(uint64_t)) {
    const uint64_t a = word_at(alone, at), b = word_at(kernel, at);
    if (a == b) continue;
    return name_of_word(at) + ": the engine alone counted " + std::to_string(a) +
           ", behind the kernel " + std::to_string(b);
  }
  return {};
}

}  // namespace dam::test
