// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/router.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <utility>

namespace dam {
namespace {

constexpr size_t kMaxName = 255;
constexpr uint32_t kDeepest = 63;

// Names are hashed from their end, so that one pass gives the hash of every suffix, too. Names in
// the table come from the policy: no client can make its slots collide.
constexpr uint64_t kHashSeed = 0x9e3779b97f4a7c15;
uint64_t hash_step(uint64_t hash, char c) {
  return (hash ^ static_cast<uint8_t>(c)) * 0xff51afd7ed558ccd;
}
uint64_t hash_finish(uint64_t hash, uint16_t group) {
  hash = (hash ^ group) * 0xc4ceb9fe1a85ec53;
  return hash ^ hash >> 32;
}
uint64_t hash_of(std::string_view name, uint16_t group) {
  uint64_t hash = kHashSeed;
  for (size_t i = name.size(); i-- > 0;) hash = hash_step(hash, name[i]);
  return hash_finish(hash, group);
}

bool is_wildcard(std::string_view name) { return name.starts_with("*."); }

bool offers_one_of(std::string_view alpn_wire, const std::vector<std::string>& wanted) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const std::string& name) { return offers(alpn_wire, name); });
}

bool has_name_condition(const RouteRule& rule) {
  return !rule.server_names.empty() || rule.absent_name;
}

// Groups of which no rule has a name condition: their connections have no names.
std::vector<bool> find_port_groups(const std::vector<RouteRule>& rules, size_t groups) {
  std::vector<bool> port_group(groups, true);
  for (const RouteRule& rule : rules) {
    if (has_name_condition(rule)) port_group[rule.listener_group] = false;
  }
  return port_group;
}

}  // namespace

Router::Router(const std::vector<RouteRule>& rules) {
  uint16_t last_group = 0;
  for (const RouteRule& rule : rules) last_group = std::max(last_group, rule.listener_group);
  wildcard_depths_.assign(last_group + size_t{1}, 0);
  compile(rules);
  build_slots(rules);
}

void Router::compile(const std::vector<RouteRule>& rules) {
  for (const RouteRule& rule : rules) {
    CompiledRule& compiled = rules_.emplace_back();
    compiled.route = rule.route;
    compiled.path_prefix = rule.path_prefix;
    compiled.alpn = rule.alpn;
    compiled.ja4 = rule.ja4;
    if (rule.sources.empty()) continue;
    compiled.source_set = static_cast<int32_t>(source_sets_.size());
    source_sets_.emplace_back(rule.sources);
  }
}

void Router::build_slots(const std::vector<RouteRule>& rules) {
  std::map<std::pair<uint16_t, std::string>, std::vector<uint32_t>> by_name;
  const std::vector<bool> port_group = find_port_groups(rules, wildcard_depths_.size());
  for (uint32_t i = 0; i < rules.size(); ++i) {
    const RouteRule& rule = rules[i];
    const uint16_t group = rule.listener_group;
    for (const std::string& name : rule.server_names) {
      by_name[{group, is_wildcard(name) ? name.substr(1) : name}].push_back(i);
    }
    if (rule.absent_name || port_group[group]) by_name[{group, ""}].push_back(i);
  }
  slots_.resize(std::bit_ceil(2 * by_name.size() + 1));
  for (auto& [key, list] : by_name) insert(key.first, key.second, std::move(list));
}

void Router::insert(uint16_t group, std::string_view name, std::vector<uint32_t> rules) {
  std::stable_sort(rules.begin(), rules.end(), [&](uint32_t a, uint32_t b) {
    return rules_[a].path_prefix.size() > rules_[b].path_prefix.size();
  });
  Slot slot;
  slot.hash = hash_of(name, group);
  slot.name_first = static_cast<uint32_t>(names_.size());
  slot.name_bytes = static_cast<uint16_t>(name.size());
  slot.group = group;
  slot.rule_first = static_cast<uint32_t>(order_.size());
  slot.rule_count = static_cast<uint32_t>(rules.size());
  names_ += name;
  order_.insert(order_.end(), rules.begin(), rules.end());
  if (name.starts_with('.')) {
    const auto dots = static_cast<uint32_t>(std::count(name.begin(), name.end(), '.'));
    wildcard_depths_[group] |= uint64_t{1} << std::min(dots, kDeepest);
  }
  size_t at = slot.hash & (slots_.size() - 1);
  while (slots_[at].rule_count != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = slot;
}

const Router::Slot* Router::find(uint64_t hash, uint16_t group, std::string_view name) const {
  for (size_t at = hash;; ++at) {
    const Slot& slot = slots_[at & (slots_.size() - 1)];
    if (slot.rule_count == 0) return nullptr;
    if (slot.hash == hash && slot.group == group &&
        std::string_view(names_).substr(slot.name_first, slot.name_bytes) == name) {
      return &slot;
    }
  }
}

bool Router::holds(const CompiledRule& rule, const RouteQuery& query) const {
  if (!query.path.starts_with(rule.path_prefix)) return false;
  if (!rule.alpn.empty() && !offers_one_of(query.alpn_wire, rule.alpn)) return false;
  if (!rule.ja4.empty() && !is_one_of(query.ja4, rule.ja4)) return false;
  return rule.source_set < 0 ||
         source_sets_[static_cast<uint32_t>(rule.source_set)].contains(query.source);
}

int32_t Router::first_that_holds(const Slot& slot, const RouteQuery& query) const {
  for (uint32_t i = 0; i < slot.rule_count; ++i) {
    const CompiledRule& rule = rules_[order_[slot.rule_first + i]];
    if (holds(rule, query)) return rule.route;
  }
  return kNoRoute;
}

// One pass from the end of the name notes the hash of each suffix that a wildcard could have; they
// are tried from the longest, after the exact name.
int32_t Router::route_named(const RouteQuery& query) const {
  struct Suffix {
    uint64_t hash;
    size_t first;
  };
  std::array<Suffix, kMaxName> suffixes;
  const std::string_view name = query.server_name;
  const uint64_t depths = wildcard_depths_[query.listener_group];
  uint64_t hash = kHashSeed;
  uint32_t dots = 0, count = 0;
  for (size_t i = name.size(); i-- > 0;) {
    hash = hash_step(hash, name[i]);
    if (name[i] != '.') continue;
    dots = std::min(dots + 1, kDeepest);
    if (i != 0 && depths >> dots & 1) suffixes[count++] = {hash, i};
  }
  const uint16_t group = query.listener_group;
  const Slot* slot = find(hash_finish(hash, group), group, name);
  int32_t route = slot != nullptr ? first_that_holds(*slot, query) : kNoRoute;
  while (route == kNoRoute && count-- > 0) {
    slot =
        find(hash_finish(suffixes[count].hash, group), group, name.substr(suffixes[count].first));
    if (slot != nullptr) route = first_that_holds(*slot, query);
  }
  return route;
}

int32_t Router::route(const RouteQuery& query) const {
  const bool named = !query.server_name.empty();
  if (query.listener_group >= wildcard_depths_.size() || query.server_name.size() > kMaxName) {
    return named ? kNoRoute : kNoServerName;
  }
  if (named) return query.server_name.front() == '.' ? kNoRoute : route_named(query);
  const Slot* slot = find(hash_of({}, query.listener_group), query.listener_group, {});
  return slot != nullptr ? first_that_holds(*slot, query) : kNoServerName;
}

}  // namespace dam
