// SPDX-License-Identifier: BSD-3-Clause
// The clients and servers of the connections of one worker: whatever it sends is answered in its
// own thread, and the answer comes in by any worker. Nothing is lost here but what the dam refuses.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/core/packet.h"
#include "dataplane/core/types.h"
#include "tests/unit/threads/wires.h"

namespace dam {
struct Segment;
}

namespace dam::test {

inline constexpr uint16_t kFirstClientPort = 20000;
inline constexpr uint32_t kMessageBytes = 200;
inline constexpr uint32_t kTalkRounds = 5;
inline constexpr uint32_t kBlastSegments = 100;

enum class Script : uint8_t {
  talk,   // some requests and answers, octet by octet; FIN both ways
  blast,  // after the first answer, when fire() says so, many segments at once, and nothing more
  hold,   // after the first answer nothing
};

struct Client {
  uint16_t id = 0;
  dam_address address{};
  const char* server_name = "";
  Script script = Script::talk;
  uint32_t isn = 0, next = 0, expected = 0;  // of its own, and the server's
  uint32_t taken = 0;                        // octets of answers
  bool reset = false;
};

// What a worker's thread has seen at its ends.
struct Tally {
  uint64_t finished = 0;  // clients that have all that their script asks for
  uint64_t closed_by_server = 0, reset = 0;
  uint64_t wrong = 0;  // octets, and segments out of place
  uint64_t blasted = 0;
};

class Peers {
 public:
  using Send = std::function<void(const Packet&)>;
  Peers(std::span<Client> clients, Send send) : clients_(clients), send_(std::move(send)) {}

  void receive(const Frame& frame);
  void fire();
  Packet syn_of(Client& client) const;
  const Tally& tally() const { return tally_; }

 private:
  struct Server {
    int32_t client = -1;  // known by the PROXY header
    uint32_t expected = 0, next = 0;
    uint32_t taken = 0;  // octets of the hello and of requests
    bool closing = false;
  };
  void answer_arp(const Frame& frame);
  void at_client(const dam_packet& packet, std::span<const uint8_t> payload);
  void go_on(Client& client);
  void at_server(uint8_t port, const dam_packet& packet, std::span<const uint8_t> payload);
  void take_at_server(Server& server, uint8_t port, const dam_packet& packet,
                      std::span<const uint8_t> payload);
  void say(Client& client, uint8_t flags, uint32_t octets);
  void say(Server& server, uint8_t port, const dam_packet& to, uint8_t flags, uint32_t octets);
  void emit(uint8_t port, const Segment& segment) const;

  std::span<Client> clients_;
  Send send_;
  Tally tally_;
  std::vector<Client*> loaded_;                   // who will blast
  std::unordered_map<uint16_t, Server> servers_;  // by the dam's port
};

}  // namespace dam::test
