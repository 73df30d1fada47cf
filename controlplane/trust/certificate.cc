// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <stdexcept>

#include "controlplane/policy/address.h"
#include "controlplane/trust/secret.h"

namespace dam::control {

namespace {

constexpr long kClocksDiffer_s = 3600;  // a certificate is valid from so long before now
constexpr long kDay_s = 86400;
constexpr int kSerialBytes = 16;

[[noreturn]] void fail(const std::string& what) {
  char text[256] = "no reason given";
  if (const unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  throw std::runtime_error(what + ": " + text);
}

void need(bool done, const char* what) {
  if (!done) fail(what);
}

void set_serial(X509& certificate) {
  unsigned char bytes[kSerialBytes];
  need(RAND_bytes(bytes, sizeof bytes) == 1, "no random number");
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, never short
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool done = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(&certificate)) != nullptr;
  BN_free(number);
  need(done, "no serial number");
}

void set_times(X509& certificate, int days) {
  need(X509_gmtime_adj(X509_getm_notBefore(&certificate), -kClocksDiffer_s) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(&certificate), days * kDay_s) != nullptr,
       "a certificate's time");
}

void add_extension(X509& certificate, X509& issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  if (extension == nullptr) fail("a certificate's extension " + value);
  const bool done = X509_add_ext(&certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  need(done, "a certificate's extension");
}

// Letters, digits and what stands between them: nothing that could end one name and begin another.
bool is_dns_name(const std::string& text) {
  return !text.empty() && text.size() <= 253 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
             std::string::npos;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const bool address = parse_address(name).has_value();
    if (!address && !is_dns_name(name)) {
      throw std::runtime_error('"' + name + "\" is neither a name nor an address");
    }
    text += (text.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + name;
  }
  return text;
}

void add_extensions(X509& certificate, X509& issuer, const Issue& what) {
  const bool authority = what.purpose == Issue::Purpose::authority;
  const bool server = what.purpose == Issue::Purpose::server;
  const auto add = [&](int kind, const std::string& value) {
    add_extension(certificate, issuer, kind, value);
  };
  add(NID_basic_constraints, authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
  add(NID_key_usage, authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!authority) add(NID_ext_key_usage, server ? "serverAuth" : "clientAuth");
  add(NID_subject_key_identifier, "hash");
  if (!authority) add(NID_authority_key_identifier, "keyid:always");
  if (!what.names.empty()) add(NID_subject_alt_name, alternative_names(what.names));
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long count = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<size_t>(count));
  BIO_free(bio);
  return text;
}

BIO* bio_of(const std::string& text) {
  return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
}

std::string name_text(const GENERAL_NAME& name) {
  int kind = 0;
  const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(&name, &kind));
  if (kind != GEN_DNS && kind != GEN_IPADD) return "";
  const unsigned char* bytes = ASN1_STRING_get0_data(value);
  const auto count = static_cast<size_t>(ASN1_STRING_length(value));
  if (kind == GEN_DNS) return {reinterpret_cast<const char*>(bytes), count};
  Address address;
  if (count != 4 && count != 16) return "";
  address.v6 = count == 16;
  std::copy(bytes, bytes + count, address.bytes.begin());
  return address.text();
}

}  // namespace

KeyPair issue(const Issue& what, const KeyPair* authority) {
  KeyPair made{Certificate(X509_new()), Key(EVP_EC_gen("P-256"))};
  need(made.certificate && made.key, "no new key");
  X509& certificate = *made.certificate;
  need(X509_set_version(&certificate, X509_VERSION_3) == 1, "a certificate's version");
  set_serial(certificate);
  set_times(certificate, what.days);
  need(X509_NAME_add_entry_by_txt(X509_get_subject_name(&certificate), "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(what.common_name.data()),
                                  static_cast<int>(what.common_name.size()), -1, 0) == 1,
       "a certificate's name");
  X509& issuer = authority != nullptr ? *authority->certificate : certificate;
  need(X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer)) == 1 &&
           X509_set_pubkey(&certificate, made.key.get()) == 1,
       "a certificate's key");
  add_extensions(certificate, issuer, what);
  EVP_PKEY* signer = authority != nullptr ? authority->key.get() : made.key.get();
  need(X509_sign(&certificate, signer, EVP_sha256()) > 0, "a certificate's signature");
  return made;
}

std::string pem_of(X509& certificate) {
  BIO* out = BIO_new(BIO_s_mem());
  need(PEM_write_bio_X509(out, &certificate) == 1, "a certificate as text");
  return text_of(out);
}

std::string pem_of(EVP_PKEY& key) {
  BIO* out = BIO_new(BIO_s_mem());
  need(PEM_write_bio_PKCS8PrivateKey(out, &key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "a key as text");
  return text_of(out);
}

Certificate certificate_from(const std::string& pem) {
  BIO* in = bio_of(pem);
  Certificate certificate(PEM_read_bio_X509(in, nullptr, nullptr, nullptr));
  BIO_free(in);
  if (!certificate) fail("no certificate in PEM");
  return certificate;
}

Key key_from(const std::string& pem) {
  BIO* in = bio_of(pem);
  // Nobody is there to type a passphrase.
  const auto refuse = [](char*, int, int, void*) { return -1; };
  Key key(PEM_read_bio_PrivateKey(in, nullptr, refuse, nullptr));
  BIO_free(in);
  if (!key) fail("no private key in PEM, or it has a passphrase");
  return key;
}

KeyPair read_key_pair(const std::filesystem::path& certificate, const std::filesystem::path& key) {
  KeyPair pair{certificate_from(read_text(certificate)), key_from(read_text(key))};
  if (X509_check_private_key(pair.certificate.get(), pair.key.get()) != 1) {
    ERR_clear_error();
    throw std::runtime_error(key.string() + " is not the key of " + certificate.string());
  }
  return pair;
}

std::string fingerprint_of(X509& certificate) {
  unsigned char* bytes = nullptr;
  const int count = i2d_X509(&certificate, &bytes);
  need(count > 0, "a certificate's bytes");
  std::string text = sha256_hex({reinterpret_cast<const char*>(bytes), static_cast<size_t>(count)});
  OPENSSL_free(bytes);
  return text;
}

int64_t expiry_of(X509& certificate) {
  tm parts{};
  need(ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &parts) == 1, "a certificate's time");
  return timegm(&parts);
}

bool covers(X509& certificate, const std::string& name) {
  const bool address = parse_address(name).has_value();
  return address ? X509_check_ip_asc(&certificate, name.c_str(), 0) == 1
                 : X509_check_host(&certificate, name.data(), name.size(), 0, nullptr) == 1;
}

std::vector<std::string> names_in(X509& certificate) {
  std::vector<std::string> names;
  auto* list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    std::string name = name_text(*sk_GENERAL_NAME_value(list, i));
    if (!name.empty()) names.push_back(std::move(name));
  }
  GENERAL_NAMES_free(list);
  return names;
}

}  // namespace dam::control
