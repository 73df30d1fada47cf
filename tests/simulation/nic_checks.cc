// SPDX-License-Identifier: BSD-3-Clause
// Where the dam's translation is wrong, as the one says who wrote what was translated.
#include "tests/simulation/nic.h"

namespace dam::simulation {

namespace {

constexpr uint32_t kOldestEcho = 1u << 25;  // its clock may have jumped

}  // namespace

// RFC 7323 3.2 and 5.3. False: an old duplicate.
bool Nic::check_timestamps(const TcpOptions& options, const TcpView& view,
                           NicConnection& connection) {
  if (!connection.answered || !connection.timestamps() || view.has(kRst)) return true;
  if (!options.timestamps) {
    broken("a segment without the timestamps that were agreed", view);
    return true;
  }
  const auto [tsval, tsecr] = *options.timestamps;
  // What a client echoes of the dam's own clock, from before its server answered, is older than
  // anything that the server sent; newer servers' kernels only mind it in SYN-RECEIVED.
  const bool of_the_dam = connection.at_server && connection.first_tsval - tsecr < kOldestEcho;
  if (view.has(kAck) && !of_the_dam &&
      (is_before(tsecr, connection.first_tsval) || is_before(connection.last_tsval, tsecr) ||
       (tsecr - connection.clock_base) % kTicksPerMs != 0)) {
    broken("TSecr " + std::to_string(tsecr) + " was never sent (clock " +
               std::to_string(connection.first_tsval) + " to " +
               std::to_string(connection.last_tsval) + ")",
           view);
  }
  if (view.has(kSyn)) return true;
  if (is_before(tsval, connection.ts_recent)) return false;
  const bool old = is_before(view.seq + view.length(), connection.last_ack_sent);
  if (!old && !is_before(connection.last_ack_sent, view.seq)) connection.ts_recent = tsval;
  return true;
}

// Exactly what the other end told, in this end's numbers.
void Nic::check_sack(const TcpOptions& options, const TcpView& view,
                     const NicConnection& connection) {
  for (const auto& [left, right] : options.sack) {
    if (connection.other == nullptr) return broken("SACK before there was anything to tell", view);
    const uint32_t shift = connection.at_server ? 0 : connection.other->longer_here;
    const uint32_t first = connection.iss + 1 - shift;
    if (!connection.other->told.contains({left - first, right - first})) {
      broken("SACK " + std::to_string(left) + "-" + std::to_string(right) + " was never told",
             view);
    }
  }
}

// Nobody may hear of octets that it did not send, nor a server that its client has what it has not.
void Nic::check_ack(const TcpView& view, const NicConnection& connection) {
  if (!view.has(kAck) || view.has(kRst) || !connection.answered) return;
  if (is_before(view.ack, connection.iss + 1) || is_before(connection.sent_end, view.ack)) {
    return broken("an ACK of what was never sent", view);
  }
  if (!connection.at_server || connection.other == nullptr) return;
  const NicConnection& client = *connection.other;
  const uint32_t has = client.last_ack_sent - (client.irs + 1);
  const uint32_t told = view.ack - (connection.iss + 1);
  if (is_before(has, told)) broken("an ACK of what the client has not", view);
}

// nginx and HAProxy reset a connection whose PROXY header comes in two segments: it leaves whole
// and is sent again whole.
void Nic::check_header(const Bytes& packet, const TcpView& view, NicConnection& connection) {
  const uint32_t offset = view.seq - (connection.irs + 1);
  if (!expects_header || !connection.at_server || view.has(kSyn) || view.payload_bytes() == 0) {
    return;
  }
  const Bytes payload(packet.begin() + view.payload, packet.begin() + view.end);
  if (offset == 0 && connection.opening.empty()) {
    connection.opening = payload;
  } else if (offset == 0 && payload != connection.opening) {
    broken("the PROXY header was sent again as something else", view);
  } else if (offset < connection.opening.size() && offset != 0) {
    broken("a piece of the PROXY header came by itself", view);
  }
}

}  // namespace dam::simulation
