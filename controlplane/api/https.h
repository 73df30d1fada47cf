// SPDX-License-Identifier: BSD-3-Clause
// The API for those who come from afar: TLS 1.3, a certificate or a token, a role.
#pragma once

#include <filesystem>
#include <string>

#include "controlplane/api/door.h"
#include "controlplane/api/endpoint.h"
#include "controlplane/api/http_server.h"
#include "controlplane/trust/server_tls.h"
#include "controlplane/trust/trust.h"

namespace dam::control {

class Https {
 public:
  // `folder`: where the certificates are. `trust` must outlive it.
  Https(std::filesystem::path folder, Endpoints endpoints, Trust& trust, const ServerTls::Log& log,
        const RequestRates& rates = {});

  // "" or what is wrong. "198.18.2.1:9443"; what the internet can reach needs `public_too`.
  std::string serve(const std::string& address, bool public_too);
  void reload() { tls_.reload(); }

  Json view() const;  // for GET /v1/status
  static Json view_schema();
  std::string metrics_text() const;  // Prometheus' text format

 private:
  const std::filesystem::path folder_;
  const AuditStore& audit_;
  std::string address_;
  ServerTls tls_;
  HttpServer server_;  // last: its threads use all of the above
};

}  // namespace dam::control
