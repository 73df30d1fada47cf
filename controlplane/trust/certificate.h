// SPDX-License-Identifier: BSD-3-Clause
// X.509 by OpenSSL: the dam's own authority, the certificates that it issues, and what stands in
// them. Everything throws std::runtime_error, in words.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace dam::control {

struct FreeOpenSsl {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Certificate = std::unique_ptr<X509, FreeOpenSsl>;
using Key = std::unique_ptr<EVP_PKEY, FreeOpenSsl>;

struct KeyPair {
  Certificate certificate;
  Key key;
};

struct Issue {
  enum class Purpose { authority, server, client };
  Purpose purpose = Purpose::client;
  std::string common_name;         // at most 64 bytes
  std::vector<std::string> names;  // DNS names and addresses, of a server
  int days = 365;
};

// ECDSA on P-256, with a key of its own; signed by `authority`, or by itself where that is null.
KeyPair issue(const Issue& what, const KeyPair* authority);

std::string pem_of(X509& certificate);
std::string pem_of(EVP_PKEY& key);
Certificate certificate_from(const std::string& pem);
Key key_from(const std::string& pem);
KeyPair read_key_pair(const std::filesystem::path& certificate, const std::filesystem::path& key);

std::string fingerprint_of(X509& certificate);  // SHA-256 of DER, 64 digits in lower case
int64_t expiry_of(X509& certificate);           // Unix seconds
bool covers(X509& certificate, const std::string& name);
std::vector<std::string> names_in(X509& certificate);  // DNS names and addresses

std::string read_text(const std::filesystem::path& file);
// Whole or not at all, 0600 from the first moment on; given to the folder's owner.
void write_private(const std::filesystem::path& file, const std::string& text);

}  // namespace dam::control
