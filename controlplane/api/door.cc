// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/door.h"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "controlplane/api/bounded_server.h"
#include "controlplane/trust/rate_limiter.h"

namespace dam::control {

namespace {

constexpr const char* kGroup = "dam";

// By the process's own groups: what the user database says may be older or newer.
bool is_in_group(const Peer& who) {
  group entry{};
  group* found = nullptr;
  char buffer[16384];
  if (getgrnam_r(kGroup, &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr) {
    return false;
  }
  return who.user->gid == found->gr_gid ||
         std::find(who.groups.begin(), who.groups.end(), found->gr_gid) != who.groups.end();
}

struct RequestLimits {
  explicit RequestLimits(const RequestRates& rates)
      : callers(rates.caller_a_second, rates.caller_burst),
        strangers(rates.stranger_a_second, rates.stranger_burst) {}

  RateLimiter callers;
  RateLimiter strangers;
};

// Browsers send a client's certificate with whatever any page asks them to send here.
bool is_from_another_page(const httplib::Request& request) {
  if (request.method == "GET" || request.method == "HEAD") return false;
  const std::string origin = request.get_header_value("Origin");
  return !origin.empty() && origin != "https://" + request.get_header_value("Host");
}

// What a request shows.
struct Credentials {
  std::string authorization;
  std::string fingerprint;
};

Recognised recognise(AccessStore& access, const Credentials& shown) {
  const std::string scheme = "Bearer ";
  if (shown.authorization.starts_with(scheme)) {
    return access.by_token(shown.authorization.substr(scheme.size()));
  }
  if (!shown.authorization.empty()) {
    return {"", Role::anyone, "Authorization is no bearer token: write \"Bearer dam_…\""};
  }
  return shown.fingerprint.empty() ? Recognised{} : access.by_certificate(shown.fingerprint);
}

// Tokens are removed, certificates revoked, roles given anew while an answer goes on.
std::string refusal_by_now(AccessStore& access, const Credentials& shown, Role needed) {
  const Recognised now = recognise(access, shown);
  if (!now.refusal.empty()) return now.refusal;
  if (now.role >= needed) return "";
  return now.name + " is " + role_text(now.role) + " by now; this needs " + role_text(needed);
}

int64_t wait_s(RateLimiter& limiter, const std::string& key) {
  const auto wait = limiter.wait(key, RateLimiter::Clock::now());
  return wait.count() == 0 ? 0 : std::chrono::ceil<std::chrono::seconds>(wait).count();
}

}  // namespace

Caller socket_caller(const httplib::Request& /*request*/) {
  const Peer& who = peer();
  if (!who.user) return {};
  Caller caller{calling_user(), Role::admin};
  const uid_t uid = who.user->uid;
  if (uid == 0 || uid == geteuid() || is_in_group(who)) {
    keep_connection();
    return caller;
  }
  caller.role = Role::anyone;
  caller.refusal = "user " + caller.name +
                   " may not steer the dam: be root, or in the group dam (usermod -aG dam USER, "
                   "then log in again)";
  return caller;
}

Identify network_caller(Trust& trust, const RequestRates& rates) {
  return
      [&trust, limits = std::make_shared<RequestLimits>(rates)](const httplib::Request& request) {
        const Credentials shown{request.get_header_value("Authorization"), peer().fingerprint};
        const Recognised found = recognise(trust.access, shown);
        const bool known = found.refusal.empty() && found.role > Role::anyone;
        Caller caller{known ? found.name : "", found.role, peer().address, found.refusal};
        caller.retry_after_s =
            known ? wait_s(limits->callers, found.name) : wait_s(limits->strangers, caller.address);
        if (known) {
          keep_connection();
          caller.refused_by_now = [&trust, shown](Role needed) {
            return refusal_by_now(trust.access, shown, needed);
          };
        }
        if (known && is_from_another_page(request)) {
          caller.role = Role::anyone;
          caller.refusal =
              "a page of another site asks for this (Origin); the dam's own, damctl and curl may";
        }
        return caller;
      };
}

Caller scraper(const httplib::Request& /*request*/) {
  return {"scraper", Role::viewer, peer().address};
}

Refused refusals_to(AuditStore& audit) {
  return [&audit](const httplib::Request& request, const Caller& caller, int status) {
    const auto now = static_cast<int64_t>(std::time(nullptr));
    audit.refused({0, 0, 0, caller.address, caller.name, status, request.method, request.path},
                  now);
  };
}

}  // namespace dam::control
