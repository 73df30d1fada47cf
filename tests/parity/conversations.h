// SPDX-License-Identifier: BSD-3-Clause
// Clients and servers that talk through the twins: what each step of a random list does.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "tests/parity/dice.h"
#include "tests/parity/twins.h"
#include "tests/parity/wire.h"

namespace dam::test {

enum class Act : uint8_t {
  wait,
  stand,  // SYN, cookie, hello, server's SYN-ACK and ACK, one after the other
  syn,
  acknowledge,  // the cookie, and perhaps the hello's first bytes
  hello,        // more of it
  bad_cookie,
  server_syn_ack,
  server_ack,
  client_data,
  server_data,
  client_ends,
  server_ends,
  icmp_error,
  stranger,
  again,  // an earlier frame once more
  policy,
  rotate_secret,
  learn,
  count
};
enum class Twist : uint8_t {
  none,
  bit,
  cut,
  padding,
  other_link,
  other_mac,
  vlan,
  hop_limit,
  fragment,
  checksum,
  octet,  // another one, under a right checksum
  group_mac,
  bad_source,
  count
};

struct Step {
  Act act{};
  Twist twist{};
  uint8_t who = 0;
  uint32_t details = 0;
};
std::ostream& operator<<(std::ostream& out, const Step& step);

// A client, its connection, and its server, as far as it got.
struct Talk {
  dam_address client{}, listener{};
  uint16_t port = 0, to_port = 443;
  uint32_t isn = 0, next = 0, ack = 0;
  bool timestamps = false;
  uint8_t wscale = 15;
  std::string hello;
  size_t hello_sent = 0;
  uint32_t tsecr = 0;  // what the dam last said to the client
  // The server's side; its port is 0 until a SYN came.
  dam_address server{}, local{};
  uint16_t server_port = 0, local_port = 0;
  uint8_t server_link = 0;
  uint32_t server_next = 0, server_ack = 0, server_tsecr = 0;
  bool server_timestamps = false;
  std::vector<uint8_t> to_client, to_server;  // the last frames of this connection that went out
};

class Conversations {
 public:
  explicit Conversations(Twins& twins);
  void take(const Step& step);

 private:
  static constexpr size_t kTalks = 12;

  void send(uint8_t port, std::vector<uint8_t> frame, Talk& talk);
  void digest(const std::vector<Seen>& seen, Talk* current);
  void note_to_client(Talk& talk, const Seen& seen);
  void note_to_server(Talk& talk, const Seen& seen);

  void begin(Talk& talk, Dice& dice);
  void acknowledge(Talk& talk, Dice& dice, uint32_t first);
  void more_hello(Talk& talk, Dice& dice);
  void server_syn_ack(Talk& talk, Dice& dice);
  void server_segment(Talk& talk, Dice& dice, uint8_t flags, size_t bytes);
  void client_segment(Talk& talk, Dice& dice, uint8_t flags, size_t bytes);
  void stand(Talk& talk, Dice& dice);
  void icmp_error(Talk& talk, Dice& dice);
  void stranger(Talk& talk, Dice& dice);
  void again(Talk& talk, Dice& dice);
  WireSegment from_client(const Talk& talk, uint8_t flags) const;
  WireSegment from_server(const Talk& talk, uint8_t flags) const;

  Twins& twins_;
  Twist twist_ = Twist::none;
  uint64_t twist_seed_ = 0;
  std::array<Talk, kTalks> talks_;
  std::vector<std::pair<uint8_t, std::vector<uint8_t>>> sent_;  // the last ones
};

// twists.cc: the frame otherwise; may change the link that it comes by.
void twist_frame(Twist twist, Dice& dice, uint8_t& port, std::vector<uint8_t>& frame);

}  // namespace dam::test
