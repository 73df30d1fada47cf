// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/questions.h"

#include <algorithm>

#include "controlplane/policy/kinds.h"

namespace dam::ctl {

namespace {

using control::Kind;
using control::Reader;
using Read = decltype(Question::read);

std::string as_text(const std::string& value) { return value; }
std::string as_text(uint64_t value) { return std::to_string(value); }
std::string as_text(const control::Address& value) { return value.text(); }

template <class V>
Read reads(const Kind<V>& kind) {
  return [kind](Reader& reader, const YAML::Node& node) -> std::optional<std::string> {
    const auto value = kind.read(reader, node);
    if (!value) return std::nullopt;
    return as_text(*value);
  };
}

Read reads_interface_address() {
  return [kind = control::interface_address()](Reader& reader, const YAML::Node& node) {
    const auto value = kind.read(reader, node);
    return value ? std::optional(value->text()) : std::nullopt;
  };
}

// One address as itself, without /32.
Read reads_network() {
  return [kind = control::network()](Reader& reader,
                                     const YAML::Node& node) -> std::optional<std::string> {
    const auto value = kind.read(reader, node);
    if (!value) return std::nullopt;
    const bool one = value->prefix_bits == value->address.bits();
    return one ? value->address.text() : value->text();
  };
}

Read reads_word(const std::vector<std::pair<std::string, std::string>>& words) {
  return reads(control::one_of<std::string>(words));
}

Question ask(const std::string& key, const std::string& asks, const std::string& example, Read read,
             Path path) {
  Question question;
  question.key = key;
  question.asks = asks;
  question.example = example;
  question.read = std::move(read);
  question.path = std::move(path);
  question.asked = true;
  return question;
}

Question many(Question question) {
  question.many = true;
  return question;
}
Question or_none(Question question) {
  question.none = true;
  return question;
}
Question quiet(Question question) {
  question.asked = false;
  return question;
}

// The card, its VLAN and the dam's addresses of one of the networks.
void add_network(std::vector<Question>& list, const std::string& name, const std::string& towards) {
  const Path place{"interfaces", name};
  const auto at = [&](const char* key) { return Path{"interfaces", name, key}; };
  Question device = ask(name + ".device", "Which card leads to " + towards + "?", "enp1s0",
                        reads(control::device()), at("device"));
  Question vlan = quiet(or_none(ask(name + ".vlan", "On which VLAN of it?", "10",
                                    reads(control::integer(1, 4094)), at("vlan"))));
  Question addresses =
      many(ask(name + ".addresses", "The dam's own addresses there, with prefix length?",
               "198.51.100.2/24", reads_interface_address(), at("addresses")));
  if (name != "front") {
    device = or_none(device);
    device.whole = place;
    vlan.needs = addresses.needs = device.key;
  }
  for (Question& one : {std::ref(device), std::ref(vlan), std::ref(addresses)}) list.push_back(one);
}

void add_server(std::vector<Question>& list, const std::string& name) {
  const std::string http = name + "-http";
  Question server =
      many(ask(name + ".server", "The address of the " + name + " server?", "198.18.1.10",
               reads(control::host_address()), {"servers", name, "addresses"}));
  server.followers = {{"servers", http, "addresses"}};
  list.push_back(server);
  const auto port = [&](const char* key, const char* what, const std::string& of) {
    list.push_back(quiet(ask(name + key, std::string("Its port for ") + what + "?", "443",
                             reads(control::integer(1, 65'535)), {"servers", of, "port"})));
  };
  port(".port", "HTTPS", name);
  port(".http_port", "plain HTTP", http);
  Question proxy = quiet(ask(name + ".proxy", "Which PROXY header tells it who the client is?",
                             "v2", reads_word({{"v2", "v2"}, {"v1", "v1"}, {"none", "none"}}),
                             {"servers", name, "proxy"}));
  proxy.followers = {{"servers", http, "proxy"}};
  proxy.otherwise = "v2";
  list.push_back(proxy);
}

void add_names(std::vector<Question>& list) {
  const auto names = [](const char* key, const char* asks, const char* example,
                        const std::string& route, const std::string& plain) {
    Question question = many(
        ask(key, asks, example, reads(control::server_name()), {"routes", route, "server_names"}));
    question.followers = {{"routes", plain, "server_names"}};
    return question;
  };
  list.push_back(names("service.names", "Names of its pages and files (zone light)?",
                       "example.org, www.example.org", "pages", "plain"));
  Question api = or_none(names("service.api_names",
                               "Names of its APIs and back ends, which get strict limits (zone "
                               "heavy)?",
                               "api.example.org", "api", "plain"));
  api.whole = {"routes", "api"};
  list.push_back(api);
}

// What DPDK takes from the host, and what it leaves it. Asked once the driver is known.
void add_dpdk(std::vector<Question>& list) {
  const auto yes_or_no = reads_word({{"true", "true"}, {"false", "false"}});
  for (const char* name : kNetworks) {
    Question path = quiet(or_none(ask(
        std::string(name) + ".host_path",
        "DPDK takes the whole card that leads to " + std::string(name) +
            ": does the host go on beside the dam there (SSH, DHCP, its own traffic)? false: it "
            "may lose it; none: only a card that it does not use is taken",
        "true", yes_or_no, {"interfaces", name, "host_path"})));
    path.with_driver = "dpdk";
    if (std::string(name) != "front") path.needs = std::string(name) + ".device";
    list.push_back(path);
  }
  Question bind =
      ask("dpdk.bind",
          "Is DPDK to take the cards from the kernel while the dam runs (vfio-pci), which is "
          "fastest? false: they stay the kernel's, by AF_XDP",
          "true", yes_or_no, {"dpdk", "bind"});
  bind.otherwise = "false";
  bind.with_driver = "dpdk";
  list.push_back(bind);
}

std::vector<Question> make_questions() {
  std::vector<Question> list;
  add_network(list, "front", "the router, where clients come in");
  Question gateway =
      or_none(many(ask("front.gateway", "The router's address there?", "198.51.100.1",
                       reads(control::host_address()), {"interfaces", "front", "gateway"})));
  list.push_back(gateway);
  add_network(list, "service", "the service server");
  add_server(list, "service");
  add_names(list);
  add_network(list, "management", "the management server");
  add_server(list, "management");
  Question names =
      many(ask("management.names", "Names of the management server?", "manage.example.org",
               reads(control::server_name()), {"routes", "management", "server_names"}));
  names.followers = {{"routes", "acme-management", "server_names"}};
  list.push_back(names);
  // Asked here: which families the servers have is known by now.
  Question public_addresses =
      many(ask("front.public", "At which addresses do clients' packets arrive?", "198.51.100.2",
               reads(control::host_address()), {"listeners", "https", "addresses"}));
  public_addresses.followers = {{"listeners", "http", "addresses"}};
  list.push_back(public_addresses);
  list.push_back(ask("driver", "How do packets reach the dam: xdp, dpdk or auto?", "xdp",
                     reads_word({{"auto", "auto"}, {"xdp", "xdp"}, {"dpdk", "dpdk"}}), {"driver"}));
  list.back().otherwise = "auto";
  add_dpdk(list);
  list.push_back(
      or_none(many(ask("admin", "From where do administrators come, who are never banned?",
                       "203.0.113.7, 198.18.2.0/24", reads_network(), {"admin"}))));
  return list;
}

bool is_none(const YAML::Node& node, const Question& question) {
  return question.none && node.IsScalar() && node.Scalar() == "none";
}

}  // namespace

bool Question::applies(const Answers& answers) const {
  const auto driver = answers.find("driver");
  const bool other = driver == answers.end() || driver->second != Strings{with_driver};
  if (!with_driver.empty() && other) return false;
  if (needs.empty()) return true;
  const auto found = answers.find(needs);
  return found != answers.end() && !found->second.empty();
}

std::string Question::normal(const std::string& value) const {
  control::Problems unheard("");
  Reader reader(unheard);
  return read(reader, YAML::Node(value)).value_or(value);
}

const std::vector<Question>& questions() {
  static const std::vector<Question> list = make_questions();
  return list;
}

const Question& question(const std::string& key) {
  const auto found = std::find_if(questions().begin(), questions().end(),
                                  [&key](const Question& one) { return one.key == key; });
  return *found;
}

std::optional<Strings> read_answer(Reader& reader, const YAML::Node& node,
                                   const Question& question) {
  constexpr size_t kMost = 65'536;  // as dam.yaml's lists
  if (is_none(node, question)) return Strings{};
  const Kind<std::string> one{"", {}, question.read};
  const auto values = [&]() -> std::optional<Strings> {
    if (question.many) {
      return control::list_of("the list", one, question.none ? 0 : 1, kMost).read(reader, node);
    }
    const auto value = question.read(reader, node);
    return value ? std::optional(Strings{*value}) : std::nullopt;
  };
  const size_t errors = reader.problems().errors();
  auto result = values();
  return reader.problems().errors() == errors ? result : std::nullopt;
}

}  // namespace dam::ctl
