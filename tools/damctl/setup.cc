// SPDX-License-Identifier: BSD-3-Clause
// damctl setup: looks at the host, asks, proposes a dam.yaml, shows what would change, writes it
// and puts it in force. What decides lies in setup/.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "controlplane/api/problem_json.h"
#include "controlplane/policy/load.h"
#include "controlplane/state/text_diff.h"
#include "tools/damctl/commands.h"
#include "tools/damctl/doctor/diagnosis.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/outcome.h"
#include "tools/damctl/setup/dialog.h"
#include "tools/damctl/setup/explain.h"
#include "tools/damctl/setup/policy_file.h"
#include "tools/damctl/setup/probes.h"
#include "tools/damctl/setup_apply.h"
#include "tools/damctl/show_problems.h"
#include "tools/damctl/ssh_client.h"

namespace dam::ctl {

namespace {

using control::Problem;

class Setup {
 public:
  Setup(const Settings& settings, const SettingUp& how);
  int run();

 private:
  bool read_present_file();
  bool read_given();
  bool collect();
  bool make_text();
  void look();
  void show();
  int carry_out();
  int finish(const Written& written, const InForce& force, bool running);
  bool refuse(const std::string& why);
  bool refuse(const std::vector<Problem>& problems, const std::string& file,
              const std::string& text);
  int print_json(int code);
  bool differs() const { return !before_ || *before_ != edited_.text; }

  const Settings& settings_;
  const SettingUp& how_;
  const bool asks_;
  std::ostream silent_{nullptr};
  std::ostream& out_;
  const Style style_;
  std::optional<std::string> before_;  // the text of dam.yaml
  Present present_;
  Answers given_;
  Host host_;
  Answers answers_;
  Edited edited_;
  std::optional<control::Policy> policy_;
  Diagnosis diagnosis_;
  std::vector<ServerLook> servers_;
  Json json_ = Json::object();
};

std::ostream& stream_for(const Settings& settings, const SettingUp& how, std::ostream& silent) {
  if (settings.json) return silent;
  return how.print_answers ? std::cerr : std::cout;
}

Setup::Setup(const Settings& settings, const SettingUp& how)
    : settings_(settings),
      how_(how),
      asks_(isatty(STDIN_FILENO) == 1 && how.answers.empty() && !how.yes && !settings.json),
      out_(stream_for(settings, how, silent_)),
      style_(!settings.json && wants_colour(how.print_answers ? STDERR_FILENO : STDOUT_FILENO)) {}

bool Setup::refuse(const std::string& why) {
  json_["error"] = why;
  if (!settings_.json) std::cerr << "damctl: " << why << ".\n";
  return false;
}

bool Setup::refuse(const std::vector<Problem>& problems, const std::string& file,
                   const std::string& text) {
  json_.update(control::problems_to_json(problems));
  if (settings_.json) return false;
  show_problems(std::cerr, problems, file, text, Style(wants_colour(STDERR_FILENO)));
  std::cerr << file << " is refused: " << count_problems(problems) << ". Nothing has changed.\n";
  return false;
}

bool Setup::read_present_file() {
  // Not "there is none" where one may not look: a folder that is root's.
  std::error_code ignored;
  const auto status = std::filesystem::symlink_status(how_.file, ignored);
  if (status.type() == std::filesystem::file_type::not_found) return true;
  const control::Loaded loaded = control::load_policy_file(how_.file);
  if (!loaded.policy) return refuse(loaded.problems, how_.file, loaded.text);
  before_ = loaded.text;
  present_ = read_present(loaded.text);
  return true;
}

bool Setup::read_given() {
  if (how_.answers.empty()) return true;
  std::ifstream in(how_.answers, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return refuse(how_.answers + " cannot be read");
  AnswersFile file = read_answers(text.str(), how_.answers);
  if (!file.problems.empty()) return refuse(file.problems, how_.answers, text.str());
  given_ = std::move(file.answers);
  return true;
}

Host this_host() {
  Host host;
  host.network = look_at_network();
  host.network.session_client = ssh_session().client;
  host.choose = [](const std::vector<std::string>& devices) {
    return choose_driver(look_at_host(devices, 1, false));
  };
  host.proxy_of = proxy_that_works;
  return host;
}

bool Setup::collect() {
  host_ = this_host();
  // Unattended, a dam.yaml that is there is changed by what was asked for alone.
  if (!asks_ && before_) host_.network.session_client.clear();
  if (asks_) {
    out_ << "This host:\n";
    for (const std::string& line : lines_about(host_.network)) out_ << "  " << line << "\n";
    out_ << (before_ ? "Enter keeps what " + how_.file + " says.\n"
                     : "There is no " + how_.file + " yet. Enter takes what is proposed.\n");
  }
  auto collected =
      collect_answers({asks_, how_.all, style_}, host_, present_, given_, std::cin, out_);
  if (!collected) return refuse("nobody answers any more: nothing has changed");
  answers_ = std::move(collected->answers);
  if (collected->missing.empty() || how_.print_answers) return true;
  std::string why = "no answer, and nothing to propose, for ";
  for (size_t i = 0; i < collected->missing.size(); ++i) {
    const Question& one = question(collected->missing[i]);
    why += "\n  " + one.key + ": " + one.asks + " E.g. " + one.example;
  }
  return refuse(why + "\n  All keys: damctl setup --print-answers");
}

bool Setup::make_text() {
  const bool apis =
      answers_.contains("service.api_names") && !answers_["service.api_names"].empty();
  edited_ = with_answers(before_ ? *before_ : fresh_policy(apis), answers_);
  if (!edited_.by_hand.empty()) {
    std::string why = how_.file +
                      " is written in a way in which setup cannot change this without harm to the "
                      "rest. Nothing has changed; by hand:";
    for (const std::string& one : edited_.by_hand) why += "\n  " + one;
    return refuse(why + "\n  Then: damctl check -f " + how_.file + ", damctl apply -f " +
                  how_.file);
  }
  const control::Loaded loaded = control::load_policy(
      edited_.text, how_.file, std::filesystem::absolute(how_.file).parent_path());
  if (!loaded.policy) return refuse(loaded.problems, how_.file, edited_.text);
  policy_ = loaded.policy;
  json_.update(control::problems_to_json(loaded.problems));
  if (!settings_.json) {
    show_problems(std::cerr, loaded.problems, how_.file, edited_.text,
                  Style(wants_colour(STDERR_FILENO)));
  }
  return true;
}

void Setup::look() {
  Facts facts = gather(wishes_of(*policy_));
  const SshSession session = ssh_session();
  facts.network.session_client = session.client;
  facts.network.session_server = session.server;
  diagnosis_ = diagnose(std::move(facts));
  servers_ = look_at_servers(*policy_);
}

void show_findings(const std::string& about, const std::vector<Finding>& findings,
                   const Style& style, std::ostream& out) {
  for (const Finding& one : findings) {
    if (one.level < Level::warning) continue;
    const std::string label = word(one.level);
    out << "  " << (one.level == Level::problem ? style.red(label) : style.yellow(label)) << " "
        << about << one.says << "\n";
    if (!one.command.empty()) out << "    " << style.bold(one.command) << "\n";
  }
}

void Setup::show() {
  out_ << "\n" << style_.bold("What this is") << "\n";
  for (const std::string& line : explain_answers(answers_)) out_ << "  " << line << "\n";
  out_ << style_.bold("The servers, seen from here") << "\n";
  for (const ServerLook& one : servers_) {
    out_ << "  " << (one.well ? style_.green("well") : style_.yellow("not well")) << " "
         << one.server << " " << one.words << "\n";
    for (const std::string& hint : one.hints) out_ << "    " << hint << "\n";
  }
  const long problems = diagnosis_.count(Level::problem),
             warnings = diagnosis_.count(Level::warning);
  out_ << style_.bold("This host") << ", with driver " << diagnosis_.facts.driver << ": "
       << problems << " problem(s), " << warnings << " warning(s)\n";
  show_findings("", diagnosis_.machine, style_, out_);
  for (size_t i = 0; i < diagnosis_.devices.size(); ++i) {
    show_findings(diagnosis_.facts.devices[i].name + ": ", diagnosis_.devices[i], style_, out_);
  }
  if (settings_.json) return;
  out_ << style_.bold("Changes of " + how_.file) << "\n";
  show_diff_text(control::text_diff(before_.value_or(""), edited_.text));
}

int Setup::carry_out() {
  if (const std::string why = why_not_writable(how_.file); !why.empty()) {
    refuse(why + ": nothing has changed. As root: sudo damctl setup");
    return kRefused;
  }
  const bool running = control_plane_answers(settings_);
  const std::string ask =
      running ? "Put it in force, and write " + how_.file + "?" : "Write " + how_.file + "?";
  if (asks_ && !ask_yes(ask, std::cin, out_)) {
    out_ << "Nothing has changed.\n";
    return kRefused;
  }
  InForce force;
  if (running) {
    force = put_in_force(
        settings_, {how_.file, edited_.text, before_, how_.yes ? "" : how_.confirm_within, asks_},
        out_);
    if (force.code != kOk) {
      refuse(force.error);
      return force.code;
    }
  }
  return finish(write_policy(how_.file, before_, edited_.text), force, running);
}

int Setup::finish(const Written& written, const InForce& force, bool running) {
  json_["applied"] = running;
  json_["version"] = force.version;
  json_["restart_needed"] = force.restart_needed;
  json_["written"] = written.error.empty();
  json_["backup"] = written.backup;
  if (!written.error.empty()) {
    refuse(written.error + (running ? ". The policy is in force all the same: damctl policy" : ""));
    return kRefused;
  }
  out_ << style_.green("written") << ": " << how_.file;
  if (!written.backup.empty()) out_ << " (as it was: " << written.backup << ")";
  out_ << "\n";
  if (running) {
    out_ << style_.green("applied") << ": version " << force.version << " is in force.\n";
    if (force.restart_needed) {
      out_
          << "Cards, driver or tables have changed; to use them: systemctl restart dam-dataplane\n";
    }
  } else {
    out_ << "No control plane runs yet. Next:\n  systemctl enable --now dam.target\n  damctl "
            "doctor\n  damctl status\n";
  }
  return kOk;
}

Json json_of_findings(const Diagnosis& diagnosis) {
  Json list = Json::array();
  const auto add = [&list](const std::string& about, const std::vector<Finding>& findings) {
    for (const Finding& one : findings) {
      if (one.level < Level::warning) continue;
      list.push_back({{"about", about},
                      {"level", word(one.level)},
                      {"says", one.says},
                      {"command", one.command}});
    }
  };
  add("this machine", diagnosis.machine);
  for (size_t i = 0; i < diagnosis.devices.size(); ++i) {
    add(diagnosis.facts.devices[i].name, diagnosis.devices[i]);
  }
  return list;
}

Json json_of_host(const HostNetwork& network) {
  Json list = Json::array();
  for (const HostLink& link : network.links) {
    list.push_back({{"device", link.name},
                    {"kernel_driver", link.driver},
                    {"up", link.up},
                    {"mtu", link.mtu},
                    {"queues", link.rx_queues},
                    {"speed_mbit", link.speed_mbit},
                    {"addresses", link.addresses}});
  }
  return list;
}

int Setup::print_json(int code) {
  if (!settings_.json) return code;
  json_["file"] = how_.file;
  json_["ok"] = code == kOk;
  json_["answers"] = Json::object();
  for (const auto& [key, values] : answers_) json_["answers"][key] = values;
  json_["changed"] = policy_ && differs();
  json_["diff"] = policy_ ? control::text_diff(before_.value_or(""), edited_.text) : "";
  json_["host"] = json_of_host(host_.network);
  json_["driver"] = diagnosis_.facts.driver;
  json_["findings"] = json_of_findings(diagnosis_);
  json_["servers"] = Json::array();
  for (const ServerLook& one : servers_) {
    json_["servers"].push_back(
        {{"server", one.server}, {"well", one.well}, {"says", one.words}, {"hints", one.hints}});
  }
  std::cout << json_.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  return code;
}

int Setup::run() {
  if (!read_present_file() || !read_given() || !collect()) return print_json(kRefused);
  if (how_.print_answers) {
    if (!settings_.json) std::cout << write_answers(answers_);
    return print_json(kOk);
  }
  if (!make_text()) {
    if (asks_) out_ << "What you have answered, for --answers:\n" << write_answers(answers_);
    return print_json(kRefused);
  }
  if (!differs()) {
    out_ << how_.file << " says all of this already: nothing to change.\n";
    return print_json(kOk);
  }
  look();
  show();
  if (how_.dry_run) {
    out_ << "Nothing has changed.\n";
    return print_json(kOk);
  }
  return print_json(carry_out());
}

}  // namespace

int set_up(const Settings& settings, const SettingUp& how) {
  if (!settings.profile.empty()) {
    std::cerr << "damctl: setup looks at the host that it runs on; type it there, without "
                 "--profile.\n";
    return kUsage;
  }
  const bool told = !how.answers.empty() || how.yes || how.print_answers || how.dry_run;
  if (!told && (settings.json || isatty(STDIN_FILENO) != 1)) {
    std::cerr << "damctl: setup asks on a terminal, and there is none.\n  With answers in a file: "
                 "damctl setup --answers FILE\n  Such a file: damctl setup --print-answers\n  "
                 "Whatever is proposed: damctl setup --yes\n";
    return kUsage;
  }
  return Setup(settings, how).run();
}

}  // namespace dam::ctl
