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
constexpr std::string_view kScheme = "Bearer ";

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
// With a cookie they name the page that asks in any case; and a header of our own is one that no
// form of another site can send.
std::string refusal_of_page(const httplib::Request& request, bool by_cookie) {
  if (request.method == "GET" || request.method == "HEAD") return "";
  const std::string origin = request.get_header_value("Origin");
  const bool own = origin == "https://" + request.get_header_value("Host");
  if (!own && (by_cookie || !origin.empty())) {
    return "a page of another site asks for this (Origin); the dam's own, damctl and curl may";
  }
  if (by_cookie && request.get_header_value("X-Dam-Request") != "1") {
    return "a session's change needs the header \"X-Dam-Request: 1\", which the dam's page sends";
  }
  return "";
}

// What a request shows.
struct Credentials {
  std::string authorization;
  std::string session_id;
  std::string fingerprint;
};

struct Shown {
  Recognised who;
  bool by_cookie = false;
};

Shown by_session(Trust& trust, const std::string& id) {
  const std::string digest =
      trust.sessions.token_digest(id, static_cast<int64_t>(std::time(nullptr)));
  if (digest.empty()) return {{"", Role::anyone, "this session has ended: log in again"}, true};
  return {trust.access.by_token_digest(digest), true};
}

Shown recognise(Trust& trust, const Credentials& shown) {
  if (shown.authorization.starts_with(kScheme)) {
    return {trust.access.by_token(shown.authorization.substr(kScheme.size()))};
  }
  if (!shown.authorization.empty()) {
    return {{"", Role::anyone, "Authorization is no bearer token: write \"Bearer dam_…\""}};
  }
  if (!shown.session_id.empty()) {
    Shown found = by_session(trust, shown.session_id);
    // A browser sends what is left of an old session beside a good certificate.
    if (found.who.refusal.empty() || shown.fingerprint.empty()) return found;
  }
  return {shown.fingerprint.empty() ? Recognised{}
                                    : trust.access.by_certificate(shown.fingerprint)};
}

// Tokens are removed, certificates revoked, roles given anew while an answer goes on.
std::string refusal_by_now(Trust& trust, const Credentials& shown, Role needed) {
  const Recognised now = recognise(trust, shown).who;
  if (!now.refusal.empty()) return now.refusal;
  if (may(now.role, needed)) return "";
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
        const Credentials shown{request.get_header_value("Authorization"), session_id_of(request),
                                peer().fingerprint};
        const auto [found, by_cookie] = recognise(trust, shown);
        const bool known = found.refusal.empty() && found.role > Role::anyone;
        Caller caller{known ? found.name : "", found.role, peer().address, found.refusal};
        caller.retry_after_s =
            known ? wait_s(limits->callers, found.name) : wait_s(limits->strangers, caller.address);
        if (known) {
          keep_connection();
          caller.refused_by_now = [&trust, shown](Role needed) {
            return refusal_by_now(trust, shown, needed);
          };
        }
        const std::string objection = known ? refusal_of_page(request, by_cookie) : "";
        if (!objection.empty()) {
          caller.role = Role::anyone;
          caller.refusal = objection;
        }
        return caller;
      };
}

std::string session_id_of(const httplib::Request& request) {
  const std::string cookies = "; " + request.get_header_value("Cookie");
  const std::string name = std::string("; ") + kSessionCookie + "=";
  const size_t at = cookies.find(name);
  if (at == std::string::npos) return "";
  const size_t from = at + name.size();
  return cookies.substr(from, cookies.find(';', from) - from);
}

std::string bearer_token_of(const httplib::Request& request) {
  const std::string shown = request.get_header_value("Authorization");
  return shown.starts_with(kScheme) ? shown.substr(kScheme.size()) : "";
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
