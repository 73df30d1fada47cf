// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/proposals.h"

#include <algorithm>

#include "controlplane/policy/address.h"
#include "tools/damctl/setup/proposals_dpdk.h"

namespace dam::ctl {

namespace {

const Strings* find_answer(const Answers& answers, const std::string& key) {
  const auto found = answers.find(key);
  return found == answers.end() ? nullptr : &found->second;
}

std::string first_answer(const Answers& answers, const std::string& key) {
  const Strings* found = find_answer(answers, key);
  return found == nullptr || found->empty() ? "" : found->front();
}

bool among(const Strings& list, const std::string& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

// A card or a VLAN of it, by the host's device there.
const HostLink* link_at(const HostNetwork& network, const std::string& device,
                        const std::string& vlan) {
  if (vlan.empty()) return network.link(device);
  for (const HostLink& link : network.links) {
    if (link.port == device && std::to_string(link.vlan) == vlan) return &link;
  }
  return nullptr;
}

const HostLink* link_of(const HostNetwork& network, const Answers& answers,
                        const std::string& name) {
  return link_at(network, first_answer(answers, name + ".device"),
                 first_answer(answers, name + ".vlan"));
}

std::string card_of(const HostLink& link) { return link.vlan == 0 ? link.name : link.port; }

// Those in use first.
std::vector<const HostLink*> usable(const HostNetwork& network) {
  std::vector<const HostLink*> links;
  for (const HostLink& link : network.links) {
    if (!link.addresses.empty()) links.push_back(&link);
  }
  for (const HostLink& link : network.links) {
    if (link.addresses.empty() && (link.up || link.driver == "vfio-pci")) links.push_back(&link);
  }
  return links;
}

const HostLink* way_out(const HostNetwork& network) {
  for (const DefaultRoute& route : network.routes) {
    if (const HostLink* link = network.link(route.device)) return link;
  }
  return nullptr;
}

// What no network has taken yet, in the order of usable().
const HostLink* next_link(const HostNetwork& network, const Answers& answers) {
  for (const HostLink* link : usable(network)) {
    bool taken = false;
    for (const char* name : kNetworks) {
      taken = taken || link_of(network, answers, name) == link;
    }
    if (!taken) return link;
  }
  return nullptr;
}

std::optional<Proposal> propose_front_device(const HostNetwork& network) {
  if (const HostLink* link = way_out(network)) {
    return Proposal{{card_of(*link)}, "the host reaches the world by it"};
  }
  const auto links = usable(network);
  if (links.empty()) return std::nullopt;
  return Proposal{{card_of(*links.front())},
                  links.size() == 1 ? "there is no other card" : "the first that is in use"};
}

Proposal propose_device(const HostNetwork& network, const Answers& answers) {
  const HostLink* link = next_link(network, answers);
  if (link == nullptr) {
    return {{}, "no card is left: it is reached on the network of one that was named"};
  }
  return {{card_of(*link)},
          link->vlan != 0 ? "the host has VLAN " + std::to_string(link->vlan) + " on it"
                          : "a card of its own keeps this network apart"};
}

// Only where the host's own device there led to the proposal of the card.
Proposal propose_vlan(const HostNetwork& network, const Answers& answers, const std::string& name) {
  const std::string device = first_answer(answers, name + ".device");
  Answers before = answers;
  before.erase(name + ".device");
  const HostLink* link = name == "front" ? way_out(network) : next_link(network, before);
  const bool there = link != nullptr && link->vlan != 0 && link->port == device;
  if (!there) return {{}, "frames without a tag"};
  return {{std::to_string(link->vlan)}, "the host's device there is " + link->name, true};
}

std::optional<Proposal> propose_addresses(const HostNetwork& network, const Answers& answers,
                                          const std::string& name) {
  const HostLink* link = link_of(network, answers, name);
  if (link == nullptr || link->addresses.empty()) return std::nullopt;
  return Proposal{link->addresses, "the host has them on " + link->name};
}

Proposal propose_gateway(const HostNetwork& network, const Answers& answers) {
  Strings gateways;
  const HostLink* link = link_of(network, answers, "front");
  for (const DefaultRoute& route : network.routes) {
    const bool here = link != nullptr && route.device == link->name && !route.gateway.empty();
    if (here && !among(gateways, route.gateway)) gateways.push_back(route.gateway);
  }
  return {gateways, gateways.empty() ? "the host has no route to the world there"
                                     : "the host's default route"};
}

bool has_family(const Answers& answers, const std::string& key, bool v6) {
  const Strings* list = find_answer(answers, key);
  return list == nullptr || std::any_of(list->begin(), list->end(), [v6](const std::string& one) {
           return (one.find(':') != std::string::npos) == v6;
         });
}

// Does a router lead there? Where none is known, everything is as good.
bool is_routed(const control::Network& own, const Strings& gateways) {
  return gateways.empty() ||
         std::any_of(gateways.begin(), gateways.end(), [&own](const std::string& gateway) {
           const auto address = control::parse_address(gateway);
           return address && address->v6 == own.address.v6 &&
                  (own.contains(*address) || control::is_link_local(*address));
         });
}

// Of a family that both servers have, else their connections would lead nowhere.
std::optional<Proposal> propose_public(const Answers& answers) {
  const Strings* own = find_answer(answers, "front.addresses");
  const Strings* gateways = find_answer(answers, "front.gateway");
  if (own == nullptr) return std::nullopt;
  Proposal proposal;
  std::string unserved;
  for (const std::string& text : *own) {
    const auto network = control::parse_network(text);
    if (!network || !is_routed(*network, gateways != nullptr ? *gateways : Strings{})) continue;
    const bool v6 = network->address.v6;
    if (has_family(answers, "service.server", v6) && has_family(answers, "management.server", v6)) {
      proposal.value.push_back(network->address.text());
    } else {
      unserved = v6 ? "; not by IPv6, which a server lacks" : "; not by IPv4, which a server lacks";
    }
  }
  if (proposal.value.empty()) return std::nullopt;
  const bool nat = control::is_private(*control::parse_address(proposal.value.front()));
  proposal.why = (nat ? "the router has the public address: it is to pass TCP 80 and 443 on to "
                        "these, with the clients' own addresses"
                      : "this host has the public address itself") +
                 unserved;
  return proposal;
}

// The one neighbour that is no router and nobody's yet.
std::optional<Proposal> propose_server(const HostNetwork& network, const Answers& answers,
                                       const std::string& name) {
  const Strings* devices = find_answer(answers, name + ".device");
  const bool own = devices != nullptr && !devices->empty();
  const HostLink* link = link_of(network, answers, own ? name : "front");
  if (link == nullptr) return std::nullopt;
  Strings found[2];
  for (const Neighbour& one : network.neighbours) {
    const bool router =
        std::any_of(network.routes.begin(), network.routes.end(),
                    [&](const auto& route) { return route.gateway == one.address; });
    const Strings* other = find_answer(answers, "service.server");
    const bool taken = other != nullptr && among(*other, one.address);
    if (one.device == link->name && !router && !taken) {
      found[one.address.find(':') != std::string::npos].push_back(one.address);
    }
  }
  Strings chosen;
  for (const Strings& family : found) {
    if (family.size() == 1) chosen.push_back(family.front());
  }
  if (chosen.empty()) return std::nullopt;
  return Proposal{chosen, "the only neighbour on " + link->name};
}

Proposal propose_proxy(const Host& host, const Answers& answers, const std::string& name) {
  const std::string address = first_answer(answers, name + ".server");
  const std::string port = first_answer(answers, name + ".port");
  const std::string seen =
      address.empty() ? "" : host.proxy_of(address, static_cast<uint16_t>(std::stoul(port)));
  if (seen.empty() || seen == "v2") return {{"v2"}, ""};
  if (seen == "v1") return {{"v1"}, "it answers to that, and not to v2", true};
  return {{"none"},
          "it answers only without a header, and so never learns who the client is; better have it "
          "read one (nginx: listen 443 ssl proxy_protocol) and answer v2",
          true};
}

Proposal propose_driver(const Host& host, const Answers& answers) {
  std::vector<std::string> devices;
  for (const char* name : kNetworks) {
    const std::string device = first_answer(answers, std::string(name) + ".device");
    if (!device.empty() && !among(devices, device)) devices.push_back(device);
  }
  const DriverChoice choice = host.choose(devices);
  return {{choice.driver}, choice.reason};
}

Proposal propose_admin(const HostNetwork& network, const Strings& present) {
  const std::string& client = network.session_client;
  const auto address = control::parse_address(client);
  const bool known =
      !address || std::any_of(present.begin(), present.end(), [&](const std::string& one) {
        const auto range = control::parse_network(one);
        return range && range->contains(*address);
      });
  Proposal proposal{present, present.empty() ? "" : "as in dam.yaml"};
  if (!known) {
    proposal.value.push_back(client);
    proposal.why = "you are logged in from " + client;
  }
  return proposal;
}

// Of a card that is another one now, dam.yaml says nothing.
bool still_holds(const Question& question, const Answers& present, const Answers& answers) {
  const std::string name = question.key.substr(0, question.key.find('.'));
  const bool of_card = question.key == name + ".vlan" || question.key == name + ".addresses" ||
                       question.key == name + ".host_path" || question.key == "front.gateway" ||
                       question.key == "front.public";
  const std::string device = name + ".device";
  return !of_card || first_answer(present, device) == first_answer(answers, device);
}

std::optional<Proposal> of_host(const Question& question, const Host& host,
                                const Answers& answers) {
  const std::string& key = question.key;
  const std::string name = key.substr(0, key.find('.'));
  if (key == "front.device") return propose_front_device(host.network);
  if (key.ends_with(".device")) return propose_device(host.network, answers);
  if (key.ends_with(".vlan")) return propose_vlan(host.network, answers, name);
  if (key.ends_with(".addresses")) return propose_addresses(host.network, answers, name);
  if (key == "front.gateway") return propose_gateway(host.network, answers);
  if (key == "front.public") return propose_public(answers);
  if (key.ends_with(".server")) return propose_server(host.network, answers, name);
  if (key.ends_with(".http_port")) return Proposal{{"80"}, ""};
  if (key.ends_with(".port")) return Proposal{{"443"}, ""};
  if (key.ends_with(".proxy")) return propose_proxy(host, answers, name);
  if (key == "driver") return propose_driver(host, answers);
  if (key.ends_with(".host_path")) return propose_host_path(host.network, answers, name);
  if (key == "dpdk.bind") return propose_bind(host.network, answers);
  if (question.none) return Proposal{{}, ""};
  return std::nullopt;
}

}  // namespace

std::optional<Proposal> propose(const Question& question, const Host& host, const Answers& present,
                                const Answers& answers) {
  const Strings* now = find_answer(present, question.key);
  if (question.key == "admin") return propose_admin(host.network, now ? *now : Strings{});
  if (now != nullptr && still_holds(question, present, answers)) {
    return Proposal{*now, "as in dam.yaml"};
  }
  return of_host(question, host, answers);
}

std::string settle_vlan(const std::string& key, const Host& host, Answers& answers,
                        Answers& given) {
  if (!key.ends_with(".device")) return "";
  const HostLink* link = host.network.link(first_answer(answers, key));
  if (link == nullptr || link->vlan == 0) return "";
  const std::string vlan = key.substr(0, key.find('.')) + ".vlan";
  answers[key] = {link->port};
  given[vlan] = {std::to_string(link->vlan)};
  return link->name + " is VLAN " + std::to_string(link->vlan) + " of " + link->port +
         ": the dam takes the card, and that VLAN of it";
}

}  // namespace dam::ctl
