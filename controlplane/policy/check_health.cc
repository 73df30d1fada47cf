// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "controlplane/policy/check.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

bool is_http(CheckKind kind) { return kind == CheckKind::http || kind == CheckKind::https; }

void check_http(const std::string& who, const Check& check, Problems& problems) {
  const bool other = check.kind == CheckKind::tcp || check.kind == CheckKind::tls;
  const char* const hint = "write `kind: https` or `kind: http`, or take it off";
  if (other && !check.path.value.empty()) {
    problems.error(check.path.mark, who + " asks for no path", hint);
  }
  if (other && !check.expect.empty()) {
    problems.error(check.expect.front().mark, who + " sees no HTTP status", hint);
  }
  if (check.path.value.empty() || other) return;
  if (!check.path.value.starts_with('/') || !is_printable(check.path.value)) {
    problems.error(check.path.mark, "a path begins with \"/\" and has no blanks",
                   "write it as browsers send it, e.g. /health");
  }
  if (!is_http(check.kind)) {
    problems.error(check.path.mark, who + " asks for no path unless its kind says so", hint);
  }
}

void check_ca(const std::string& who, const Check& check, Problems& problems) {
  const std::string& ca = check.ca.value;
  if (ca.empty()) return;
  if (check.kind == CheckKind::tcp || check.kind == CheckKind::http) {
    problems.error(check.ca.mark, who + " sees no certificate",
                   "write `kind: tls` or `kind: https`, or take ca off");
  } else if (ca != "system" && ca != "none" && !ca.starts_with('/')) {
    problems.error(check.ca.mark, "\"" + ca + "\" is no absolute path",
                   "write system, none, or e.g. /etc/dam/site-ca.pem");
  }
}

}  // namespace

void check_health_checks(const Policy& policy, Problems& problems) {
  for (const auto& server : policy.servers) {
    if (!server.value.check || server.value.check->broken) continue;
    const Check& check = *server.value.check;
    const std::string who = "the check of server \"" + server.name + "\"";
    if (check.timeout_ns > check.interval_ns) {
      problems.error(check.mark, who + " would not be over before the next one begins",
                     "write a timeout that is no longer than the interval");
    }
    if (check.name.starts_with("*.")) {
      problems.error(check.mark, who + " needs a name, not a wildcard",
                     "write e.g. www" + check.name.substr(1));
    }
    check_http(who, check, problems);
    check_ca(who, check, problems);
    if (check.client && server.value.proxy == Proxy::none) {
      problems.error(check.client->mark, who + " sends no PROXY header that could name a client",
                     "the server has `proxy: none`: take client off");
    }
  }
}

}  // namespace dam::control
