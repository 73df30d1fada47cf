// SPDX-License-Identifier: BSD-3-Clause
// Zones: their limits, and what becomes of who is over them.
#include "controlplane/policy/option_tables.h"

namespace dam::control {

namespace {

const Table<Ban>& ban_options() {
  static const Table<Ban> table{
      option("after", Need::required, integer(1, 1'000'000), &Ban::after, "",
             "so many packets or connections over a limit"),
      option("within", Need::required, duration(kSecond / 10, kDay), &Ban::within_ns, "",
             "in this time"),
      option("for", Need::required, duration(kSecond, 365 * kDay), &Ban::for_ns, "",
             "shut the source out of the zone for this time"),
  };
  return table;
}

const Kind<Exceeded>& exceeded() {
  static const auto word = one_of<Action>({{"drop", Action::drop}, {"reset", Action::reset}});
  static const Table<Exceeded> ban_table{
      option("ban", Need::required, object("a ban", ban_options()), &Exceeded::ban, "",
             "drop, and after repeated violations ban the source")};
  static const auto ban = object("drop, reset or {ban: …}", ban_table);
  static const Kind<Exceeded> kind{
      "drop, reset or {ban: …}", Json{{"anyOf", {word.schema, ban.schema}}},
      [](Reader& reader, const YAML::Node& node) -> std::optional<Exceeded> {
        if (!node.IsScalar()) {
          auto value = ban.read(reader, node);
          if (value) value->action = Action::ban;
          return value;
        }
        if (node.Scalar() == "ban") {
          reader.problems().error(mark_of(node), "a ban needs its numbers",
                                  "write {ban: {after: 20, within: 10s, for: 10m}}");
          return std::nullopt;
        }
        const auto action = word.read(reader, node);
        if (!action) return std::nullopt;
        return Exceeded{*action, {}};
      }};
  return kind;
}

}  // namespace

const Table<Buckets>& bucket_options() {
  static const Table<Buckets> table{
      option("packets", Need::optional, event_rate(), &Buckets::packets, "none",
             "packets from the client"),
      option("bytes_up", Need::optional, byte_rate(), &Buckets::bytes_up, "none",
             "bytes from the client"),
      option("bytes_down", Need::optional, byte_rate(), &Buckets::bytes_down, "none",
             "bytes to the client"),
      option("connections", Need::optional, event_rate(), &Buckets::connections, "none",
             "new connections"),
      option("requests", Need::optional, event_rate(), &Buckets::requests, "none",
             "HTTP requests: of plain HTTP exactly, inside TLS by the sizes of records, rather too "
             "few "
             "than too many (config/README.md)"),
      option("concurrent", Need::optional, at_most(), &Buckets::concurrent, "none",
             "open connections at one time"),
  };
  return table;
}

const Table<SourcePrefix>& source_prefix_options() {
  static const Table<SourcePrefix> table{
      option("ipv4", Need::optional, integer(8, 32), &SourcePrefix::ipv4_bits, "32",
             "bits of an IPv4 address"),
      option("ipv6", Need::optional, integer(16, 128), &SourcePrefix::ipv6_bits, "64",
             "bits of an IPv6 address"),
  };
  return table;
}

const Table<Zone>& zone_options() {
  static const Table<Zone> table{
      option("management", Need::optional, boolean(), &Zone::management, "false",
             "this zone leads to the management server: served first, with a reserved share"),
      option("mode", Need::optional,
             one_of<Mode>({{"enforce", Mode::enforce}, {"shadow", Mode::shadow}}), &Zone::mode,
             "enforce", "shadow counts what would have been refused and lets it by"),
      option(
          "exceeded", Need::optional, exceeded(), &Zone::exceeded, "drop",
          "what happens to traffic over a limit: drop, reset, or {ban: {after, within, for}}; over "
          "a "
          "total limit, of which no single source is guilty, packets of standing connections are "
          "only dropped and nobody is banned"),
      option("per_source", Need::optional, object("a map of limits", bucket_options()),
             &Zone::per_source, "", "limits of each source on its own"),
      option("total", Need::optional, object("a map of limits", bucket_options()), &Zone::total, "",
             "limits of all sources together: they protect the server; they ban nobody and end no "
             "standing connection"),
      option(
          "key", Need::optional,
          one_of<ZoneKey>({{"source", ZoneKey::source},
                           {"ja4", ZoneKey::ja4},
                           {"source+ja4", ZoneKey::source_ja4}}),
          &Zone::key, "source",
          "what `per_source` takes for one source: an address, a kind of clients (all that share "
          "a JA4 fingerprint, whatever their addresses) or both. By address are told apart "
          "clients without a ClientHello. Clients choose their fingerprint: `total` holds those "
          "who change it. Another key makes another zone of that name, for new connections"),
      option("source_prefix", Need::optional,
             object("a map of prefix lengths", source_prefix_options()), &Zone::source_prefix, "",
             "how many leading bits of an address make one source"),
  };
  return table;
}

}  // namespace dam::control
