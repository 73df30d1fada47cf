// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/health/round.h"

#include <ctime>

namespace dam::control {

namespace {

const char* proxy_word(Proxy proxy) {
  constexpr const char* kTexts[] = {"none", "v1", "v2"};
  return kTexts[static_cast<int>(proxy)];
}

class Look {
 public:
  Look(const CheckPlan& plan, SSL_CTX* context, const std::atomic<bool>* stop)
      : plan_(plan), context_(context), stop_(stop) {}

  Round round(uint64_t turn, const std::function<bool()>& dam_sees_it);

 private:
  VisitRequest request(const Address& address) const;
  bool decide(const Address& address, const Visit& visit, const std::function<bool()>& dam_sees_it);
  void look_at_certificate(const Address& address, uint64_t turn);
  void explain(const Address& address);
  std::string mismatch(Proxy other) const;
  std::string advice(Proxy other) const;
  void add(FindingKind kind, bool fails, std::string message, std::string hint);

  const CheckPlan& plan_;
  SSL_CTX* context_;
  const std::atomic<bool>* stop_;
  Round round_;
};

VisitRequest Look::request(const Address& address) const {
  VisitRequest request;
  request.address = address;
  request.port = plan_.port;
  request.proxy = plan_.proxy;
  if (plan_.check.client) request.client = plan_.check.client->value;
  request.name = plan_.name;
  request.kind = plan_.kind;
  request.context = context_;
  request.stop = stop_;
  if (!plan_.check.path.value.empty()) request.path = plan_.check.path.value;
  for (const auto& range : plan_.check.expect) request.expect.push_back(range.value);
  request.until =
      std::chrono::steady_clock::now() + std::chrono::nanoseconds(plan_.check.timeout_ns);
  return request;
}

void Look::add(FindingKind kind, bool fails, std::string message, std::string hint) {
  round_.findings.push_back({kind, fails, std::move(message), std::move(hint)});
}

// False: enough is known. The first address that fails decides; those that cannot be tried do not.
bool Look::decide(const Address& address, const Visit& visit,
                  const std::function<bool()>& dam_sees_it) {
  const std::string where = plan_.addresses.size() > 1 ? address.text() + ": " : "";
  const bool blind = visit.outcome == Visit::Outcome::impossible ||
                     (visit.outcome == Visit::Outcome::unreachable && dam_sees_it());
  if (blind) {
    const bool reached = visit.outcome == Visit::Outcome::unreachable;
    add(FindingKind::unchecked, false,
        "this host cannot look at " + address.text() + ": " + visit.words +
            (reached ? ", while the dam's own probes reach it" : ""),
        "the dam's probes alone say whether it is up; with `driver: dpdk` the kernel has no part "
        "in the dam's interfaces: a route by another card would let checks through");
    if (round_.words.empty()) round_.words = where + visit.words;
    return true;
  }
  round_.seconds = visit.seconds;
  round_.words = where + visit.words;
  const bool well = visit.outcome == Visit::Outcome::well;
  round_.outcome = well ? Round::Outcome::well : Round::Outcome::failed;
  return well;
}

// With HTTP/2 on offer, as browsers have it: whether the server takes that decides about
// coalescing.
void Look::look_at_certificate(const Address& address, uint64_t turn) {
  VisitRequest request = this->request(address);
  request.kind = CheckKind::tls;
  request.offer_h2 = true;
  if (!plan_.own_names.empty()) request.name = plan_.own_names[turn % plan_.own_names.size()];
  const Visit seen = visit(request);
  if (!seen.certificate) return;
  const int64_t now = std::time(nullptr);
  round_.certificates.push_back(
      {address, plan_.port, request.name, *seen.certificate, seen.speaks_h2, now,
       judge(*seen.certificate, plan_, request.name, seen.speaks_h2, now)});
}

std::string Look::advice(Proxy other) const {
  std::string write =
      std::string("write `proxy: ") + proxy_word(other) + "` at server \"" + plan_.server + "\"";
  if (other == Proxy::none) {
    return write +
           ", or have the server read the header (nginx: `listen … proxy_protocol`, "
           "HAProxy: `accept-proxy`)";
  }
  if (plan_.proxy != Proxy::none) return write;
  return write +
         ", or have the server not ask for it (nginx: take `proxy_protocol` off its "
         "`listen`)";
}

std::string Look::mismatch(Proxy other) const {
  const std::string policy =
      std::string("the policy says `proxy: ") + proxy_word(plan_.proxy) + "`";
  if (other == Proxy::none) {
    return "the server does not speak the PROXY protocol, though " + policy +
           ": it answers when no header is sent";
  }
  return plan_.proxy == Proxy::none ? "the server expects a PROXY header, though " + policy +
                                          ": it answers to " + proxy_word(other)
                                    : "the server does not understand its PROXY header: " + policy +
                                          ", and it answers to " + proxy_word(other);
}

// The server was reached and the check failed: would it have been well with another header?
void Look::explain(const Address& address) {
  if (plan_.kind == CheckKind::tcp) return;  // a server that says nothing is well with any header
  for (const Proxy other : {Proxy::none, Proxy::v2, Proxy::v1}) {
    if (other == plan_.proxy) continue;
    VisitRequest request = this->request(address);
    request.proxy = other;
    if (visit(request).outcome != Visit::Outcome::well) continue;
    round_.words = mismatch(other);
    return add(FindingKind::proxy_mismatch, true, mismatch(other), advice(other));
  }
}

Round Look::round(uint64_t turn, const std::function<bool()>& dam_sees_it) {
  for (const Address& address : plan_.addresses) {
    const Visit seen = visit(request(address));
    const bool go_on = decide(address, seen, dam_sees_it);
    if (!go_on && seen.outcome == Visit::Outcome::failed) explain(address);
    if (!go_on) break;
    if (plan_.over_tls() && seen.outcome == Visit::Outcome::well)
      look_at_certificate(address, turn);
  }
  return std::move(round_);
}

}  // namespace

Round look_at(const CheckPlan& plan, uint64_t turn, const std::function<bool()>& dam_sees_it,
              Authorities& authorities, const std::atomic<bool>* stop) {
  std::string wrong;
  const Authorities::Context context =
      plan.over_tls() ? authorities.of(plan.check.ca.value, wrong) : Authorities::Context();
  if (!wrong.empty()) {
    Round round;
    round.words = wrong;
    round.findings.push_back({FindingKind::unchecked, false, wrong,
                              "look at `ca` in the check of server \"" + plan.server + "\""});
    return round;
  }
  return Look(plan, context.get(), stop).round(turn, dam_sees_it);
}

}  // namespace dam::control
