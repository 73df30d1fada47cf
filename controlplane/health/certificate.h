// SPDX-License-Identifier: BSD-3-Clause
// A server's certificate, as its clients will judge it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/health/plan.h"

namespace dam::control {

class ShownCertificate {
 public:
  // What the peer of a finished handshake has shown; it takes part in every handshake that is not
  // anonymous.
  explicit ShownCertificate(const SSL* ssl);
  explicit ShownCertificate(std::shared_ptr<X509> x509, std::string chain = "")
      : x509_(std::move(x509)), chain_(std::move(chain)) {}

  // As browsers do it: by the alternative names alone. "*.example.org": some name below it.
  bool covers(const std::string& name) const { return !name_for(name).empty(); }
  // Which of its names does; empty: none.
  std::string name_for(const std::string& name) const;
  int64_t not_before_unix() const;
  int64_t not_after_unix() const;
  // Why nobody whom the check trusts vouches for it; empty: somebody does.
  const std::string& chain_trouble() const { return chain_; }

 private:
  std::shared_ptr<X509> x509_;
  std::string chain_;
};

// What the names and the dates of a certificate mean for the server's clients.
#define DAM_FINDINGS(X)                                                                        \
  X(proxy_mismatch, "the server and the policy disagree about the PROXY header")               \
  X(certificate_expired, "the certificate is not valid now")                                   \
  X(certificate_expires, "the certificate ends within 30 days")                                \
  X(certificate_name, "the certificate does not cover a name that is routed to the server")    \
  X(certificate_chain, "nobody whom the check trusts vouches for the certificate")             \
  X(coalescing, "the certificate covers a name that is routed to another server, over HTTP/2") \
  X(unchecked, "this host cannot make the check")
enum class FindingKind {
#define X(name, text) name,
  DAM_FINDINGS(X)
#undef X
};
const char* finding_name(FindingKind kind);
const char* finding_text(FindingKind kind);
inline constexpr size_t kFindingKinds = 0
#define X(name, text) +1
    DAM_FINDINGS(X)
#undef X
    ;

std::string in_quotes(const std::string& name);

struct Finding {
  FindingKind kind = FindingKind::unchecked;
  bool fails = false;   // keeps the server from being well
  std::string message;  // what is wrong
  std::string hint;     // what to do
};

inline constexpr int64_t kExpiresSoonSeconds = 30 * 86'400;

// A name of another server that the certificate covers too.
struct Overlap {
  const OtherName* other = nullptr;  // of the plan
  std::string by;                    // the certificate's name: the same one, or a wildcard
};
std::vector<Overlap> overlaps(const ShownCertificate& certificate, const CheckPlan& plan);
// "\"a.example.org\", \"b.example.org\" and 3 more"
std::string covered_names(const std::vector<Overlap>& overlaps);

// Of the certificate that a handshake with `name` (may be empty) has shown. `speaks_h2`: the server
// chose HTTP/2. Only the check's own name, or that of a server without names, fails the check.
std::vector<Finding> judge(const ShownCertificate& certificate, const CheckPlan& plan,
                           const std::string& name, bool speaks_h2, int64_t now_unix);

}  // namespace dam::control
