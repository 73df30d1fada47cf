// SPDX-License-Identifier: BSD-3-Clause
// Real sockets on the loopback, and on a link between two networks of our own.
#include "controlplane/signals/signal_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {
namespace {

// Of several processes that share these tests each has its own.
uint16_t port_of_this_shard() {
  const char* shard = std::getenv("GTEST_SHARD_INDEX");
  return static_cast<uint16_t>(39650 + (shard != nullptr ? std::atoi(shard) : 0));
}

// A network namespace, for as long as the object lives.
class OwnNetwork {
 public:
  OwnNetwork() {
    std::thread([this] {
      if (unshare(CLONE_NEWNET) == 0) fd_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    }).join();
  }
  ~OwnNetwork() { close(fd_); }
  OwnNetwork(const OwnNetwork&) = delete;
  OwnNetwork& operator=(const OwnNetwork&) = delete;

  std::string path() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_);
  }
  // Whatever threads are made in there stay there.
  template <class Deed>
  void inside(Deed deed) const {
    std::thread([&] {
      ASSERT_EQ(setns(fd_, CLONE_NEWNET), 0);
      deed();
    }).join();
  }
  void ip(const std::string& words) const {
    inside([&] { EXPECT_EQ(std::system(("ip " + words).c_str()), 0) << words; });
  }

 private:
  int fd_ = -1;
};

struct SignalListenerTest : testing::Test {
  std::mutex mutex;
  std::optional<SocketAddress> wanted =
      SocketAddress{*parse_address("127.0.0.1"), port_of_this_shard()};
  std::vector<std::string> heard, said;
  uint64_t lost = 0;
  bool slow = false;
  SignalListener::Ends ends{
      [this] {
        const std::lock_guard lock(mutex);
        return wanted;
      },
      [this](const Address& sender, std::string_view text) {
        const std::lock_guard lock(mutex);
        heard.push_back(sender.text() + " " + std::string(text.substr(0, 20)));
      },
      [this](uint64_t count) {
        const std::lock_guard lock(mutex);
        lost += count;
      },
      [this](const std::string& sentence) {
        const std::lock_guard lock(mutex);
        said.push_back(sentence);
      }};
  std::optional<SignalListener> listener;

  void SetUp() override { listener.emplace(ends); }
  void TearDown() override { listener.reset(); }

  template <class Condition>
  bool soon(Condition condition) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return condition();
    });
  }
  static bool send(const std::string& from, const std::string& text,
                   const std::string& dam = "127.0.0.1") {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in own{}, to{};
    own.sin_family = to.sin_family = AF_INET;
    inet_pton(AF_INET, from.c_str(), &own.sin_addr);
    inet_pton(AF_INET, dam.c_str(), &to.sin_addr);
    to.sin_port = htons(port_of_this_shard());
    const bool sent = bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof own) == 0 &&
                      sendto(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&to),
                             sizeof to) == static_cast<ssize_t>(text.size());
    close(fd);
    return sent;
  }
};

TEST_F(SignalListenerTest, who_sends_and_what_is_told_as_it_came) {
  ASSERT_TRUE(soon([&] { return said.size() == 1; }));
  EXPECT_TRUE(said[0].starts_with("hearing servers' signals at 127.0.0.1:")) << said[0];
  ASSERT_TRUE(send("127.0.0.5", "one") && send("127.0.0.6", "") && send("127.0.0.7", "three"));
  ASSERT_TRUE(soon([&] { return heard.size() == 3; }));
  EXPECT_EQ(heard, (std::vector<std::string>{"127.0.0.5 one", "127.0.0.6 ", "127.0.0.7 three"}));
}

TEST_F(SignalListenerTest, the_policy_moves_it_and_says_what_is_in_the_way) {
  ASSERT_TRUE(soon([&] { return said.size() == 1; }));
  {
    const std::lock_guard lock(mutex);
    wanted = SocketAddress{*parse_address("203.0.113.77"), 5514};
  }
  ASSERT_TRUE(soon([&] { return said.size() == 2; }));
  EXPECT_EQ(said[1],
            "no server's signal is heard at 203.0.113.77:5514: this host has no such address");
  {
    const std::lock_guard lock(mutex);
    wanted = SocketAddress{*parse_address("127.0.0.1"), port_of_this_shard()};
  }
  ASSERT_TRUE(soon([&] { return said.size() == 3; }));
  send("127.0.0.5", "again");
  EXPECT_TRUE(soon([&] { return heard.size() == 1; }));
  {
    const std::lock_guard lock(mutex);
    wanted.reset();
  }
  EXPECT_TRUE(eventually([&] {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = htons(port_of_this_shard());
    inet_pton(AF_INET, "127.0.0.1", &own.sin_addr);
    const bool free = bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof own) == 0;
    close(fd);
    return free;
  })) << "the port is nobody's";
}

// As after a restart of a driver: the link goes, and another one of its name has its address.
TEST_F(SignalListenerTest, a_link_that_is_made_anew_is_heard_again) {
  if (geteuid() != 0) GTEST_SKIP() << "networks are root's";
  const OwnNetwork dam, server;
  const auto lay_link = [&] {
    dam.ip("link add dam0 type veth peer name server0 netns " + server.path());
    dam.ip("addr add 198.18.1.1/24 dev dam0");
    dam.ip("link set dam0 up");
    server.ip("addr add 198.18.1.10/24 dev server0");
    server.ip("link set server0 up");
  };
  const auto is_heard = [&](const std::string& text) {
    return eventually([&] {
      server.inside([&] { send("198.18.1.10", text, "198.18.1.1"); });
      const std::lock_guard lock(mutex);
      return !heard.empty() && heard.back() == "198.18.1.10 " + text;
    });
  };
  lay_link();
  wanted->address = *parse_address("198.18.1.1");
  dam.inside([&] { listener.emplace(ends); });
  EXPECT_TRUE(is_heard("one"));

  dam.ip("link del dam0");
  lay_link();  // too soon for it to be missed
  EXPECT_TRUE(is_heard("two"));

  dam.ip("link del dam0");
  EXPECT_TRUE(soon([&] { return said.back().ends_with("this host has no such address"); }));
  lay_link();
  EXPECT_TRUE(is_heard("three"));
  EXPECT_TRUE(said.back().starts_with("hearing servers' signals at 198.18.1.1:")) << said.back();
}

TEST_F(SignalListenerTest, what_finds_no_room_is_counted) {
  ASSERT_TRUE(soon([&] { return said.size() == 1; }));
  constexpr uint64_t kMany = 20'000;
  {
    const std::lock_guard lock(mutex);  // whoever takes them waits
    for (uint64_t i = 0; i < kMany; ++i) ASSERT_TRUE(send("127.0.0.5", std::string(400, 'x')));
  }
  EXPECT_TRUE(soon([&] {
    send("127.0.0.5", "the count comes with the next one");
    return lost > 0 && heard.size() + lost >= kMany;
  })) << heard.size()
      << " heard, " << lost << " lost";
}

}  // namespace
}  // namespace dam::control
