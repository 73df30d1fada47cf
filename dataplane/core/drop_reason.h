/* SPDX-License-Identifier: BSD-3-Clause */
/* The one list of reasons for which a packet is not forwarded. Enum, metric label, API and document
 * text derive from it. Append only: the numbers are part of the counters' ABI. */
#ifndef DAM_CORE_DROP_REASON_H
#define DAM_CORE_DROP_REASON_H

#define DAM_DROP_REASONS(X)                                                              \
  X(none, "forwarded")                                                                   \
  X(malformed, "a header is truncated or contradicts itself")                            \
  X(fragment, "an IP fragment: the dam steers by port and reassembles nothing")          \
  X(bad_checksum, "the TCP or IP checksum is wrong")                                     \
  X(ttl_expired, "the packet's hop limit ran out here")                                  \
  X(not_ours, "to no listener and no flow; what was for the host included")              \
  X(bad_flags, "TCP flags that no connection sends")                                     \
  X(denied, "the source is on the policy's deny list")                                   \
  X(banned, "the source is banned in every zone that it could reach")                    \
  X(zone_banned, "the source is banned in this zone")                                    \
  X(no_flow, "a segment of no known connection")                                         \
  X(bad_cookie, "an acknowledgement whose SYN cookie is wrong or too old")               \
  X(source_packets, "over the zone's packet rate for one source")                        \
  X(source_bytes_up, "over the zone's upload rate for one source")                       \
  X(source_bytes_down, "over the zone's download rate for one source")                   \
  X(source_connections, "over the zone's rate of new connections for one source")        \
  X(source_concurrent, "over the zone's number of open connections for one source")      \
  X(zone_packets, "over the zone's total packet rate")                                   \
  X(zone_bytes_up, "over the zone's total upload rate")                                  \
  X(zone_bytes_down, "over the zone's total download rate")                              \
  X(zone_connections, "over the zone's total rate of new connections")                   \
  X(zone_concurrent, "over the zone's total number of open connections")                 \
  X(half_open_limit, "too many connections without a route: this one gave way")          \
  X(half_open_source, "too many connections without a route from one source")            \
  X(flow_table_full, "the flow table's share for this class of route is used up")        \
  X(source_table_full, "the table of sources is full")                                   \
  X(hold_full, "the memory for client bytes that wait for their server is used up")      \
  X(no_source_port, "every source port towards the server is in use or resting")         \
  X(hello_timeout, "the ClientHello or request head was not whole in time")              \
  X(hello_too_long, "the ClientHello or request head is longer than the policy allows")  \
  X(hello_malformed, "not a ClientHello or request head that can be read")               \
  X(no_server_name, "no server name, and no route for absent names")                     \
  X(no_route, "no route for this name, protocol, path and source")                       \
  X(server_down, "no server of the route is up and takes new connections")               \
  X(server_refused, "every server tried refused the connection")                         \
  X(server_timeout, "no server tried answered in time")                                  \
  X(server_options, "the server withdrew a TCP option that the client was promised")     \
  X(out_of_window, "a segment far outside what the connection could send")               \
  X(closed, "a segment of a connection that is over")                                    \
  X(held_duplicate, "bytes that the dam already holds")                                  \
  X(consumed, "taken in by the dam itself: handshakes, ARP, NDP, echo, probes")          \
  X(too_big, "larger than the way out allows; the sender was told")                      \
  X(no_neighbour, "the next hop's link address is not known yet")                        \
  X(icmp_unmatched, "an ICMP error about no known connection")                           \
  X(no_buffer, "no packet buffer was free")                                              \
  X(tx_full, "the port's transmit queue was full")                                       \
  X(handoff_full, "the ring to the flow's worker was full")                              \
  X(no_policy, "no policy has been applied yet")                                         \
  X(icmp_limited, "over the rate of ICMP errors that the dam passes on")                 \
  X(bad_source, "a source address that no other host can have")                          \
  X(link_limited, "over the rate of ARP, NDP and echo that the dam takes up")            \
  X(no_dataplane, "a SYN while no dataplane runs that would take the connection up")     \
  X(source_banned, "the source is banned, by an operator or for coming back")            \
  X(ended, "an operator ended the connection")                                           \
  X(host_full, "for the host, which takes up what is its own more slowly than it comes") \
  X(host_refused, "for the host, whose own interface did not take it")                   \
  X(source_requests, "over the zone's rate of requests for one source")                  \
  X(zone_requests, "over the zone's total rate of requests")                             \
  X(overtaken, "ahead of octets of plain HTTP that are read in order: it comes again")   \
  X(banned_fingerprint, "the client's JA4 fingerprint is banned from the service zones")

enum dam_drop_reason {
#define X(name, text) DAM_DROP_##name,
  DAM_DROP_REASONS(X)
#undef X
      DAM_DROP_COUNT
};

#endif
