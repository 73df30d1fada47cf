// SPDX-License-Identifier: BSD-3-Clause
// Bans of kinds of clients, by fingerprint: with whom they hit.
#include <unistd.h>

#include <iostream>

#include "controlplane/api/problem_json.h"
#include "tools/damctl/ban_words.h"
#include "tools/damctl/client.h"
#include "tools/damctl/commands.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/show_problems.h"

namespace dam::ctl {

namespace {

std::string counted(uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void print_hits(const Json& body) {
  if (body.contains("hits")) {
    const Json& hits = body["hits"];
    std::cout << "It hits " << (hits.value("more", false) ? "at least " : "")
              << counted(hits.value("connections", uint64_t{0}), "living connection") << " of "
              << counted(hits.value("sources", uint64_t{0}), "source")
              << " in service zones now, of " << (hits.value("more", false) ? "at least " : "")
              << hits.value("of", uint64_t{0}) << " that show a fingerprint.\n";
  }
  show_warnings(body);
}

}  // namespace

int ban_kind(const Settings& settings, const Banning& how) {
  int code = kOk;
  const auto made = ask_to_ban(settings, {{"ja4", how.ja4}}, how, code);
  if (!made) return code;
  print_hits(*made);
  if (how.dry_run) {
    std::cout << "Nobody is banned.\n";
    return kOk;
  }
  const Json& one = (*made)["fingerprint"];
  say_in_force(*made, how.ja4 + " is banned from the service zones " +
                          (one.contains("until") ? "for " + time_left(one) : "for ever"));
  return kOk;
}

}  // namespace dam::ctl
