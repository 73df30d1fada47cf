// SPDX-License-Identifier: BSD-3-Clause
// One look at one server: a visit to each of its addresses, a look at one of its certificates, and
// where something is wrong, what it is in words.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controlplane/health/visit.h"

namespace dam::control {

// Of one name, at one address.
struct CertificateSeen {
  Address address;
  uint16_t port = 0;
  std::string name;  // of the handshake; empty: none
  ShownCertificate certificate;
  bool speaks_h2 = false;
  int64_t at_unix = 0;  // when it was seen
  std::vector<Finding> findings;

  std::string where() const { return address.text() + " " + name; }
  int64_t ends_unix() const { return certificate.not_after_unix(); }
};

struct Round {
  enum class Outcome {
    well,
    failed,
    unchecked  // nothing was learned: this host cannot reach the server, or lacks what it needs
  };
  Outcome outcome = Outcome::unchecked;
  std::string words;
  double seconds = 0;  // of the visit that decided
  std::vector<Finding> findings;
  std::vector<CertificateSeen> certificates;
};

// `turn` counts the rounds: each looks at the certificate of another name. `dam_sees_it`: do the
// dataplane's own probes reach the server? What this host alone cannot reach says nothing then.
Round look_at(const CheckPlan& plan, uint64_t turn, const std::function<bool()>& dam_sees_it,
              Authorities& authorities, const std::atomic<bool>* stop = nullptr);

}  // namespace dam::control
