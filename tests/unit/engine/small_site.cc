// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/engine/small_site.h"

#include <cstring>

namespace dam::test {

namespace {

constexpr uint16_t kBufferBytes = 2048;

Interface make_interface(const char* name, uint8_t port, dam_address own) {
  Interface interface;
  interface.name = name;
  interface.port = port;
  interface.mac = {2, 0, 0, 0, 0, port};
  interface.subnets = {{own, 120}};
  return interface;
}

Zone make_zone(const char* name, bool management) {
  Zone zone;
  zone.name = name;
  zone.management = management;
  return zone;
}

Server make_server(const char* name, dam_address address) {
  Server server;
  server.name = name;
  server.address[0] = address;
  server.port = dam_hton16(443);
  server.proxy = ProxyVersion::v2;
  server.in_policy = true;
  return server;
}

// To the dam's own link address unless another one is in it.
void address_to_dam(uint8_t port, std::vector<uint8_t>& bytes) {
  constexpr uint8_t kNoMac[6] = {};
  const uint8_t own[6] = {2, 0, 0, 0, 0, port};
  if (std::memcmp(bytes.data(), kNoMac, 6) == 0) std::memcpy(bytes.data(), own, 6);
}

Seen see(uint8_t port, bool urgent, std::vector<uint8_t> bytes) {
  Seen seen;
  seen.port = port;
  seen.urgent = urgent;
  seen.bytes = std::move(bytes);
  const uint8_t* data = seen.bytes.data();
  dam_parse(data, data + seen.bytes.size(), &seen.packet);
  if (seen.packet.kind == DAM_KIND_TCP) {
    dam_parse_tcp_options(data, data + seen.bytes.size(), &seen.packet, &seen.options);
  }
  return seen;
}

void widen(std::vector<Interface>& interfaces) {
  interfaces[kFrontPort].subnets.push_back({kPublicV6, 64});
  interfaces[kFrontPort].gateways.push_back(v6(0, 1));
  interfaces[kServicePort].subnets.push_back({v6(0x10, 2), 64});
  interfaces[kManagementPort].subnets.push_back({v6(0x20, 2), 64});
  interfaces[kManagementPort].vlan = kManagementVlan;
}

void widen(Policy& policy) {
  for (const size_t slot : {0, 1}) {
    policy.listeners.push_back(policy.listeners[slot]);
    policy.listeners.back().address = kPublicV6;
  }
  policy.servers[0].address[1] = kServiceServerV6;
  policy.servers[1].address[1] = kManagementServerV6;
}

void append_be16(std::string& text, size_t value) {
  text.push_back(static_cast<char>(value >> 8));
  text.push_back(static_cast<char>(value & 255));
}

}  // namespace

std::vector<Interface> small_interfaces() {
  std::vector<Interface> interfaces = {
      make_interface("front", kFrontPort, kPublic),
      make_interface("service", kServicePort, v4(198, 18, 10, 2)),
      make_interface("management", kManagementPort, v4(198, 18, 20, 2))};
  interfaces[0].gateways = {kRouter};
  return interfaces;
}

Limits SmallSite::small_limits() {
  Limits limits;
  limits.flows = 64;
  limits.half_open = 16;
  limits.sources = 256;
  limits.hold_bytes = 16 * (16384 + 2048);
  return limits;
}

SmallSite::SmallSite(Limits limits, Tables tables, SiteOptions options)
    : counters_(std::make_unique<dam_counters>()),
      limits_(limits),
      wide_(options.wide),
      ports_(options.ports) {
  std::memset(static_cast<void*>(counters_.get()), 0, sizeof(dam_counters));
  EngineConfig& config = config_;
  config.limits = limits;
  config.interfaces = small_interfaces();
  if (wide_) widen(config.interfaces);
  config.counters = counters_.get();
  config.hash_key[0] = 1;
  config.hash_key[1] = 2;
  config.cookie_key[0] = 3;
  config.cookie_key[1] = 4;
  front_ = options.front(config);
  if (front_ != nullptr) {
    config.shared = front_->tables();
  } else if (tables == Tables::outlive_it) {
    own_tables_ = std::make_unique<OwnTables>(table_sizes(limits, 1));
    config.shared = own_tables_->shared();
  }
  engine_ = std::make_unique<Engine>(config);
  for (uint16_t i = 0; wide_ && i < engine_->neighbours.interfaces().size(); ++i) {
    engine_->neighbours.leave_to_host(i);
  }
  Policy first = draft();
  first.timeouts.probe_interval_ns = 2'000'000'000;
  apply(first);
  advance(50'000'000);  // probes ask ARP for the servers
  apply(draft());
}

Policy SmallSite::draft() const {
  Policy policy;
  policy.limits = limits_;
  policy.source_ports = ports_;
  policy.timeouts.probe_interval_ns = 0;  // nobody here would answer
  Listener https;
  https.name = "https";
  https.address = kPublic;
  https.port = dam_hton16(443);
  https.in_policy = true;
  Listener raw = https;
  raw.name = "raw";
  raw.port = dam_hton16(kPortRouted);
  raw.protocol = Protocol::tcp;
  raw.group = 1;
  policy.listeners = {https, raw};
  policy.zones = {make_zone("front", false), make_zone("light", false),
                  make_zone("management", true)};
  policy.servers = {make_server("web", kServiceServer), make_server("admin", kManagementServer)};
  policy.routes = {{"service", 0, kServiceZone, {0}, -1},
                   {"management", 0, kManagementZone, {1}, -1},
                   {"raw", 1, kServiceZone, {0}, -1}};
  std::vector<RouteRule> rules(3);
  rules[0].server_names = {"www.example.org"};
  rules[1].route = 1;
  rules[1].server_names = {"manage.example.org"};
  rules[2].route = 2;
  rules[2].listener_group = 1;
  policy.router = Router(rules);
  if (wide_) widen(policy);
  return policy;
}

void SmallSite::apply(Policy policy) {
  policy.version = ++version_;
  policy.derive();
  applied_ = std::make_shared<const Policy>(std::move(policy));
  engine_->apply(applied_);
  if (wide_) resolve_next_hops();
  if (front_ != nullptr) front_->applied(*applied_, *engine_);
}

// The index is the one table that each engine makes for itself.
void SmallSite::restart(std::shared_ptr<const Policy> before) {
  config_.standing = Standing{std::move(before), engine_->secrets(), now_ns_};
  ++config_.cookie_key[0];  // a process chooses anew, and uses those of the one before
  engine_.reset();
  for (dam_index_bucket& bucket : config_.shared.index) bucket = {};
  engine_ = std::make_unique<Engine>(config_);
}

void SmallSite::rewind(uint64_t now_ns) {
  now_ns_ = now_ns;
  std::memset(static_cast<void*>(counters_.get()), 0, sizeof(dam_counters));
}

void SmallSite::resolve_next_hops() {
  set_next_hops(engine_->neighbours, [](uint8_t port) { return MacAddress{2, 0, 0, 0, 1, port}; });
}

// False: the front has dealt with it. ARP is the engine's here, with or without one.
bool SmallSite::goes_to_engine(uint8_t port, std::vector<uint8_t>& bytes) {
  if (front_ == nullptr || dam_load_be16(bytes.data() + 12) == DAM_ETHER_ARP) return true;
  const Front::Verdict verdict =
      front_->handle(port, bytes, *engine_, now_ns_, counters_->worker[0]);
  if (verdict == Front::Verdict::sent) sent_by_front_.push_back(see(port, false, bytes));
  return verdict == Front::Verdict::engine;
}

void SmallSite::top_up() {
  while (output_.spare.count < kSpares) {
    std::vector<uint8_t>& buffer = buffers_.emplace_back(kBufferBytes);
    Frame frame;
    frame.data = buffer.data() + kHeadroom;
    output_.spare.add(frame);
  }
}

std::vector<Seen> SmallSite::send(uint8_t port, const Segment& segment) {
  return send_burst({{port, segment}});
}

std::vector<Seen> SmallSite::send_burst(const std::vector<std::pair<uint8_t, Segment>>& segments) {
  top_up();
  std::vector<Frame> burst;
  for (const auto& [port, segment] : segments) {
    std::vector<uint8_t> bytes(kBufferBytes);
    Frame frame;
    frame.data = bytes.data();
    if (!write_segment(frame, segment)) return {};
    bytes.resize(frame.bytes);
    address_to_dam(port, bytes);
    if (goes_to_engine(port, bytes)) burst.push_back(frame_of(port, bytes));
  }
  engine_->worker(0).poll(burst, output_, now_ns_);
  return collect();
}

std::vector<Seen> SmallSite::send_raw(uint8_t port, std::vector<uint8_t> bytes) {
  top_up();
  address_to_dam(port, bytes);
  if (goes_to_engine(port, bytes)) {
    Frame frame = frame_of(port, bytes);
    engine_->worker(0).poll({&frame, 1}, output_, now_ns_);
  }
  return collect();
}

Frame SmallSite::frame_of(uint8_t port, const std::vector<uint8_t>& bytes) {
  std::vector<uint8_t>& buffer = buffers_.emplace_back(kBufferBytes);
  std::memcpy(buffer.data() + kHeadroom, bytes.data(), bytes.size());
  Frame frame;
  frame.data = buffer.data() + kHeadroom;
  frame.bytes = static_cast<uint16_t>(bytes.size());
  frame.port = port;
  return frame;
}

std::vector<Seen> SmallSite::collect() {
  std::vector<Seen> all = std::move(sent_by_front_);
  sent_by_front_.clear();
  const bool idle =
      output_.urgent.count + output_.normal.count + output_.dropped.count + output_.host.count == 0;
  if (idle && output_.spare.count == kSpares) return all;  // most ticks
  const auto take = [&](std::span<Frame> frames, bool urgent) {
    for (const Frame& frame : frames) {
      all.push_back(see(frame.port, urgent, {frame.data, frame.data + frame.bytes}));
    }
  };
  take(output_.urgent.all(), true);
  take(output_.normal.all(), false);
  output_.urgent.count = output_.normal.count = output_.dropped.count = output_.host.count = 0;
  output_.spare.count = 0;
  buffers_.clear();
  std::vector<Seen> rest;
  for (const Seen& seen : all) {
    if (seen.packet.kind == DAM_KIND_ARP) {
      answer_arp(seen, rest);
    } else {
      rest.push_back(seen);
    }
  }
  return rest;
}

// Everybody on the links has the MAC 02:00:00:00:01:<port>.
void SmallSite::answer_arp(const Seen& seen, std::vector<Seen>& rest) {
  std::vector<uint8_t> reply = seen.bytes;
  uint8_t* arp = reply.data() + 14;
  const bool announcement = std::memcmp(arp + 14, arp + 24, 4) == 0;
  if (dam_load_be16(arp + 6) != 1 || announcement) return;
  uint8_t asked[4];
  std::memcpy(asked, arp + 24, 4);
  if (dam_load32(asked) == mute_.word[3]) return;
  const uint8_t mac[6] = {2, 0, 0, 0, 1, seen.port};
  std::memcpy(reply.data(), arp + 8, 6);
  std::memcpy(reply.data() + 6, mac, 6);
  dam_store_be16(arp + 6, 2);
  std::memcpy(arp + 18, arp + 8, 10);  // to who asked
  std::memcpy(arp + 8, mac, 6);
  std::memcpy(arp + 14, asked, 4);
  for (Seen& more : send_raw(seen.port, std::move(reply))) rest.push_back(std::move(more));
}

std::vector<Seen> SmallSite::advance(uint64_t duration_ns, uint64_t step_ns) {
  std::vector<Seen> all;
  const uint64_t end_ns = now_ns_ + duration_ns;
  while (now_ns_ < end_ns) {
    now_ns_ += step_ns;
    top_up();
    engine_->worker(0).tick(output_, now_ns_);
    for (Seen& seen : collect()) all.push_back(std::move(seen));
  }
  return all;
}

uint64_t SmallSite::drops(dam_drop_reason reason, int zone) const {
  uint64_t sum = 0;
  for (int slot = 0; slot < DAM_MAX_ZONES; ++slot) {
    if (zone == -1 || zone == slot) sum += counters_->worker[0].zones[slot].drops[reason];
  }
  return sum;
}

Segment ClientSide::segment(uint8_t flags, std::string_view payload) const {
  Segment s;
  s.src = address;
  s.dst = kPublic;
  s.src_port = dam_hton16(port);
  s.dst_port = dam_hton16(to_port);
  s.seq = dam_seq_of(next);
  s.ack = dam_seq_of(ack);
  s.flags = flags;
  s.window = 502;
  s.timestamps = timestamps;
  s.tsval = 7000;
  s.payload = {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()};
  return s;
}

Segment Connection::from_server(uint8_t flags, std::string_view payload, uint32_t seq,
                                uint32_t ack) const {
  Segment s;
  s.src = server_syn.packet.dst;
  s.dst = server_syn.packet.src;
  s.src_port = server_syn.packet.dst_port;
  s.dst_port = server_syn.packet.src_port;
  s.seq = dam_seq_of(seq);
  s.ack = dam_seq_of(ack);
  s.flags = flags;
  s.window = 501;
  s.timestamps = client.timestamps;
  s.tsval = 900;
  s.tsecr = server_syn.options.tsval;
  s.payload = {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()};
  return s;
}

// RFC 8446 4.1.2 with one cipher suite and, unless the name is empty, RFC 6066's server_name.
std::string client_hello(std::string_view server_name, uint8_t cipher, std::string_view alpn) {
  std::string extensions;
  if (!server_name.empty()) {
    append_be16(extensions, 0);
    append_be16(extensions, server_name.size() + 5);
    append_be16(extensions, server_name.size() + 3);
    extensions.push_back(0);
    append_be16(extensions, server_name.size());
    extensions += server_name;
  }
  if (!alpn.empty()) {
    append_be16(extensions, 16);
    append_be16(extensions, alpn.size() + 3);
    append_be16(extensions, alpn.size() + 1);
    extensions.push_back(static_cast<char>(alpn.size()));
    extensions += alpn;
  }
  std::string body = "\x03\x03" + std::string(32, 'r');
  body += std::string("\0\0\x02\x13", 4) + static_cast<char>(cipher) + std::string("\x01\0", 2);
  append_be16(body, extensions.size());
  body += extensions;
  std::string record = "\x16\x03\x01";
  append_be16(record, body.size() + 4);
  record += std::string("\x01\0", 2);
  append_be16(record, body.size());
  return record + body;
}

std::optional<Seen> prove(SmallSite& site, ClientSide& client) {
  Segment syn = client.segment(DAM_TCP_SYN);
  syn.seq = dam_seq_of(client.isn);
  syn.mss = 1460;
  syn.sack_permitted = true;
  syn.wscale = client.wscale;
  syn.tsecr = 0;
  const std::vector<Seen> answers = site.send(kFrontPort, syn);
  if (answers.size() != 1 || !answers[0].has(DAM_TCP_SYN | DAM_TCP_ACK)) return std::nullopt;
  client.next = client.isn + 1;
  client.ack = answers[0].packet.seq.value + 1;
  return answers[0];
}

namespace {

bool take_server_syn(const std::vector<Seen>& seen, Connection& connection) {
  for (const Seen& frame : seen) {
    if (frame.port == kFrontPort || frame.packet.kind != DAM_KIND_TCP) continue;
    if (!frame.has(DAM_TCP_SYN)) continue;
    connection.server_syn = frame;
    connection.server_port = frame.port;
    return true;
  }
  return false;
}

}  // namespace

std::optional<Connection> establish(SmallSite& site, ClientSide client, std::string_view name) {
  Connection connection;
  const std::optional<Seen> syn_ack = prove(site, client);
  if (!syn_ack) return std::nullopt;
  connection.syn_ack = *syn_ack;
  std::string hello(client.head);
  if (hello.empty() && client.to_port == 443) {
    hello = client_hello(name, client.cipher, client.alpn);
  }
  const auto after = site.send(kFrontPort, client.segment(DAM_TCP_ACK, hello));
  client.next += static_cast<uint32_t>(hello.size());
  connection.client = client;
  if (!take_server_syn(after, connection)) return std::nullopt;
  Segment answer = connection.from_server(DAM_TCP_SYN | DAM_TCP_ACK, {}, connection.server_isn,
                                          connection.server_syn.packet.seq.value + 1);
  answer.mss = 1460;
  answer.sack_permitted = true;
  answer.wscale = 9;
  answer.window = 65160;
  const auto delivered = site.send(connection.server_port, answer);
  for (size_t i = 0; i < delivered.size(); ++i) {
    if (i == 0) {
      connection.header = delivered[0];
    } else {
      connection.held += delivered[i].payload();
    }
  }
  return connection;
}

}  // namespace dam::test
