// SPDX-License-Identifier: BSD-3-Clause
// A client that lost its connection comes again with the same port: its cookie arrives among the
// segments of a flow.
#include "dataplane/engine/worker.h"

namespace dam {

namespace {

constexpr uint16_t kCookieTries = 16;
constexpr uint16_t kTriesLastS = 64;

uint16_t seconds_of(uint64_t now_ns) { return static_cast<uint16_t>(now_ns >> 30); }

}  // namespace

// A SYN for the ports of a flow lets the next few ACKs be tried as cookies. One guess in 2^22
// passes: 16 a second make that three days of guessing, where every ACK for ever made it seconds.
void Worker::grant_cookie_tries(Flow& flow) const {
  const uint16_t now_s = seconds_of(now_ns_);
  const bool fresh = flow.cookie_tries == 0 && flow.tries_granted_s == 0;
  if (!fresh && flow.tries_granted_s == now_s) return;
  flow.tries_granted_s = now_s;
  flow.cookie_tries = kCookieTries;
  flow.flags |= DAM_FLOW_SYN_SEEN;
}

// Segments that fit the old flow are not tried as cookies: among millions one would pass by chance.
// An old flow that is over has little left to say; numbers within 64 KiB of its last are all that
// fit, which a port used again has left behind after 4 ms (RFC 9293 3.4.1).
bool Worker::fits_connection(const Flow& flow, const dam_packet& packet) {
  const bool spliced = flow.state >= DAM_FLOW_deliver;
  // What would be refused for its numbers is all that a client has left that lost its connection.
  if (spliced && (flow.flags & DAM_FLOW_CLOSING) == 0) {
    return dam_in_window(&flow.splice, &flow.track, DAM_C2S, &packet) != 0;
  }
  const dam_seq sent =
      spliced ? dam_seq_translate(flow.track.next[DAM_S2C], flow.splice.seq_delta[DAM_S2C])
              : dam_seq_add(flow.cookie, 1);
  const dam_seq received = spliced ? flow.track.next[DAM_C2S] : dam_seq_add(flow.client_isn, 1);
  const int32_t near = (flow.flags & DAM_FLOW_CLOSING) != 0 ? 1 << 16 : 1 << 26;
  const int32_t seq_off = dam_seq_distance(received, packet.seq);
  const int32_t ack_off = dam_seq_distance(sent, packet.ack);
  return seq_off > -near && seq_off < near && ack_off > -near && ack_off < near;
}

// False: the tries are used up, or nobody came for so long; the flow takes the short way again.
bool Worker::may_be_cookie(Flow& flow) const {
  const auto age_s = static_cast<uint16_t>(seconds_of(now_ns_) - flow.tries_granted_s);
  if (age_s > kTriesLastS) flow.cookie_tries = 0;
  if (flow.cookie_tries == 0) flow.flags = static_cast<uint8_t>(flow.flags & ~DAM_FLOW_SYN_SEEN);
  return flow.cookie_tries != 0;
}

// A client that lost its connection uses the port again: its new cookie ends the old flow, once all
// is checked that a new flow needs.
bool Worker::replaced_by_new_cookie(Flow& flow, Job& job) {
  if (!may_be_cookie(flow) || fits_connection(flow, job.packet)) return false;
  Cookie cookie;
  if (!cookie_holds(job.packet, cookie)) {
    --flow.cookie_tries;
    return false;
  }
  const uint16_t listener_slot = flow.listener_slot;
  dam_tcp_options options;
  Drop refused = read_opening(job, options);
  if (refused == DAM_DROP_none && banned_everywhere(job.packet.src, listener_slot)) {
    refused = DAM_DROP_banned;
  }
  if (refused != DAM_DROP_none) {
    drop(*job.frame, refused, flow.zone_slot);
    return true;
  }
  count_drop(DAM_DROP_closed, flow.zone_slot);
  reset_server(flow);
  release(flow, DAM_END_replaced);
  open(job, listener_slot, cookie, options);
  return true;
}

}  // namespace dam
