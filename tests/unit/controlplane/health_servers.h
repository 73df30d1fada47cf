// SPDX-License-Identifier: BSD-3-Clause
// What checks are tried on: a real nginx on loopback, and certificates of an authority made here.
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/health/plan.h"

namespace dam::control {

struct CertificateWish {
  std::vector<std::string> names;
  int64_t from_s = -3600;  // from now
  int64_t to_s = 90 * 86'400;
};

// Keeps its key in memory; every certificate has a key of its own.
class Authority {
 public:
  Authority();
  std::string pem() const;
  std::shared_ptr<X509> sign(const CertificateWish& wish, EVP_PKEY* key) const;
  // NAME.pem and NAME.key in the folder.
  void write(const std::filesystem::path& folder, const std::string& name,
             const CertificateWish& wish) const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> own_;
};

std::shared_ptr<EVP_PKEY> new_key();

// One nginx, ended with the object. `servers` is the inside of http {}; its ports must be free.
class Nginx {
 public:
  Nginx(const std::filesystem::path& folder, const std::string& servers, uint16_t port_to_wait_for);
  ~Nginx();
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;
  bool running() const { return pid_ > 0; }

 private:
  int pid_ = -1;
};

uint16_t free_port();

// A plan for 127.0.0.1, whose check trusts `ca`.
CheckPlan loopback_plan(uint16_t port, CheckKind kind, Proxy proxy, const std::string& name,
                        const std::string& ca);

}  // namespace dam::control
