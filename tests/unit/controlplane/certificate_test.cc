// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/certificate.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <ctime>

#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

const KeyPair& authority() {
  static const KeyPair made = issue({Issue::Purpose::authority, "an authority", {}, 3650}, nullptr);
  return made;
}

// As OpenSSL's own verification sees it: 0, or why not.
int verify(X509& certificate, X509& trusted, int purpose) {
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, &trusted);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, &certificate, nullptr);
  X509_STORE_CTX_set_purpose(context, purpose);
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
  const int error = X509_verify_cert(context) == 1 ? 0 : X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return error;
}

TEST(Certificate, of_a_server_and_of_a_client_are_good_for_that_alone) {
  const KeyPair server =
      issue({Issue::Purpose::server, "dam", {"dam.example", "198.18.2.1", "2001:db8::1"}, 30},
            &authority());
  const KeyPair client = issue({Issue::Purpose::client, "alice", {}, 30}, &authority());
  X509& ca = *authority().certificate;
  EXPECT_EQ(verify(*server.certificate, ca, X509_PURPOSE_SSL_SERVER), 0);
  EXPECT_EQ(verify(*client.certificate, ca, X509_PURPOSE_SSL_CLIENT), 0);
  EXPECT_NE(verify(*server.certificate, ca, X509_PURPOSE_SSL_CLIENT), 0);
  EXPECT_NE(verify(*client.certificate, ca, X509_PURPOSE_SSL_SERVER), 0);
  const KeyPair other = issue({Issue::Purpose::authority, "an authority", {}, 30}, nullptr);
  EXPECT_NE(verify(*client.certificate, *other.certificate, X509_PURPOSE_SSL_CLIENT), 0);
}

TEST(Certificate, names_addresses_and_times_are_those_asked_for) {
  const std::vector<std::string> names = {"dam.example", "198.18.2.1", "2001:db8::1"};
  const KeyPair server = issue({Issue::Purpose::server, "dam", names, 30}, &authority());
  EXPECT_EQ(names_in(*server.certificate), names);
  EXPECT_TRUE(covers(*server.certificate, "dam.example"));
  EXPECT_TRUE(covers(*server.certificate, "2001:db8:0::1"));
  EXPECT_FALSE(covers(*server.certificate, "198.18.2.2"));
  const int64_t left = expiry_of(*server.certificate) - std::time(nullptr);
  EXPECT_NEAR(static_cast<double>(left), 30 * 86400, 60);
  for (const char* bad : {"a,DNS:evil.example", "", "a b", "x\n"}) {
    EXPECT_THROW(issue({Issue::Purpose::server, "dam", {bad}, 30}, &authority()),
                 std::runtime_error)
        << bad;
  }
}

TEST(Certificate, a_pair_is_read_back_and_its_files_are_private) {
  const TemporaryFolder folder;
  const KeyPair pair = issue({Issue::Purpose::client, "alice", {}, 30}, &authority());
  const KeyPair other = issue({Issue::Purpose::client, "bob", {}, 30}, &authority());
  write_private(folder.file("a.pem"), pem_of(*pair.certificate));
  write_private(folder.file("a.key"), "old");
  write_private(folder.file("a.key"), pem_of(*pair.key));
  write_private(folder.file("b.key"), pem_of(*other.key));
  struct stat info {};
  ASSERT_EQ(stat(folder.file("a.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  const KeyPair back = read_key_pair(folder.file("a.pem"), folder.file("a.key"));
  EXPECT_EQ(fingerprint_of(*back.certificate), fingerprint_of(*pair.certificate));
  EXPECT_NE(fingerprint_of(*back.certificate), fingerprint_of(*other.certificate));
  try {
    read_key_pair(folder.file("a.pem"), folder.file("b.key"));
    FAIL() << "a stranger's key was taken";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("is not the key of"), std::string::npos);
  }
  EXPECT_THROW(certificate_from("nonsense"), std::runtime_error);
  EXPECT_THROW(key_from("nonsense"), std::runtime_error);
  EXPECT_THROW(read_text(folder.file("absent")), std::runtime_error);
}

}  // namespace
}  // namespace dam::control
