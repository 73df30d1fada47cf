// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/health/certificate.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

namespace dam::control {

namespace {

constexpr size_t kMostNamed = 5;

int64_t unix_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

std::string day_of(int64_t at_unix) {
  const auto at = static_cast<time_t>(at_unix);
  std::tm parts{};
  gmtime_r(&at, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

void judge_dates(const ShownCertificate& certificate, const std::string& whose, bool main,
                 int64_t now_unix, std::vector<Finding>& found) {
  const int64_t last = certificate.not_after_unix();
  const int64_t first = certificate.not_before_unix();
  if (now_unix > last) {
    found.push_back({FindingKind::certificate_expired, main,
                     "the certificate" + whose + " has expired on " + day_of(last),
                     "renew it on the server, and have the server load it"});
  } else if (now_unix < first) {
    found.push_back({FindingKind::certificate_expired, false,  // a wrong clock closes no server
                     "the certificate" + whose + " is valid from " + day_of(first) + " only",
                     "compare the clocks of this host and of the server"});
  } else if (last - now_unix < kExpiresSoonSeconds) {
    found.push_back({FindingKind::certificate_expires, false,
                     "the certificate" + whose + " ends in " +
                         std::to_string((last - now_unix) / 86'400) + " days, on " + day_of(last),
                     "renew it on the server, and have the server load it"});
  }
}

// One finding for all the names that browsers could send the wrong way. It takes no server down: a
// certificate that gains a name overnight must not darken what runs; new policies are refused
// (coalescing.h).
void judge_coalescing(const ShownCertificate& certificate, const CheckPlan& plan,
                      const std::string& whose, std::vector<Finding>& found) {
  const auto all = overlaps(certificate, plan);
  if (all.empty()) return;
  found.push_back({FindingKind::coalescing, false,
                   "the certificate" + whose + " also covers " + covered_names(all) +
                       ", which is routed to server " + in_quotes(all.front().other->server) +
                       ": over HTTP/2, browsers send its requests down this server's connections",
                   "give the server a certificate without that name, or switch HTTP/2 off there; "
                   "`coalescing: allow` in its check where the server answers them with 421"});
}

}  // namespace

const char* finding_name(FindingKind kind) {
  constexpr const char* kNames[] = {
#define X(name, text) #name,
      DAM_FINDINGS(X)
#undef X
  };
  return kNames[static_cast<size_t>(kind)];
}

const char* finding_text(FindingKind kind) {
  constexpr const char* kTexts[] = {
#define X(name, text) text,
      DAM_FINDINGS(X)
#undef X
  };
  return kTexts[static_cast<size_t>(kind)];
}

std::string in_quotes(const std::string& name) { return "\"" + name + "\""; }

ShownCertificate::ShownCertificate(const SSL* ssl)
    : x509_(SSL_get1_peer_certificate(ssl), X509_free) {
  const long verdict = SSL_get_verify_result(ssl);
  // Dates are judged by themselves, with words of their own.
  if (verdict != X509_V_OK && verdict != X509_V_ERR_CERT_HAS_EXPIRED &&
      verdict != X509_V_ERR_CERT_NOT_YET_VALID) {
    chain_ = X509_verify_cert_error_string(verdict);
  }
}

std::string ShownCertificate::name_for(const std::string& name) const {
  if (x509_ == nullptr || name.empty()) return "";
  const std::string host = name.starts_with("*.") ? "dam-check" + name.substr(1) : name;
  char* matched = nullptr;
  const int verdict = X509_check_host(x509_.get(), host.data(), host.size(),
                                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, &matched);
  std::string result = verdict == 1 ? (matched == nullptr ? host : matched) : "";
  OPENSSL_free(matched);
  return result;
}

int64_t ShownCertificate::not_before_unix() const {
  return x509_ == nullptr ? 0 : unix_of(X509_get0_notBefore(x509_.get()));
}

int64_t ShownCertificate::not_after_unix() const {
  return x509_ == nullptr ? 0 : unix_of(X509_get0_notAfter(x509_.get()));
}

std::vector<Overlap> overlaps(const ShownCertificate& certificate, const CheckPlan& plan) {
  std::vector<Overlap> all;
  for (const OtherName& other : plan.other_names) {
    std::string by = certificate.name_for(other.name);
    if (!by.empty()) all.push_back({&other, std::move(by)});
  }
  return all;
}

std::string covered_names(const std::vector<Overlap>& overlaps) {
  std::string text;
  for (size_t i = 0; i < std::min(overlaps.size(), kMostNamed); ++i) {
    text += (text.empty() ? "" : ", ") + in_quotes(overlaps[i].other->name);
  }
  if (overlaps.size() <= kMostNamed) return text;
  return text + " and " + std::to_string(overlaps.size() - kMostNamed) + " more";
}

std::vector<Finding> judge(const ShownCertificate& certificate, const CheckPlan& plan,
                           const std::string& name, bool speaks_h2, int64_t now_unix) {
  std::vector<Finding> found;
  // The way to management stays open, whatever its certificate says.
  const bool main = name == plan.name && !plan.management;
  const std::string whose = name.empty() ? "" : " for " + in_quotes(name);
  judge_dates(certificate, whose, main, now_unix, found);
  if (!name.empty() && !certificate.covers(name)) {
    found.push_back({FindingKind::certificate_name, main,
                     "the certificate that the server shows for " + in_quotes(name) +
                         " does not cover that name",
                     "give the server a certificate with it, or route the name elsewhere"});
  }
  if (plan.check.ca.value != "none" && !certificate.chain_trouble().empty()) {
    const bool system = plan.check.ca.value.empty() || plan.check.ca.value == "system";
    found.push_back(
        {FindingKind::certificate_chain, main,
         "the certificate" + whose + " is not to be trusted: " + certificate.chain_trouble(),
         system ? "an authority of your own: write `ca: /PATH/ca.pem` into the check"
                : "is " + plan.check.ca.value +
                      " the authority that signed it, and "
                      "does the server send what is between the two?"});
  }
  if (speaks_h2) judge_coalescing(certificate, plan, whose, found);
  return found;
}

}  // namespace dam::control
