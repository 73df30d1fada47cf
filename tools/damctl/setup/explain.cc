// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/explain.h"

#include "controlplane/policy/address.h"

namespace dam::ctl {

namespace {

class Words {
 public:
  explicit Words(const Answers& answers) : answers_(answers) {}

  std::vector<std::string> lines() {
    arrivals();
    network("service");
    network("management");
    names("service.names", "service", "loose limits for each client (zone light)");
    names("service.api_names", "service", "strict limits for each client (zone heavy)");
    names("management.names", "management", "served first, whatever happens to the service server");
    cards_of_dpdk();
    administrators();
    return std::move(lines_);
  }

 private:
  // Empty: none, or not known.
  std::string of(const std::string& key) const {
    const auto found = answers_.find(key);
    return found == answers_.end() || found->second.empty() ? "" : answer_text(found->second);
  }
  std::string card(const std::string& name) const {
    const std::string vlan = of(name + ".vlan");
    return of(name + ".device") + (vlan.empty() ? "" : ", VLAN " + vlan);
  }
  void cards_of_dpdk() {
    if (of("driver") != "dpdk") return;
    for (const char* name : kNetworks) {
      if (of(std::string(name) + ".device").empty()) continue;
      const std::string path = of(std::string(name) + ".host_path");
      if (path == "true")
        lines_.push_back("The host goes on beside the dam on " + card(name) + ".");
      if (path == "false")
        lines_.push_back("The host loses " + card(name) + " while the dam runs.");
    }
    if (of("dpdk.bind") != "true") return;
    lines_.push_back("The kernel lends its cards to DPDK (vfio-pci) while the dam runs.");
  }

  void arrivals() {
    const std::string addresses = of("front.public");
    if (addresses.empty()) return;
    lines_.push_back("Clients come in by " + card("front") + ", to " + addresses +
                     ": TCP 443 is routed by the server name, TCP 80 by Host and path.");
    const auto first = control::parse_address(answers_.at("front.public").front());
    if (!first || !control::is_private(*first)) return;
    lines_.push_back("The router is to pass TCP 80 and 443 of its public address on to " +
                     addresses + ", and to leave the clients' addresses as they are.");
  }

  void network(const std::string& name) {
    const std::string server = of(name + ".server");
    if (server.empty()) return;
    const std::string way =
        of(name + ".device").empty()
            ? "on a network that is there already"
            : "by " + card(name) + ", where the dam is " + of(name + ".addresses");
    lines_.push_back("The " + name + " server, " + server + ", is reached " + way + ".");
  }

  void names(const char* key, const std::string& server, const std::string& how) {
    const std::string all = of(key);
    if (all.empty()) return;
    const bool one = answers_.at(key).size() == 1;
    lines_.push_back(all + (one ? " leads" : " lead") + " to the " + server + " server: " + how +
                     ".");
  }

  void administrators() {
    const std::string who = of("admin");
    lines_.push_back(who.empty() ? "Nobody is on the admin list: who is banned, by mistake or not, "
                                   "cannot come in to lift it."
                                 : "Never banned, never denied: " + who + ".");
  }

  const Answers& answers_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> explain_answers(const Answers& answers) { return Words(answers).lines(); }

}  // namespace dam::ctl
