// SPDX-License-Identifier: BSD-3-Clause
// Lines as nginx sends them, and as nobody should.
#include "controlplane/signals/signal_line.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace dam::control {
namespace {

constexpr char kSyslogHead[] = "<190>Nov 30 00:24:44 web nginx: ";

std::optional<Signal> line_read(const std::string& line) {
  return read_signal_line(kSyslogHead + line);
}

TEST(SignalLine, what_nginx_sends_is_read) {
  const auto signal =
      line_read("dam client=198.51.100.7 status=404 class=login path=/a%20b/./c/../d//e?q=/x HTTP");
  ASSERT_TRUE(signal);
  EXPECT_EQ(signal->client.text(), "198.51.100.7");
  EXPECT_EQ(signal->status, 404);
  EXPECT_EQ(signal->class_name, "login");
  EXPECT_EQ(signal->path, "/a b/d/e");
  const auto six = read_signal_line(
      "<190>Nov  3 00:24:44 nginx: dam status=200 client=2001:db8::7 class=- path=/");
  ASSERT_TRUE(six) << "nohostname";
  EXPECT_EQ(six->client.text(), "2001:db8::7");
  EXPECT_EQ(six->class_name, "");
}

TEST(SignalLine, a_client_of_a_socket_for_both_families_is_one_of_ipv4) {
  ASSERT_TRUE(line_read("dam client=::ffff:198.51.100.7"));
  EXPECT_EQ(line_read("dam client=::ffff:198.51.100.7")->client.text(), "198.51.100.7");
}

TEST(SignalLine, what_nginx_escapes_is_unescaped_once) {
  EXPECT_EQ(line_read("dam client=198.51.100.7 path=/\\x22\\xC3\\xA4")->path, "/\"\xc3\xa4");
  EXPECT_EQ(line_read("dam client=198.51.100.7 path=/%255c\\x")->path, "/%5c\\x");
}

TEST(SignalLine, whatever_else_is_there_makes_it_no_line) {
  const std::string good = "dam client=198.51.100.7 status=404 path=/x";
  ASSERT_TRUE(line_read(good));
  EXPECT_FALSE(read_signal_line(good)) << "no head";
  EXPECT_FALSE(read_signal_line("<192>Nov 30 00:24:44 web nginx: " + good)) << "priority";
  EXPECT_FALSE(read_signal_line("<190>Nov 30 00:24:44 web nginx " + good)) << "no tag";
  EXPECT_FALSE(read_signal_line(""));
  EXPECT_FALSE(read_signal_line(std::string(kMostDatagramBytes + 1, 'x')));
  for (const char* line :
       {"", "dam ", "dam", "dam status=404 path=/x", "GET / HTTP/1.1", "dam client=- path=/",
        "dam client=unix: path=/", "dam client=127.0.0.1 path=/", "dam client=0.0.0.0 path=/",
        "dam client=198.51.100.7 client=198.51.100.8 path=/", "dam client=198.51.100.7 status=4x4",
        "dam client=198.51.100.7 status=1000", "dam client=198.51.100.7 status=-1",
        "dam client=198.51.100.7 colour=red path=/", "dam client=198.51.100.7  path=/",
        "dam client=198.51.100.7 class=a/b path=/", "dam client=198.51.100.7/24 path=/",
        "dam client=198.51.100.7 status=404 status=404 path=/"}) {
    EXPECT_FALSE(line_read(line)) << line;
  }
}

TEST(SignalLine, a_path_is_what_a_server_looks_up) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"/", "/"},
      {"/a", "/a"},
      {"/a/", "/a/"},
      {"//a///b", "/a/b"},
      {"/a/..", "/"},
      {"/../../etc", "/etc"},
      {"/a/./b/.", "/a/b/"},
      {"/%2e%2e/x", "/x"},
      {"/wp%2Dlogin.php?x=/y", "/wp-login.php"},
      {"/x#y", "/x"},
      {"/%zz%4", "/%zz%4"},
      {"*", "*"},
      {"", ""},
  };
  for (const auto& [written, meant] : rows) EXPECT_EQ(normal_path(written), meant) << written;
  EXPECT_LE(normal_path("/" + std::string(100'000, 'a')).size(), kMostSignalPath);
}

// Of a million of them none is more than what it can be, and under ASan none reads beside its
// bytes.
TEST(SignalLine, bytes_of_any_kind_are_read_or_not) {
  const std::string good = std::string(kSyslogHead) +
                           "dam client=198.51.100.7 status=404 class=login path=/a%20b/../c\\x0a";
  std::mt19937 random(7);
  size_t read = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string line = good.substr(0, random() % 4 == 0 ? random() % good.size() : good.size());
    for (unsigned n = random() % 4; n > 0 && !line.empty(); --n) {
      line[random() % line.size()] = static_cast<char>(random());
    }
    const std::vector<char> exact(line.begin(), line.end());
    const auto signal = read_signal_line({exact.data(), exact.size()});
    if (!signal) continue;
    ++read;
    ASSERT_TRUE(is_host_address(signal->client));
    ASSERT_LE(signal->path.size(), kMostSignalPath);
    ASSERT_LE(signal->class_name.size(), kMostSignalClass);
    ASSERT_LE(signal->status, 999);
  }
  EXPECT_GT(read, 10'000u);
}

}  // namespace
}  // namespace dam::control
