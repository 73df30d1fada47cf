// SPDX-License-Identifier: BSD-3-Clause
// The servers: what the policy says of them, what people have said, what checks and probes found.
#include "controlplane/api/views.h"
#include "controlplane/dataplane_link/counters_reader.h"

namespace dam::control {

namespace {

Json options_view(const dam_server_state& state) {
  Json options = Json::array();
  constexpr const char* kOptions[] = {"sack", "timestamps", "ecn", "window_scale"};
  for (int bit = 0; bit < 4; ++bit) {
    if ((state.options >> bit & 1) != 0) options.push_back(kOptions[bit]);
  }
  return options;
}

const char* proxy_text(Proxy proxy) {
  constexpr const char* kTexts[] = {"none", "v1", "v2"};
  return kTexts[static_cast<int>(proxy)];
}

const char* verdict_text(const ServerHealth& health) {
  if (health.unchecked) return "unchecked";
  constexpr const char* kTexts[] = {"unknown", "up", "down"};
  return kTexts[static_cast<int>(health.verdict)];
}

Json health_view(const ServerHealth& health) {
  Json findings = Json::array();
  for (const Finding& finding : health.findings) {
    findings.push_back({{"kind", finding_name(finding.kind)},
                        {"fails", finding.fails},
                        {"message", finding.message},
                        {"hint", finding.hint}});
  }
  Json view = {{"verdict", verdict_text(health)}, {"findings", findings}};
  if (health.changed_unix != 0) view["changed_at"] = health.changed_unix;
  if (health.last_unix != 0) {
    view["last"] = {{"at", health.last_unix},
                    {"well", health.last_well},
                    {"words", health.words},
                    {"seconds", health.last_seconds}};
  }
  if (health.certificate_ends_unix != 0) {
    view["certificate_ends_at"] = health.certificate_ends_unix;
  }
  return view;
}

void add_counters(const Sight& sight, const std::string& name, Json& view) {
  const int slot = sight.counters ? server_slot(*sight.counters, name) : -1;
  if (slot < 0) return;
  const dam_server_state& state = sight.counters->servers[slot];
  const dam_server_counters sum = server_total(*sight.counters, slot);
  view["up"] = state.up == 1;
  view["mss"] = state.mss;
  view["tcp_options"] = options_view(state);
  view["connections_opened"] = sum.connections_opened;
  view["connections_open"] = sum.connections_opened - sum.connections_closed;
  view["connect_failures"] = sum.connect_failures;
}

Json server_view(const Sight& sight, const Named<Server>& server) {
  const auto found = sight.servers.find(server.name);
  const ServerSight known = found != sight.servers.end() ? found->second : ServerSight();
  Json view = {{"name", server.name},
               {"addresses", addresses_of(server.value.addresses)},
               {"port", server.value.port},
               {"proxy", proxy_text(server.value.proxy)},
               {"weight", known.word.weight != 0 ? known.word.weight : server.value.weight},
               {"policy_weight", server.value.weight},
               {"state", intake_text(known.word.intake)}};
  if (known.word.at_unix != 0) {
    view["said"] = {{"author", known.word.author}, {"at", known.word.at_unix}};
  }
  if (known.health) view["health"] = health_view(*known.health);
  add_counters(sight, server.name, view);
  return view;
}

}  // namespace

Json servers_view(const Sight& sight) {
  Json servers = Json::array();
  if (sight.running) {
    for (const auto& server : sight.running->policy->servers) {
      servers.push_back(server_view(sight, server));
    }
  }
  return {{"sampled_at", sampled_at()}, {"servers", servers}};
}

}  // namespace dam::control
