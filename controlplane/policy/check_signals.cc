// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <set>

#include "controlplane/policy/check.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

void check_sender(const Policy& policy, const Located<std::string>& sender, Problems& problems) {
  if (find_named(policy.servers, sender.value) != nullptr) return;
  const auto address = parse_address(sender.value);
  if (address && is_host_address(*address)) return;
  const std::string guess = did_you_mean(sender.value, names_of(policy.servers));
  problems.error(sender.mark, "\"" + sender.value + "\" is neither a server nor an address",
                 guess.empty() ? "write the name of a server below `servers`, or an IP address"
                               : "did you mean \"" + guess + "\"?");
}

void check_listen(const Policy& policy, Problems& problems) {
  const SignalPolicy& signals = policy.signals;
  if (!signals.listen) return;
  if (signals.from.empty()) {
    problems.error(signals.listen->mark, "nobody may send signals there",
                   "write e.g. `from: [NAME-OF-A-SERVER]`");
  }
  for (const Listener& listener : policy.listeners) {
    for (const auto& address : listener.addresses) {
      if (address.value != signals.listen->value.address) continue;
      problems.error(signals.listen->mark,
                     "clients reach " + address.value.text() +
                         ": they could send signals in a "
                         "server's name",
                     "write the dam's address on the servers' network");
      return;
    }
  }
}

void check_rule(const SignalRule& rule, std::set<std::string>& names, Problems& problems) {
  if (!names.insert(rule.name.value).second) {
    problems.error(rule.name.mark, "the rule \"" + rule.name.value + "\" is there twice",
                   "give each a name of its own");
  }
  if (rule.statuses.empty() && rule.paths.empty() && rule.classes.empty()) {
    problems.error(rule.mark, "the rule \"" + rule.name.value + "\" fits every request",
                   "write a status, path or class");
  }
  if ((rule.ban_ns != 0) + rule.charge.is_any() + (rule.throttle.for_ns != 0) != 1) {
    problems.error(
        rule.mark, "the rule \"" + rule.name.value + "\" has not one of ban, throttle and charge",
        "write `ban: 10m`, `throttle: {to: 20%, for: 10m}`, or `charge: {requests: 20}`");
  }
  for (const auto& path : rule.paths) {
    if (path.value.starts_with('/') && is_printable(path.value)) continue;
    problems.error(path.mark, "a path begins with \"/\" and has no blanks",
                   "write it decoded, without what follows \"?\"");
  }
  if (rule.rate && !rule.rate->value.limited()) {
    problems.error(rule.rate->mark, "a rule without a limit bans nobody",
                   "write a rate, or leave it out: then the first one is too many");
  }
  if (rule.ban_ns != 0 && !rule.rate && !rule.statuses.empty() && rule.paths.empty() &&
      rule.classes.empty()) {
    problems.warning(rule.mark,
                     "the rule \"" + rule.name.value + "\" bans whoever meets that status once",
                     "write a rate, e.g. `rate: \"20r/m burst=20\"`");
  }
}

// The zones hold the bans: what they take for one source is what is banned.
void check_source_prefix(const Policy& policy, Problems& problems) {
  const SourcePrefix& wanted = policy.signals.source_prefix;
  for (const auto& zone : policy.zones) {
    const SourcePrefix& is = zone.value.source_prefix;
    if (zone.value.management || zone.value.broken || zone.name == kFrontZone) continue;
    if (zone.value.key != ZoneKey::source) {
      problems.warning(
          zone.mark, "signals do not reach TLS clients of the zone \"" + zone.name + "\"",
          "it tells kinds of clients apart, and signals are of addresses: key: source");
    }
    if (is.ipv4_bits == wanted.ipv4_bits && is.ipv6_bits == wanted.ipv6_bits) continue;
    problems.error(
        policy.signals.mark, "signals and the zone \"" + zone.name + "\" count sources differently",
        "write the zone's source_prefix here, too: {ipv4: " + std::to_string(is.ipv4_bits) +
            ", ipv6: " + std::to_string(is.ipv6_bits) + "}");
  }
}

bool is_slowed_in(const Zone& zone, const SignalRule& rule) {
  const Buckets& limits = zone.per_source;
  const SignalCharge& charge = rule.charge;
  if (rule.throttle.for_ns != 0) {
    const auto rates = {limits.packets, limits.bytes_up, limits.bytes_down, limits.connections,
                        limits.requests};
    return std::any_of(rates.begin(), rates.end(), [](const Rate& rate) { return rate.limited(); });
  }
  return (charge.requests != 0 && limits.requests.limited()) ||
         (charge.connections != 0 && limits.connections.limited());
}

// What slows is a part of what the zones limit. Whose buckets are empty is over the limits by what
// he does next, whoever emptied them.
void check_slowing(const Policy& policy, const SignalRule& rule, Problems& problems) {
  bool pays = !rule.charge.is_any() && rule.throttle.for_ns == 0;
  for (const auto& zone : policy.zones) {
    if (zone.value.management || zone.name == kFrontZone) continue;
    if (zone.value.key != ZoneKey::source) continue;
    if (!is_slowed_in(zone.value, rule)) continue;
    pays = true;
    if (zone.value.exceeded.action != Action::ban) continue;
    problems.warning(rule.mark,
                     "the zone \"" + zone.name + "\" bans whom the rule \"" + rule.name.value +
                         "\" slows and who goes on: a server's word is enough for it",
                     "write `exceeded: drop` into the zone, or `ban: 10m` into the rule, "
                     "which signals.most.bans_per_minute bounds");
  }
  if (pays) return;
  problems.warning(rule.mark, "the rule \"" + rule.name.value + "\" slows what no zone limits",
                   "write per_source, e.g. {requests: \"10r/s burst=20\"}, into a service zone");
}

}  // namespace

void check_signals(const Policy& policy, Problems& problems) {
  const SignalPolicy& signals = policy.signals;
  if (signals.rules.empty() || signals.broken) return;
  for (const auto& sender : signals.from) check_sender(policy, sender, problems);
  check_listen(policy, problems);
  std::set<std::string> names;
  for (const SignalRule& rule : signals.rules) {
    if (rule.broken) continue;
    check_rule(rule, names, problems);
    check_slowing(policy, rule, problems);
  }
  check_source_prefix(policy, problems);
}

}  // namespace dam::control
