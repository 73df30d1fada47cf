// SPDX-License-Identifier: BSD-3-Clause
// One engine with one worker between a client's router, a service and a management server: tests
// write segments by hand and look at what comes out. Time stands still unless a test moves it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/checksum.h"
#include "dataplane/core/packet.h"
#include "dataplane/core/tcp_options.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/segment.h"
#include "dataplane/engine/sight_sink.h"
#include "dataplane/engine/worker.h"
#include "tests/unit/engine/as_the_kernel.h"

namespace dam::test {

inline dam_address v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return dam_address_v4(uint32_t{d} << 24 | uint32_t{c} << 16 | uint32_t{b} << 8 | a);
}

// 2001:db8:<net>::<host>
inline dam_address v6(uint16_t net, uint16_t host) {
  return {{__builtin_bswap32(0x20010db8), __builtin_bswap32(uint32_t{net} << 16), 0,
           __builtin_bswap32(host)}};
}

inline const dam_address kPublic = v4(198, 18, 0, 2);
inline const dam_address kRouter = v4(198, 18, 0, 1);
inline const dam_address kClient = v4(198, 51, 100, 7);
inline const dam_address kStranger = v4(198, 51, 100, 8);
inline const dam_address kServiceServer = v4(198, 18, 10, 10);
inline const dam_address kManagementServer = v4(198, 18, 20, 10);
inline constexpr uint8_t kAck = DAM_TCP_ACK;
inline constexpr uint8_t kFrontPort = 0;
inline constexpr uint8_t kServicePort = 1;
inline constexpr uint8_t kManagementPort = 2;
inline constexpr uint8_t kServiceZone = 1;
inline constexpr uint8_t kManagementZone = 2;

// Front, service and management, a port each; the router leads to everybody else.
std::vector<Interface> small_interfaces();
inline constexpr uint16_t kPortRouted = 2525;  // a port route to the service server

// What came out of the dam.
struct Seen {
  uint8_t port = 0;
  bool urgent = false;
  std::vector<uint8_t> bytes;
  dam_packet packet{};
  dam_tcp_options options{};
  std::string payload() const {
    return {reinterpret_cast<const char*>(bytes.data()) + packet.payload, packet.payload_bytes};
  }
  bool has(uint8_t flags) const { return (packet.tcp_flags & flags) == flags; }
};

// What stands between the links and the engine: nothing, or the kernel's plane (tests/parity).
class Front {
 public:
  enum class Verdict { dropped, sent, host, engine };
  virtual ~Front() = default;
  virtual SharedTables tables() const = 0;
  virtual void applied(const Policy& policy, const Engine& engine) = 0;
  // Where the frame goes; `sent`: changed, and out of `port`. Counts into `counters`.
  virtual Verdict handle(uint8_t& port, std::vector<uint8_t>& frame, Engine& engine,
                         uint64_t now_ns, dam_worker_counters& counters) = 0;
  virtual void take_sights(const SightSink& sink) = 0;
  virtual void set_capture(const dam_capture& wanted) = 0;
  bool engine_lives = true;  // and its heart beats
};
std::unique_ptr<Front> make_front(const EngineConfig& config);  // each program has its own

inline constexpr uint16_t kManagementVlan = 20;
inline const dam_address kPublicV6 = v6(0, 2);
inline const dam_address kServiceServerV6 = v6(0x10, 10);
inline const dam_address kManagementServerV6 = v6(0x20, 10);

// What a site has beside the plain one's.
struct SiteOptions {
  std::unique_ptr<Front> (*front)(const EngineConfig&) = make_front;
  bool wide = false;  // IPv6 too; management on a VLAN; the host resolves next hops, as for XDP
  PortRange ports{};  // few of them are made sooner
};

class SmallSite {
 public:
  enum class Tables { engines, outlive_it };
  // The test may change the policy before it is applied.
  explicit SmallSite(Limits limits = small_limits(), Tables tables = Tables::engines,
                     SiteOptions options = {});
  static Limits small_limits();

  Policy draft() const;  // the standard policy, to be changed
  void apply(Policy policy);
  // With tables that outlive it: the engine ends where it stands, and another one adopts them.
  void restart() { restart(applied_); }
  void restart(std::shared_ptr<const Policy> before);  // what those tables say that it was
  // For another run on tables that were put back as they were then: counters begin at 0.
  void rewind(uint64_t now_ns);
  SharedTables tables() const { return config_.shared; }
  std::vector<Seen> send(uint8_t port, const Segment& segment);
  std::vector<Seen> send_raw(uint8_t port, std::vector<uint8_t> frame);
  std::vector<Seen> send_burst(const std::vector<std::pair<uint8_t, Segment>>& segments);
  std::vector<Seen> advance(uint64_t duration_ns, uint64_t step_ns = 5'000'000);
  // Nobody answers ARP for this address.
  void mute(const dam_address& address, bool silent) { mute_ = silent ? address : dam_address{}; }
  uint64_t drops(dam_drop_reason reason, int zone = -1) const;
  // Frames that were not the dam's: the engine drops them, the kernel's plane leaves them to the
  // host.
  uint64_t left_alone() const { return drops(DAM_DROP_not_ours) + worker().host_packets; }
  const dam_zone_counters& zone(uint8_t slot) const { return counters_->worker[0].zones[slot]; }
  uint64_t bans(uint8_t slot) const { return dam_bans_of(&zone(slot)); }
  const dam_server_state& server_state(uint16_t slot) const { return counters_->servers[slot]; }
  const dam_worker_counters& worker() const { return counters_->worker[0]; }
  Engine& engine() { return *engine_; }
  Front* front() { return front_.get(); }
  uint32_t flows() { return engine_->worker(0).flows_used(); }
  uint64_t now_ns() const { return now_ns_; }

 private:
  std::vector<Seen> collect();
  void answer_arp(const Seen& seen, std::vector<Seen>& rest);
  void top_up();
  Frame frame_of(uint8_t port, const std::vector<uint8_t>& bytes);
  bool goes_to_engine(uint8_t port, std::vector<uint8_t>& bytes);
  void resolve_next_hops();

  std::unique_ptr<dam_counters> counters_;
  std::unique_ptr<Front> front_;
  std::unique_ptr<OwnTables> own_tables_;
  EngineConfig config_;
  std::shared_ptr<const Policy> applied_;
  std::unique_ptr<Engine> engine_;
  std::vector<Seen> sent_by_front_;
  std::deque<std::vector<uint8_t>> buffers_;
  Output output_;
  Limits limits_;
  bool wide_;
  PortRange ports_;
  uint64_t version_ = 0;
  dam_address mute_{};
  uint64_t now_ns_ = 1'000'000'000'000;
};

// A client's connection, seen from its own side.
struct ClientSide {
  dam_address address = kClient;
  uint16_t port = 40000;
  uint16_t to_port = 443;
  uint32_t isn = 1000;
  uint32_t next = 1001;  // of its own
  uint32_t ack = 0;
  bool timestamps = false;
  uint8_t wscale = 7;
  uint8_t cipher = 1;       // of its hello
  std::string_view alpn{};  // that it offers
  std::string_view head{};  // what it says instead of a hello

  Segment segment(uint8_t flags, std::string_view payload = {}) const;
};

// Client and server through the whole handshake.
struct Connection {
  ClientSide client;
  Seen syn_ack;      // what the client got
  Seen server_syn;   // what the server got
  Seen header;       // the PROXY header's segment
  std::string held;  // what followed it
  uint32_t server_isn = 500000;
  uint8_t server_port = kServicePort;
  // The server's next segment.
  Segment from_server(uint8_t flags, std::string_view payload, uint32_t seq, uint32_t ack) const;
};

// Of a client whose only cipher suite is 0x1300 + `cipher`: kinds of clients differ by it.
std::string client_hello(std::string_view server_name, uint8_t cipher = 1,
                         std::string_view alpn = {});
// SYN, SYN-ACK, ACK: the dam knows the client and waits for bytes. Gives the SYN-ACK.
std::optional<Seen> prove(SmallSite& site, ClientSide& client);
// Everything up to the splice; nullopt where the dam refused.
std::optional<Connection> establish(SmallSite& site, ClientSide client, std::string_view name);

}  // namespace dam::test
