// SPDX-License-Identifier: BSD-3-Clause
// Real hellos: what OpenSSL's client sends into a memory BIO.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "dataplane/engine/client_hello.h"
#include "tests/unit/engine/hello_builder.h"

namespace dam::test {
namespace {

struct Client {
  const char* sentence;
  std::string server_name;
  std::string alpn_wire;
  int max_version = TLS1_3_VERSION;
  size_t ticket_bytes = 0;  // a padding extension of this size, as big as a post-quantum key share
};

const Client kRealClients[] = {
    {"TLS 1.3 with name and ALPN", "www.example.org", "\x02h2\x08http/1.1"},
    {"TLS 1.3 with name", "www.example.org", ""},
    {"TLS 1.3 with ALPN", "", "\x02h2"},
    {"TLS 1.3 with neither", "", ""},
    {"TLS 1.2 with name and ALPN", "mgmt.example.org", "\x08http/1.1", TLS1_2_VERSION},
    {"TLS 1.2 with neither", "", "", TLS1_2_VERSION},
    {"a post-quantum size", "www.example.org", "\x02h2", TLS1_3_VERSION, 1216},
};

int add_filler(SSL*, unsigned, unsigned, const unsigned char** out, size_t* bytes, X509*, size_t,
               int*, void* arg) {
  const Bytes& filler = *static_cast<const Bytes*>(arg);
  *out = filler.data();
  *bytes = filler.size();
  return 1;
}

Bytes hello_of(const Client& client) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  SSL_CTX_set_max_proto_version(context.get(), client.max_version);
  Bytes filler(client.ticket_bytes, 0x5a);
  if (!filler.empty()) {
    EXPECT_EQ(SSL_CTX_add_custom_ext(context.get(), 0xff77, SSL_EXT_CLIENT_HELLO, add_filler,
                                     nullptr, &filler, nullptr, nullptr),
              1);
  }
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
  if (!client.server_name.empty()) SSL_set_tlsext_host_name(ssl.get(), client.server_name.c_str());
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const uint8_t*>(client.alpn_wire.data()),
                      static_cast<unsigned>(client.alpn_wire.size()));
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
  EXPECT_EQ(SSL_connect(ssl.get()), -1);
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(out, &data);
  return Bytes(data, data + bytes);
}

HelloStatus parse(const Bytes& bytes, Bytes& scratch, ClientHello& hello) {
  scratch.resize(hello_scratch_bytes(kMaxHelloBytes));
  return parse_client_hello(bytes, scratch, kMaxHelloBytes, hello);
}

void expect_read(const Client& client, const Bytes& bytes) {
  ClientHello hello;
  Bytes scratch;
  ASSERT_EQ(parse(bytes, scratch, hello), HelloStatus::complete) << client.sentence;
  ASSERT_EQ(hello.server_name, client.server_name) << client.sentence;
  ASSERT_EQ(hello.alpn_wire, client.alpn_wire) << client.sentence;
  ASSERT_EQ(hello.wire_bytes, bytes.size());
}

Bytes message_in(const Bytes& one_record) {
  return Bytes(one_record.begin() + 5, one_record.end());
}

TEST(ClientHelloOfOpenSsl, IsReadWhole) {
  for (const Client& client : kRealClients) expect_read(client, hello_of(client));
}

TEST(ClientHelloOfOpenSsl, HasThePostQuantumSizeWhereTheTestSaysSo) {
  EXPECT_GT(hello_of(kRealClients[6]).size(), 1400u);
}

TEST(ClientHelloOfOpenSsl, IsReadFromTwoRecordsCutAnywhere) {
  for (const Client& client : kRealClients) {
    const Bytes whole = message_in(hello_of(client));
    for (size_t cut = 1; cut < whole.size(); ++cut) expect_read(client, split_records(whole, cut));
  }
}

TEST(ClientHelloOfOpenSsl, IsIncompleteAtEveryTruncation) {
  for (const Client& client : kRealClients) {
    const Bytes bytes = hello_of(client);
    for (size_t length = 0; length < bytes.size(); ++length) {
      ClientHello hello;
      Bytes scratch;
      const Bytes start(bytes.begin(), bytes.begin() + length);
      ASSERT_EQ(parse(start, scratch, hello), HelloStatus::incomplete) << length;
    }
  }
}

// Cut short, with lengths of the record and the message that hide it: only the cut behind the
// compression methods leaves a hello (RFC 5246 lets it end there), and that one names nobody.
TEST(ClientHelloOfOpenSsl, IsMalformedWhenCutUnderLengthsThatLie) {
  for (const Client& client : kRealClients) {
    const Bytes whole = message_in(hello_of(client));
    int complete = 0;
    for (size_t length = 4; length < whole.size(); ++length) {
      ClientHello hello;
      Bytes scratch;
      const Bytes body(whole.begin() + 4, whole.begin() + length);
      const HelloStatus status = parse(record(message(body)), scratch, hello);
      if (status == HelloStatus::complete) ++complete;
      ASSERT_TRUE(status == HelloStatus::malformed || complete == 1) << length;
      ASSERT_TRUE(hello.server_name.empty()) << length;
    }
    EXPECT_EQ(complete, 1) << client.sentence;
  }
}

TEST(ClientHelloOfOpenSsl, SurvivesEveryByteFlipped) {
  for (const Client& client : kRealClients) {
    const Bytes bytes = hello_of(client);
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const int mask : {0x01, 0x80, 0xff}) {
        Bytes flipped = bytes;
        flipped[i] = static_cast<uint8_t>(flipped[i] ^ mask);
        ClientHello hello;
        Bytes scratch;
        const HelloStatus status = parse(flipped, scratch, hello);
        if (i < 2 || i == 5) {
          // Byte 1 is the major version, 0 and 5 the types: refused at once.
          ASSERT_EQ(status, HelloStatus::malformed) << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace dam::test
