// SPDX-License-Identifier: BSD-3-Clause
// What servers tell, and how sources behave.
#include "controlplane/policy/option_tables.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

const Table<SignalCharge>& signal_charge_options() {
  static const Table<SignalCharge> table{
      option("connections", Need::optional, count(1, 1'000'000), &SignalCharge::connections, "0",
             "so many connections less has the source left, where a zone limits them"),
      option("requests", Need::optional, count(1, 1'000'000), &SignalCharge::requests, "0",
             "so many requests less, where a zone limits those"),
  };
  return table;
}

const Table<SignalThrottle>& signal_throttle_options() {
  static const Table<SignalThrottle> table{
      option("to", Need::required, percent(1, 99), &SignalThrottle::to_percent, "",
             "so much of each rate is left to the source"),
      option("for", Need::required, duration(kSecond, 7 * kDay), &SignalThrottle::for_ns, "",
             "so long after the last signal that was too many; a control plane that begins anew "
             "has forgotten it"),
  };
  return table;
}

const Table<SignalRule>& signal_rule_options() {
  static const Table<SignalRule> table{
      option("name", Need::required, located(name()), &SignalRule::name, "",
             "what bans, metrics and events call it"),
      option("status", Need::optional,
             list_of("the list of statuses", located(status_range()), 1, 16), &SignalRule::statuses,
             "", "only answers with one of these HTTP statuses"),
      option("path", Need::optional,
             list_of("the list of paths", located(text(kMostPathBytes)), 1, 256),
             &SignalRule::paths, "",
             "only requests whose path begins with one of these, decoded and without \"..\""),
      option("class", Need::optional, list_of("the list of classes", located(name()), 1, 64),
             &SignalRule::classes, "",
             "only requests that the server itself has put into one of these classes"),
      option_with<SignalRule, Located<Rate>>(
          "rate", located(event_rate()),
          [](SignalRule& rule, Located<Rate> rate) { rule.rate = rate; },
          "what one source may have of them; left out: the first one is too many (honey paths)"),
      option("ban", Need::optional, duration(kSecond, 365 * kDay), &SignalRule::ban_ns, "",
             "shut the source out of the service zones for this time; longer if it is a repeat "
             "(bans.repeat_within)"),
      option("charge", Need::optional, object("a map of what it costs", signal_charge_options()),
             &SignalRule::charge, "",
             "instead of a ban: each one too many costs the source some of what per_source lets it "
             "do in the service zones, until its bucket is empty; it goes on at the zone's rate"),
      option("throttle", Need::optional,
             object("a map of how much is left, and how long", signal_throttle_options()),
             &SignalRule::throttle, "",
             "instead of a ban: for a while the source has less of every rate that per_source "
             "gives it in the service zones"),
      option("mode", Need::optional,
             one_of<Mode>({{"enforce", Mode::enforce}, {"shadow", Mode::shadow}}),
             &SignalRule::mode, "enforce",
             "shadow counts whom it would have banned and bans nobody"),
  };
  return table;
}

const Table<SignalCaps>& signal_cap_options() {
  static const Table<SignalCaps> table{
      option("signals_per_second", Need::optional, count(1, 100'000),
             &SignalCaps::signals_per_second, "1000",
             "of each server, and twice as many at once; more are not heard"),
      option("bans_per_minute", Need::optional, count(1, 6000), &SignalCaps::bans_per_minute, "60",
             "that one server may cause, and as many at once"),
      option("bans", Need::optional, count(1, 10'000), &SignalCaps::bans, "1000",
             "that one server has caused and that may hold at one time"),
      option("charges_per_second", Need::optional, count(1, 10'000),
             &SignalCaps::charges_per_second, "100",
             "that one server may cause, throttles too; in a zone that limits what they cost and "
             "has exceeded: "
             "{ban: …} they may have whoever goes on banned, beyond bans_per_minute"),
      option("throttles", Need::optional, count(1, 4096), &SignalCaps::throttles, "1000",
             "that one server has caused and that may hold at one time"),
  };
  return table;
}

}  // namespace

const Table<SignalPolicy>& signal_options() {
  static const Table<SignalPolicy> table{
      option_with<SignalPolicy, Located<SocketAddress>>(
          "listen", located(socket_address()),
          [](SignalPolicy& signals, Located<SocketAddress> listen) { signals.listen = listen; },
          "an address of this host on the servers' side, and a UDP port: where nginx's access_log "
          "syslog: sends its lines; left out: over the API alone (POST /v1/signals)"),
      option("from", Need::optional, list_of("the list of senders", located(text(64)), 1, 64),
             &SignalPolicy::from, "",
             "who may send there: servers by name, others by address; needed with listen"),
      option("rules", Need::required,
             rows_of("a list of rules", object("a map of a rule's keys", signal_rule_options()), 1,
                     64),
             &SignalPolicy::rules, "",
             "what is too much; a signal counts for each rule that it fits, of each server by "
             "itself"),
      option("most", Need::optional, object("a map of caps", signal_cap_options()),
             &SignalPolicy::most, "", "what a server can do at most, whoever has it"),
      option(
          "source_prefix", Need::optional,
          object("a map of prefix lengths", source_prefix_options()), &SignalPolicy::source_prefix,
          "",
          "how many leading bits of an address make one source: what is counted, and the largest "
          "network that is banned; as in the service zones"),
  };
  return table;
}

const Table<LookalikePolicy>& lookalike_options() {
  static const Table<LookalikePolicy> table{
      option("window", Need::optional, duration(10 * kSecond, 3600 * kSecond),
             &LookalikePolicy::window_ns, "60s",
             "so long is looked at a source for one vector; at one that does little up to ten "
             "times as long"),
      option("keep", Need::optional, duration(3600 * kSecond, 90 * kDay), &LookalikePolicy::keep_ns,
             "2d",
             "vectors that are older are deleted, within some minutes; nothing is while the "
             "database is away"),
      option("sources", Need::optional, count(16, 100'000), &LookalikePolicy::sources, "10k",
             "that are looked at at one time; what more of them do is not, and counted"),
      option("rows", Need::optional, count(1000, 20'000'000), &LookalikePolicy::rows, "1M",
             "vectors that are kept: of more the oldest are deleted, within some minutes"),
      option("within", Need::optional, percent(1, 90), &LookalikePolicy::within_percent, "6%",
             "so far apart sources count as alike, where no other distance is asked for: the root "
             "mean square of their features' differences; that they belong together it does not "
             "say"),
      option("source_prefix", Need::optional,
             object("a map of prefix lengths", source_prefix_options()),
             &LookalikePolicy::source_prefix, "",
             "how many leading bits of an address make one source; as in the service zones"),
  };
  return table;
}

}  // namespace dam::control
