// SPDX-License-Identifier: BSD-3-Clause
// The path of a packet: parse -> flow lookup -> { splice | admit -> handshake -> hello -> route }.
// One worker is one thread's share of the connections; nothing here allocates, locks or calls the
// system.
#pragma once

#include <algorithm>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/core/answer.h"
#include "dataplane/core/counters.h"
#include "dataplane/core/flow_key.h"
#include "dataplane/core/packet.h"
#include "dataplane/core/sight.h"
#include "dataplane/core/splice.h"
#include "dataplane/core/syn_cookie.h"
#include "dataplane/core/tcp_options.h"
#include "dataplane/engine/big_array.h"
#include "dataplane/engine/client_hello.h"
#include "dataplane/engine/connection_record.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/flow.h"
#include "dataplane/engine/flow_id.h"
#include "dataplane/engine/flow_index.h"
#include "dataplane/engine/frame.h"
#include "dataplane/engine/handshake.h"
#include "dataplane/engine/hello_status.h"
#include "dataplane/engine/http_route_text.h"
#include "dataplane/engine/ja4.h"
#include "dataplane/engine/observe.h"
#include "dataplane/engine/refused_hello.h"
#include "dataplane/engine/request_tally.h"
#include "dataplane/engine/segment.h"
#include "dataplane/engine/sight_ring.h"
#include "dataplane/engine/spsc_queue.h"
#include "dataplane/engine/timer_wheel.h"

namespace dam {

struct HttpRequests;

class Worker {
 public:
  Worker(Engine& engine, uint32_t index);

  // One burst, at most kBurst frames; every frame comes back in one list of `output`.
  void poll(std::span<Frame> frames, Output& output, uint64_t now_ns);
  // Timers: retransmissions, time-outs, probes, neighbours. Every millisecond or so, also when
  // idle.
  void tick(Output& output, uint64_t now_ns);
  // One of the two is called more often. What is longer between two calls, this machine stood still
  // (a virtual one was stopped, say), and whoever owes an answer has had no time for it.
  static constexpr uint64_t kLongestSleepNs = 60'000'000;
  // Before the first poll, alone: the connections of a dataplane before this one, on whose shared
  // tables this one works. `before` must live until the first policy is seen everywhere.
  void adopt(const Policy& before, uint64_t now_ns);
  void let_ports_rest();  // once the pools know the adopted ones
  // Any thread: what its entry says now of a connection; nothing where there is none.
  std::optional<FlowGlance> glance(uint32_t index) const;
  // Control thread: the connection ends with the next tick, if it lives by then. False: too many
  // are waiting.
  bool end(const FlowId& id) { return ends_.push(id); }
  bool has_ends() const { return !ends_.empty(); }
  // Control thread: what became of packets, in their order; and how many sights found no room.
  bool take_sight(dam_sight& sight, SightRing::FrameBytes& frame) {
    return sights_.pop(sight, frame);
  }
  uint32_t sights_lost() const { return sights_lost_.load(std::memory_order_relaxed); }
  // Control thread: the ClientHellos that were read; those that found no room count as lost sights.
  bool take_hello(Ja4& ja4) { return hellos_.pop(ja4); }
  // Control thread: whose hellos they were that were refused, each told before its sight is; what
  // finds no room goes without a name.
  bool take_refused(RefusedHello& refused) { return refused_hellos_.pop(refused); }
  // Control thread: the connections that have ended, as far as the policy wants them told; and how
  // many of those found no room.
  bool take_record(ConnectionRecord& record) { return records_.pop(record); }
  uint32_t records_lost() const { return records_lost_.load(std::memory_order_relaxed); }
  // Software steering: which worker's flow table knows this frame.
  uint32_t owner_of(const Frame& frame) const;

  const Policy* policy_seen() const { return policy_seen_.load(std::memory_order_acquire); }
  uint32_t flows_used() const { return flows_used_.load(std::memory_order_relaxed); }
  uint32_t half_open_used() const { return half_open_used_.load(std::memory_order_relaxed); }
  bool sweeps() const { return sweep_left_ != 0; }  // for connections of denied sources
  uint32_t flow_capacity() const { return static_cast<uint32_t>(flows_.size()); }
  const HoldPool& hold() const { return hold_; }
  // What SYN-ACKs promise, by listener slot, and the window that they offer.
  std::span<const LearnedOptions> promises() const { return promises_; }
  uint16_t client_window() const {
    return static_cast<uint16_t>(std::min<uint32_t>(hold_.buffer_bytes(), UINT16_MAX));
  }

 private:
  using Drop = dam_drop_reason;
  struct Refusal {
    Drop reason = DAM_DROP_none;
    uint8_t zone_slot = 0;  // that refuses
  };

  struct Cookie {  // that came back, and holds
    dam_cookie_options options;
    uint32_t clock_origin;
  };
  enum class CookieIs : uint8_t { unread, good, bad };

  // A frame under way through the burst.
  struct Job {
    Frame* frame;
    uint64_t hash;       // 0: not a TCP segment that was addressed here
    uint32_t ref;        // flow << 1 | direction, or kNone
    uint32_t flow_ref;   // of the flow that took it, or kNone; see tell()
    uint32_t handshake;  // that the packet will probably touch, or kNone
    Drop refused;        // by the parser, or by a list
    uint16_t interface;  // where it came in
    Drop denied;         // why the source may not come in; of strangers alone
    bool source_known;
    bool told;  // of it, to those who watch
    CookieIs cookie_is;
    dam_packet packet;
    Cookie cookie;     // if it is good
    SourceKey source;  // in the zone "front", known early where a good cookie begins a connection
  };

  // Whom an RST answers: each kind has a limit of its own, so that strangers cannot use up what
  // servers need, nor the service server what the management server needs (rule 5).
  enum class ResetTo : uint8_t { stray, lost_client, service, management, probed, count };

  // worker.cc: the burst.
  void begin(Output& output, uint64_t now_ns);
  void leave_replaced(const Policy& now);
  void forget_server(uint16_t slot);
  void forget_zones(const std::bitset<DAM_MAX_ZONES>& zones);
  void make_acquaintance(Frame& frame);
  void count_received(std::span<const Frame> frames);
  void parse(Job& job, Frame& frame) const;
  // host_path.cc: what is the host's own.
  [[gnu::noinline]] void refuse(Job& job);
  void leave(Job& job, Drop reason);  // nobody's here: the host's, where it has a way there
  void to_host(Job& job);
  bool has_host(const Job& job) const { return host_mac_[job.frame->port] != 0; }
  bool is_for_host(const Job& job) const;
  bool is_from_server(const dam_packet& packet) const;
  bool is_addressed_here(Job& job) const;
  void locate(std::span<Job> jobs);
  void look_ahead(Job& job) const;
  void look_ahead(std::span<Job> jobs);
  void look_ahead_handshakes(std::span<Job> jobs) const;
  void screen(std::span<Job> jobs);
  Drop why_denied(const dam_address& source) const;
  [[gnu::noinline]] Drop why_denied_by_now(Flow& flow) const;
  void prefetch_flow(uint32_t index) const;
  static bool may_open_flow(const Job& job);
  SourceKey front_key(const dam_address& source) const;
  [[gnu::noinline]] void handle_flow(Flow& flow, dam_direction direction, Job& job);
  [[gnu::noinline]] void stranger(Job& job);
  [[gnu::noinline]] void for_the_dam(Job& job);
  [[gnu::noinline]] uint32_t find_flow_again(const Job& job) const;
  uint32_t find_flow(const dam_packet& packet, uint64_t hash) const;
  bool is_flow(uint32_t ref, const dam_packet& packet) const;
  bool banned_everywhere(const dam_address& source, uint16_t listener_slot) const;
  static bool turn_to_quoted(const Frame& frame, dam_packet& packet);
  uint64_t hash_of(const dam_packet& packet) const;

  // adopt.cc
  bool makes_sense(const Flow& flow) const;
  void note_port(const Flow& flow);
  void note_server(Flow& flow);
  void note_client(const Flow& flow);
  bool adopt(Flow& flow);
  bool enter_index(const Flow& flow);
  bool find_own_source(Flow& flow);
  void count_adopted(Flow& flow);
  void renew_flags();
  void tell_left_ends();

  // splice.cc: the straight way of an established connection's packets.
  void handle(Job& job);
  Refusal admit_packet(const Flow& flow, dam_direction direction, const Job& job);
  bool forward(Flow& flow, dam_direction direction, Job& job);
  template <dam_direction kWay>
  void splice_along(Flow& flow, Job& job);
  template <dam_direction kWay>
  Refusal admit_along(const Flow& flow, const Job& job);
  template <dam_direction kWay>
  bool forward_along(Flow& flow, Job& job);

  // packet_path.h: pieces of several files.
  bool within(uint64_t& tat_ns, const dam_gcra_rate& rate, uint32_t units) const;
  Drop charge(const Flow& flow, const Zone& zone, dam_dimension dimension, uint32_t units);
  Drop charge_source(const Flow& flow, const Zone& zone, dam_dimension dimension, uint32_t units);
  Drop charge_total(const Flow& flow, const Zone& zone, dam_dimension dimension, uint32_t units);
  bool is_banned(const Flow& flow, const Zone& zone) const;
  dam_rewrite rewrite_of(const Flow& flow, dam_direction direction) const;
  bool transmit(Frame& frame, uint16_t l3, uint8_t family, const NextHop& hop, bool urgent);
  void transmit_to(uint64_t mac, uint16_t out, const Frame& frame, uint16_t l3, uint8_t family,
                   bool urgent);

  // sights.cc: what becomes of packets, told to whoever watches.
  void listen_for_captures();
  void fill_up_sights();
  [[gnu::noinline]] void handle_captured(Job& job);
  void tell_if_due(Job& job, Drop reason, uint32_t zone);
  [[gnu::noinline]] void tell(Job& job, Drop reason, uint32_t zone);
  void tell(dam_sight& sight, Drop reason, uint32_t zone);
  void tell_passing(const Flow& flow, dam_direction direction, Job& job);
  void tell_refused(const Flow& flow, Refusal refused);
  void name_refused(const Flow& flow, Drop reason);
  void tell_opened(const Flow& flow);
  bool is_about(const Job& job, const Flow& flow) const;
  void push(dam_sight sight);
  static void count_lost(std::atomic<uint32_t>& lost) {  // the worker alone writes it
    lost.store(lost.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  static bool is_proven(const Job& job, Drop reason) {
    const bool of_flow = job.flow_ref != kNone || job.cookie_is == CookieIs::good;
    const bool tcp = job.packet.kind == DAM_KIND_TCP;  // errors about it anybody can send
    return tcp && dam_is_proven(of_flow ? 1 : 0, reason) != 0;
  }

  // egress.cc: frames leave here, or are counted.
  void count_drop(Drop reason, uint32_t zone);
  void drop(Frame& frame, Drop reason, uint32_t zone);
  bool originate(const Segment& segment, const NextHop& hop, bool urgent);
  // Rule 4: the last spare frames are management's.
  static uint32_t kept_spares(bool urgent) { return urgent ? 0 : kSpares / 8; }
  void answer(Frame& frame, const Segment& segment, const NextHop& hop, bool urgent);
  void answer_sender(Job& job, const dam_answer& answer, bool urgent = false);
  void reset_sender(Job& job, Drop reason, ResetTo whom = ResetTo::stray);
  bool may_send_icmp(const Flow& flow);
  [[gnu::noinline]] void too_big(Flow& flow, dam_direction direction, Job& job, uint16_t mtu);
  const LinkSide& side(size_t interface) const { return sides_[interface]; }

  // requests.cc: how many a client makes, by its records, or by its octets without TLS.
  Refusal follow_requests(const Flow& flow, const Handshake& handshake, const RouteQuery& query);
  static uint32_t fitting_requests(const Zone& zone, uint32_t found);
  Drop charge_requests(const Flow& flow, const Zone& zone, uint32_t found);
  [[gnu::noinline]] void note_answer(const Flow& flow, const Job& job);
  [[gnu::noinline]] Refusal admit_requests(const Flow& flow, const Zone& zone, const Job& job);
  // request_zones.cc
  int32_t route_of_request(const Flow& flow);
  RequestZone zone_of_request(const Flow& flow, bool may_route);
  uint32_t source_seen_in(const Flow& flow, uint8_t zone_slot) const;
  bool is_banned_in(const Flow& flow, uint8_t zone_slot) const;
  bool is_over(const Flow& flow, const RequestTally::Share& share, uint32_t units);
  Drop charge_elsewhere(const Flow& flow, RequestZone where, uint32_t units);
  Drop charge_share(const Flow& flow, const RequestTally::Share& share, uint32_t units);
  Refusal charge_plain(const Flow& flow, RequestTally& found, bool comes_again);
  // plain_requests.cc
  bool follows_plainly(const Flow& flow) const;
  bool counts_plain_requests(const Flow& flow) const;
  bool may_hold_requests(const Flow& flow) const;
  void clear_urgent(const Flow& flow, const Job& job) const;
  Refusal follow_plain(const Flow& flow, const Handshake& handshake);
  Refusal read_held_requests(const Flow& flow, const Handshake& handshake);
  RequestTally read_plain(const Flow& flow, HttpRequests& requests,
                          std::span<const uint8_t> octets);
  void keep_plain(const Flow& flow, const HttpRequests& requests, uint32_t found);
  [[gnu::noinline]] Drop read_along(const Flow& flow, const Job& job);
  Refusal admit_plain(const Flow& flow, const Job& job);

  // admit.cc: buckets, bans, shares.
  Drop admit_connection(Flow& flow, const Zone& zone);
  [[gnu::noinline]] bool charge_shared(uint64_t& tat_ns, const dam_gcra_rate& rate,
                                       uint32_t units) const;
  [[gnu::noinline]] void refit(uint64_t& tat_ns, const dam_gcra_rate& rate) const;
  bool exceeded(const Flow& flow, const Zone& zone, bool total, int limit);
  bool enter_source(const Flow& flow, const Zone& zone);
  [[gnu::noinline]] void refuse_segment(Flow& flow, Job& job, Refusal refused);
  void violated(const Flow& flow, const Zone& zone, int limit);
  Drop count_concurrent(Flow& flow, const Zone& zone);
  void uncount_concurrent(Flow& flow);

  // syn.cc, open.cc, new_cookie.cc: SYN -> cookie -> flow.
  uint16_t listener_of(const dam_packet& packet) const;
  bool checksum_holds(const Job& job) const;
  void on_syn(Job& job, uint16_t listener_slot);
  void on_cookie(Job& job, uint16_t listener_slot);
  bool cookie_holds(const dam_packet& packet, Cookie& cookie) const;
  bool is_lost(uint64_t hash);
  void open(Job& job, uint16_t listener_slot, const Cookie& cookie, const dam_tcp_options& options);
  Flow& take_flow(const Job& job, uint16_t listener_slot, const NextHop& back);
  void give_place(uint32_t index);
  void let_places_rest();
  Drop admit_new(Flow& flow, uint64_t hash);
  void forget_new(Flow& flow);
  void begin_handshake(Flow& flow, uint16_t client_window, const Cookie& cookie,
                       const dam_tcp_options& options);
  void lower_promise(LearnedOptions& promise, uint16_t server_slot) const;
  LearnedOptions promise_of(const Listener& listener) const;
  void refresh_promises();
  uint16_t mss_of(uint16_t out, uint8_t family) const;
  uint32_t client_clock(uint32_t origin) const;
  uint32_t make_room_half_open();
  void grant_cookie_tries(Flow& flow) const;
  bool may_be_cookie(Flow& flow) const;
  static bool fits_connection(const Flow& flow, const dam_packet& packet);
  bool replaced_by_new_cookie(Flow& flow, Job& job);
  Drop read_opening(const Job& job, dam_tcp_options& options) const;

  // hello.cc: client bytes that wait for a route.
  void on_client_early(Flow& flow, Job& job);
  bool take_hold(const Flow& flow, Handshake& handshake);
  uint32_t service_share(uint32_t capacity) const;
  static bool is_service(const Flow& flow);
  void take_bytes(Flow& flow, Handshake& handshake, Job& job);
  static void note_client_clock(Handshake& handshake, const Job& job);
  void acknowledge_client(const Flow& flow, const Handshake& handshake, Job& job);
  void read_hello(Flow& flow, Handshake& handshake);
  void read_http(Flow& flow, Handshake& handshake, std::span<const uint8_t> bytes);
  void count_hello(const ClientHello& hello, std::string_view alpn);
  void hello_refused(Flow& flow, HelloStatus status);
  void route(Flow& flow, Handshake& handshake, const RouteQuery& query);
  Drop enter_zone(Flow& flow, const Route& route);
  SourceKey source_in(uint8_t zone_slot, const dam_address& client, const Ja4& ja4) const;
  bool tells_client(const Flow& flow, Refusal refused) const;
  void refuse(Flow& flow, Drop reason, bool reset);
  void refuse(Flow& flow, Refusal refused, bool reset);

  // connect.cc, source_port.cc: the server's side of the handshake.
  bool takes_new(uint16_t server_slot) const;
  uint16_t weight_of(uint16_t server_slot) const;
  void choose_candidates(const Flow& flow, Handshake& handshake, const Route& route) const;
  void connect(Flow& flow, Handshake& handshake);
  bool bind_source_port(Flow& flow, uint16_t server_slot);
  dam_packet reply_to(const Server& server, uint8_t family, uint8_t local, uint16_t port) const;
  bool is_port_taken(const Server& server, uint8_t family, uint8_t local, uint16_t port) const;
  bool take_source_port(Flow& flow, uint64_t& hash);
  void unbind_source_port(Flow& flow);
  void give_source_port(const Flow& flow);
  dam_flow_key server_side(const Flow& flow) const;
  dam_flow_key client_side(const Flow& flow) const;
  uint64_t hash_of(const dam_flow_key& key) const { return dam_flow_hash(&table_key_, &key); }
  uint64_t server_side_hash(const Flow& flow) const { return hash_of(server_side(flow)); }
  uint64_t client_side_hash(const Flow& flow) const { return hash_of(client_side(flow)); }
  void start_clocks(Flow& flow, Handshake& handshake) const;
  void send_syn(Flow& flow, Handshake& handshake);
  void on_server_early(Flow& flow, Job& job);
  void on_syn_ack(Flow& flow, Handshake& handshake, Job& job, const dam_tcp_options& options);
  void server_failed(Flow& flow, Handshake& handshake, Drop reason);
  void install_splice(Flow& flow, Handshake& handshake, const dam_packet& packet,
                      const dam_tcp_options& options);
  void write_header(const Flow& flow, Handshake& handshake) const;
  Segment addressed(const Flow& flow, dam_direction direction, uint8_t flags) const;
  Segment to_server(const Flow& flow, uint8_t flags) const;
  Segment to_client(const Flow& flow, uint8_t flags) const;

  // deliver.cc: header and held bytes reach the server, whole and in order.
  Segment deliver_segment(const Flow& flow, const Handshake& handshake) const;
  void deliver(Flow& flow, Handshake& handshake, bool progress);
  void resend(Flow& flow, Handshake& handshake);
  void on_delivering(Flow& flow, dam_direction direction, Job& job);
  bool on_server_ack(Flow& flow, Handshake& handshake, const Job& job);
  void all_delivered(Flow& flow, const Handshake& handshake);
  void delivered(Flow& flow);

  // close.cc, timeouts.cc: FIN, RST, time, and what is given back.
  void on_control(Flow& flow, dam_direction direction, Job& job);
  void acknowledge_again(Flow& flow, Job& job);
  void on_rst(Flow& flow, dam_direction direction, const dam_packet& packet);
  void track_fins(Flow& flow);
  void start_closing(Flow& flow, uint8_t rst_direction);
  void revoke_closing(Flow& flow);
  void recount_concurrent(Flow& flow);
  void note_fin(Flow& flow, dam_direction direction, dam_seq end);
  void reset_client(const Flow& flow);
  void reset_server(const Flow& flow);
  Segment reset_of_server(const Flow& flow) const;
  void release(Flow& flow, dam_connection_end end, Drop reason = DAM_DROP_none);
  void record(const Flow& flow, dam_connection_end end, Drop reason);  // records.cc
  void release_handshake(Flow& flow);
  uint64_t idle_limit_ns(const Flow& flow) const;
  uint32_t flow_timer_budget() const;
  void on_flow_timer(uint32_t flow_index);
  void on_handshake_timer(uint32_t index);
  void sweep_denied();
  // inspect.cc
  void end_wanted();
  void note_ja4(const Flow& flow, const Ja4& ja4);
  Ja4 ja4_of(const Flow& flow) const;
  bool is_of_banned_kind(const Flow& flow) const;
  RequestRhythm rhythm_of(uint32_t index) const;

  // icmp.cc
  static bool is_icmp_error(const Job& job);
  void on_icmp(Job& job);
  void shrink_held_segments(Flow& flow, const Job& job);
  void forward_icmp(Flow& flow, dam_direction travelled, Job& job, const dam_packet& quoted);
  // probe.cc (worker 0)
  struct Probe {
    uint64_t sent_ns = 0;
    uint64_t sent_heard_ns = 0;  // by heard_ns_
    uint64_t due_ns = 0;         // the next one
    uint16_t port = 0;           // 0: none under way
    uint8_t local = 0;
    dam_seq iss{};
  };
  void probe_servers();
  void forget_probes();
  bool probe_server(uint16_t server_slot, uint8_t family);
  dam_seq probe_iss(uint16_t server_slot, uint8_t family) const;
  bool send_probe(Probe& probe, uint16_t server_slot, uint8_t family);
  bool is_probe_ready(Probe& probe, ServerStatus& status, const NextHop& way) const;
  uint16_t probe_port(const Server& server, uint8_t family, uint8_t local);
  static void note_probe(ServerStatus& status, bool answered);
  void learn(ServerStatus& status, Job& job);
  bool on_probe_reply(Job& job);

  uint32_t index_of(const Flow& flow) const { return static_cast<uint32_t>(&flow - flows_.data()); }
  Handshake& handshake_of(const Flow& flow) { return handshakes_[flow.handshake]; }
  dam_zone_counters& zone_counters(uint32_t slot) { return counters_->zones[slot]; }
  void schedule_handshake(uint32_t index);
  void unlink_waiting(Handshake& handshake);
  NextHop hop(const Flow& flow, dam_direction direction) const {
    return {flow.out_interface[direction], flow.neighbour[direction]};
  }

  Engine& engine_;
  uint32_t index_;
  // The only worker: beside it the control thread alone charges buckets (process/charges.h), and of
  // two charges at one instant one may be lost.
  bool alone_;
  dam_worker_counters* counters_;
  const Policy* policy_ = nullptr;
  std::atomic<const Policy*> policy_seen_{nullptr};
  dam_table_key table_key_ = engine_.table_key();
  dam_cookie_secrets secrets_{};
  uint32_t secret_generation_ = 0xffffffffu;
  uint64_t now_ns_ = 0;
  uint64_t heard_ns_ = 0;  // now_ns_ without the time in which this machine stood still
  Output* out_ = nullptr;

  struct LeftPort {  // of a connection that was not adopted
    uint16_t server_slot;
    uint8_t local;
    uint16_t port;
  };
  std::vector<LeftPort> left_ports_;
  struct LeftEnd {  // of a connection that was not adopted: client or server, to be told
    Segment reset;
    NextHop way;
    bool management;
  };
  std::vector<LeftEnd> left_ends_;
  bool adopted_ = false;  // flows, whose flags the first policy makes anew

  BigArray<Flow> flows_;
  BigArray<dam_requests> requests_;  // by flow
  uint32_t free_flow_ = kNone;
  struct Places {  // of flows that have ended, as a list
    uint32_t first = kNone;
    uint32_t last = kNone;
  };
  // Since the last tick, and before it. The kernel's plane may be amid a packet of such a flow: it
  // must not go on with another's numbers.
  Places ended_, resting_;
  uint32_t routed_flows_ = 0;
  uint32_t service_flows_ = 0;  // of these, not of a management zone
  std::atomic<uint32_t> flows_used_{0};
  FlowIndex index_of_flows_;
  TimerWheel flow_timers_;
  BigArray<Handshake> handshakes_;
  std::vector<uint32_t> free_handshakes_;
  std::atomic<uint32_t> half_open_used_{0};
  uint32_t service_connecting_ = 0;  // handshakes with a service route
  uint32_t service_holds_ = 0;       // hold buffers of service routes
  uint32_t waiting_first_ = kNone;   // handshakes without a route, oldest first
  uint32_t waiting_last_ = kNone;
  TimerWheel handshake_timers_;
  HoldPool hold_;
  std::vector<uint8_t> scratch_;  // for the parsers of client bytes
  HttpRouteText route_text_;      // of the head under way
  CutHeads cut_heads_;
  Ja4Maker ja4_maker_;
  // By flow, once it has a route; those of a dataplane before this one are taken over.
  BigArray<dam_fingerprint> ja4s_;
  std::array<LearnedOptions, kMaxListeners> promises_;  // by listener slot
  uint64_t promises_at_ns_ = 0;
  const Policy* promises_of_ = nullptr;
  std::array<uint64_t, static_cast<size_t>(ResetTo::count)> reset_tat_ns_{};
  std::array<uint64_t, 2> icmp_tat_ns_{};  // [is management]
  BigArray<dam_stray> strays_;
  uint32_t sweep_at_ = 0;    // next flow to hold against new lists
  uint32_t sweep_left_ = 0;  // so many
  uint32_t swept_for_ = 0;   // digest of the lists

  SpscQueue<FlowId, 4096> ends_;  // that an operator ends

  dam_sighting sighting_{};
  dam_capture capture_{};
  uint32_t capture_generation_ = 0;
  uint64_t refusals_due_ns_ = 0;
  SightRing sights_;
  std::atomic<uint32_t> sights_lost_{0};
  SightRing::FrameBytes staged_{};  // the frame under way, while a capture is on
  uint16_t staged_bytes_ = 0;       // that it has
  Job* handling_ = nullptr;         // whose turn it is

  SpscQueue<Ja4, 16384> hellos_;
  SpscQueue<RefusedHello, 4096> refused_hellos_;
  SpscQueue<ConnectionRecord, 4096> records_;
  std::atomic<uint32_t> records_lost_{0};

  // Probes of servers; worker 0 alone.
  std::vector<Probe> probes_;  // [server slot * 2 + family is IPv6]
  size_t probe_next_ = 0;
  uint64_t probe_unheard_ns_ = 0;  // at the tick before, the time in which it had stood still
  uint32_t probe_next_port_ = 0;
  PortRange probe_range_{0, 0};
  std::array<uint16_t, 256> untagged_;    // the interface of a port's untagged frames, or kNone
  std::vector<LinkSide> sides_;           // by interface
  std::array<uint64_t, 256> host_mac_{};  // of ports where the host has its own way, or 0
  // What the burst is met with.
  uint32_t located_at_ = 0;   // changes of the flow index when the burst was located
  bool lists_first_ = false;  // most of the burst before came from denied sources
  std::array<Job, kBurst> jobs_;
};

}  // namespace dam
