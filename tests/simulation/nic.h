// SPDX-License-Identifier: BSD-3-Clause
// A host's NIC. Debian's lwIP is built without timestamps, SACK and path MTU discovery; the NIC
// adds them as offloads would: it writes the options of what goes out, keeps to itself those of
// what comes in, and cuts segments to the path. Since it wrote them, it knows what may come back,
// and says where the dam's translation is wrong.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "tests/simulation/link.h"
#include "tests/simulation/lwip_stack.h"

namespace dam::simulation {

// A TSecr that is off by a little is no tick of this clock.
inline constexpr uint32_t kTicksPerMs = 7;

inline bool is_before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }

std::pair<uint64_t, uint64_t> address_words(const dam_address& address);

// One end of a connection. Offsets are those of its stream: octet 0 is the first behind the SYN.
struct NicConnection {
  bool offered_timestamps = false;
  bool offered_sack = false;
  bool peer_timestamps = false;
  bool peer_sack = false;
  bool answered = false;     // both SYNs are known
  bool fin_moved = false;    // it said FIN at two numbers: a bug of lwIP's, see endpoint.cc
  uint32_t fin_end = 0;      // the number behind it
  bool stray_reset = false;  // it got an RST as who has no connection gets it: without ACK
  uint32_t iss = 0;
  uint32_t irs = 0;
  uint32_t clock_base = 0;
  uint32_t first_tsval = 0;
  uint32_t last_tsval = 0;
  uint32_t ts_recent = 0;
  uint32_t last_ack_sent = 0;
  uint64_t old_until_ns = 0;  // so long segments of the one before it with these ports may come
  uint32_t sent_end = 0;      // the number behind the furthest octet that it has sent
  // What of the peer's stream it has told to hold, by SACK, in its own offsets.
  std::set<std::pair<uint32_t, uint32_t>> told;
  // The other end, once the server's application knows whose it is; and how much longer the stream
  // is there: the PROXY header's octets at the server.
  std::shared_ptr<NicConnection> other;
  bool at_server = false;
  uint32_t longer_here = 0;
  Bytes opening;  // the first segment with octets in it: the PROXY header, whole and alone

  void note_another(uint64_t now_ns) { old_until_ns = now_ns + 5 * kSecond; }
  bool timestamps() const { return offered_timestamps && peer_timestamps; }
  bool sack() const { return offered_sack && peer_sack; }
};

class Nic {
 public:
  struct Features {
    bool timestamps = true;
    bool sack = true;
  };

  Nic(Environment& environment, LwipStack& stack, netif* host, Link& uplink);

  Features features;
  bool expects_header = false;  // in front of each connection that comes in
  bool dead = false;            // the host has no power
  bool hostile = false;  // somebody forges errors: those that fit nothing are none of the dam's

  void send(Bytes packet);     // of the host's TCP
  void receive(Bytes packet);  // of the link
  std::shared_ptr<NicConnection> find(const dam_address& local, uint16_t local_port,
                                      const dam_address& remote, uint16_t remote_port) const;

 private:
  using Key = std::tuple<uint64_t, uint64_t, uint16_t, uint64_t, uint64_t, uint16_t>;
  static Key key_of(const dam_address& local, uint16_t local_port, const dam_address& remote,
                    uint16_t remote_port);

  NicConnection& outgoing(const TcpView& view);
  bool is_forgotten(const TcpView& view) const;
  static bool is_amid_one(const TcpView& syn);
  void write_options(Bytes& packet, const TcpView& view, NicConnection& connection);
  void tell_islands(TcpOptions& options, const TcpView& view, NicConnection& connection) const;
  void cut_to_path(Bytes packet);
  void take_error(const Bytes& packet, const IpView& view);
  bool take_options(Bytes& packet, const TcpView& view);
  bool check_timestamps(const TcpOptions& options, const TcpView& view, NicConnection& connection);
  void check_sack(const TcpOptions& options, const TcpView& view, const NicConnection& connection);
  void check_ack(const TcpView& view, const NicConnection& connection);
  void check_header(const Bytes& packet, const TcpView& view, NicConnection& connection);
  void broken(const std::string& what, const TcpView& view);
  uint32_t clock(const NicConnection& connection) const;

  Environment& environment_;
  LwipStack& stack_;
  netif* host_;
  Link& uplink_;
  std::map<Key, std::shared_ptr<NicConnection>> connections_;
  std::map<std::pair<uint64_t, uint64_t>, uint16_t> path_mtu_;
};

}  // namespace dam::simulation
