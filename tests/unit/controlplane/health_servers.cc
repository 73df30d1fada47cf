// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/controlplane/health_servers.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {

namespace {

void add_extension(X509* to, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(to, extension, -1);
  X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> blank(const std::string& common_name, int64_t from_s, int64_t to_s) {
  static long serial = 1;
  std::shared_ptr<X509> made(X509_new(), X509_free);
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), from_s);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), to_s);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  return made;
}

bool listens(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool done = connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  close(fd);
  return done;
}

}  // namespace

std::shared_ptr<EVP_PKEY> new_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

Authority::Authority() : key_(new_key()), own_(blank("The tests' authority", -86'400, 8'640'000)) {
  X509_set_issuer_name(own_.get(), X509_get_subject_name(own_.get()));
  X509_set_pubkey(own_.get(), key_.get());
  add_extension(own_.get(), own_.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own_.get(), own_.get(), NID_subject_key_identifier, "hash");
  X509_sign(own_.get(), key_.get(), EVP_sha256());
}

std::string Authority::pem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(out.get(), own_.get());
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<size_t>(bytes)};
}

std::shared_ptr<X509> Authority::sign(const CertificateWish& wish, EVP_PKEY* key) const {
  std::shared_ptr<X509> made = blank(wish.names.front(), wish.from_s, wish.to_s);
  X509_set_issuer_name(made.get(), X509_get_subject_name(own_.get()));
  X509_set_pubkey(made.get(), key);
  std::string names;
  for (const std::string& name : wish.names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  add_extension(made.get(), own_.get(), NID_subject_alt_name, names);
  X509_sign(made.get(), key_.get(), EVP_sha256());
  return made;
}

void Authority::write(const std::filesystem::path& folder, const std::string& name,
                      const CertificateWish& wish) const {
  const auto key = new_key();
  const auto certificate = sign(wish, key.get());
  FILE* out = std::fopen((folder / (name + ".pem")).c_str(), "w");
  PEM_write_X509(out, certificate.get());
  std::fclose(out);
  out = std::fopen((folder / (name + ".key")).c_str(), "w");
  PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
}

Nginx::Nginx(const std::filesystem::path& folder, const std::string& servers, uint16_t port) {
  const std::string home = folder.string();
  std::ofstream(home + "/nginx.conf")
      << (geteuid() == 0 ? "user root;" : "") << " daemon off; worker_processes 1; pid " << home
      << "/nginx.pid;\nevents { worker_connections 64; }\nhttp { access_log " << home
      << "/access.log;\n client_body_temp_path " << home << "/body; proxy_temp_path " << home
      << "/proxy; fastcgi_temp_path " << home << "/fastcgi; uwsgi_temp_path " << home
      << "/uwsgi; scgi_temp_path " << home << "/scgi;\n"
      << servers << "}\n";
  std::string conf = home + "/nginx.conf";
  std::string log = home + "/error.log";
  std::string program = "nginx";
  std::string p = "-p", c = "-c", e = "-e";
  std::string prefix = home + "/";
  char* words[] = {program.data(), p.data(), prefix.data(), c.data(),
                   conf.data(),    e.data(), log.data(),    nullptr};
  const std::string path = access("/usr/sbin/nginx", X_OK) == 0 ? "/usr/sbin/nginx" : "nginx";
  if (posix_spawnp(&pid_, path.c_str(), nullptr, nullptr, words, environ) != 0) pid_ = -1;
  if (pid_ > 0) eventually([&] { return listens(port); });
}

Nginx::~Nginx() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  close(fd);
  return ntohs(at.sin_port);
}

CheckPlan loopback_plan(uint16_t port, CheckKind kind, Proxy proxy, const std::string& name,
                        const std::string& ca) {
  CheckPlan plan;
  plan.server = "web";
  plan.addresses = {*parse_address("127.0.0.1")};
  plan.port = port;
  plan.kind = kind;
  plan.proxy = proxy;
  plan.name = name;
  plan.check.ca.value = ca;
  if (!name.empty()) plan.own_names = {name};
  return plan;
}

}  // namespace dam::control
