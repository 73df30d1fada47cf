// SPDX-License-Identifier: BSD-3-Clause
// damctl doctor: the machine and its interfaces, as the dam would meet them.
#include <unistd.h>

#include <iostream>

#include "controlplane/api/problem_json.h"
#include "controlplane/policy/load.h"
#include "dataplane/drivers/netdev/offloads.h"
#include "tools/damctl/client.h"
#include "tools/damctl/commands.h"
#include "tools/damctl/doctor/diagnosis.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/show_problems.h"
#include "tools/damctl/ssh_client.h"

namespace dam::ctl {

namespace {

Wishes wishes_for(const std::vector<std::string>& devices) {
  Wishes wishes;
  for (const std::string& device : devices) {
    Wishes::Interface& one = wishes.interfaces.emplace_back();
    one.name = device;
    one.device = device;
  }
  return wishes;
}

const char* word(Known known) {
  if (known == Known::unknown) return "unknown";
  return known == Known::yes ? "yes" : "no";
}

Json json_of(const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& one : findings) {
    list.push_back({{"level", word(one.level)}, {"says", one.says}, {"command", one.command}});
  }
  return list;
}

Json json_of(const DeviceFacts& device) {
  Json json = {{"device", device.name}};
  if (device.kind == DeviceKind::pci) json["kernel_driver"] = device.pci_driver;
  if (device.kind != DeviceKind::kernel_interface || !device.link.exists) return json;
  json["kernel_driver"] = device.link.driver;
  json["up"] = device.link.up;
  json["mtu"] = device.link.mtu;
  json["queues"] = device.link.rx_queues;
  json["xdp_native"] = word(device.xdp.native);
  json["xdp_zero_copy"] = word(device.xdp.zero_copy);
  json["xdp_says"] = device.xdp.source;
  json["xdp_program"] = device.program ? Json(describe(*device.program)) : Json(nullptr);
  json["offloads_on"] = names_of_offloads(device.offloads_on);
  json["host_addresses"] = device.host.addresses;
  json["default_route"] = device.host.default_route;
  return json;
}

void print_json(const Diagnosis& diagnosis) {
  const Facts& facts = diagnosis.facts;
  Json body = {{"driver", facts.driver},
               {"driver_reason", facts.driver_reason},
               {"problems", diagnosis.count(Level::problem)},
               {"warnings", diagnosis.count(Level::warning)},
               {"root", facts.machine.root},
               {"machine", json_of(diagnosis.machine)}};
  body["interfaces"] = Json::array();
  for (size_t i = 0; i < facts.devices.size(); ++i) {
    Json device = json_of(facts.devices[i]);
    device["findings"] = json_of(diagnosis.devices[i]);
    body["interfaces"].push_back(std::move(device));
  }
  std::cout << body.dump(2) << "\n";
}

void print(const std::vector<Finding>& findings, const Style& style) {
  for (const Finding& one : findings) {
    const std::string label =
        word(one.level) + std::string(9 - std::string(word(one.level)).size(), ' ');
    std::cout << "  ";
    if (one.level == Level::problem) std::cout << style.red(label);
    if (one.level == Level::warning) std::cout << style.yellow(label);
    if (one.level == Level::note) std::cout << style.dim(label);
    if (one.level == Level::fine) std::cout << style.green(label);
    std::cout << one.says << "\n";
    if (!one.command.empty()) std::cout << "           " << style.bold(one.command) << "\n";
  }
}

void print(const Diagnosis& diagnosis, const Style& style) {
  const Facts& facts = diagnosis.facts;
  std::cout << style.bold("driver") << " " << facts.driver;
  if (!facts.driver_reason.empty()) std::cout << " (auto): " << facts.driver_reason;
  std::cout << "\n" << style.bold("this machine") << "\n";
  print(diagnosis.machine, style);
  for (size_t i = 0; i < facts.devices.size(); ++i) {
    std::cout << style.bold(facts.devices[i].name) << "\n";
    print(diagnosis.devices[i], style);
  }
  const long problems = diagnosis.count(Level::problem);
  const long warnings = diagnosis.count(Level::warning);
  std::cout << problems << " problem(s), " << warnings << " warning(s).\n";
}

}  // namespace

int run_doctor(const Settings& settings, const std::string& file, const std::string& driver,
               const std::vector<std::string>& devices) {
  Wishes wishes = wishes_for(devices);
  if (devices.empty()) {
    const control::Loaded loaded = control::load_policy_file(file);
    if (!loaded.policy) {
      show_problems(std::cerr, loaded.problems, file, loaded.text,
                    Style(wants_colour(STDERR_FILENO)));
      std::cerr << "Without a policy: damctl doctor INTERFACE …  (see: ip -br link)\n";
      return kRefused;
    }
    wishes = wishes_of(*loaded.policy);
  }
  if (!driver.empty()) wishes.driver = driver;
  Facts facts = gather(wishes);
  const SshSession session = ssh_session();
  facts.network.session_client = session.client;
  facts.network.session_server = session.server;
  const Diagnosis diagnosis = diagnose(std::move(facts));
  if (settings.json) {
    print_json(diagnosis);
  } else {
    print(diagnosis, Style(wants_colour(STDOUT_FILENO)));
  }
  return diagnosis.count(Level::problem) > 0 ? kRefused : kOk;
}

}  // namespace dam::ctl
