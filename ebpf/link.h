/* SPDX-License-Identifier: BSD-3-Clause */
/* On a VLAN that the host is not on nobody but the dam can answer ARP, neighbour discovery and
 * echo: they climb, so many a second. Elsewhere they are the host's. */
#ifndef DAM_EBPF_LINK_H
#define DAM_EBPF_LINK_H

#include "dataplane/core/gcra.h"
#include "ebpf/frame.h"

DAM_INLINE int climb_limited(const struct frame* f, uint64_t* tat_ns) {
  const struct dam_gcra_rate two_thousand_a_second = {
      (UINT64_C(1000000000) << DAM_GCRA_FRACTION) / 2000, 100000000};
  if (!dam_gcra_charge_alone(tat_ns, &two_thousand_a_second, f->job->now_ns, 1)) {
    return drop(f, DAM_DROP_link_limited, 0);
  }
  return to_engine(f);
}

/* What is no TCP, or not for the dam's link address. */
DAM_INLINE int to_link(const struct frame* f) {
  enum { ECHO_V4 = 8, ECHO_V6 = 128, SOLICITATION = 135, ADVERTISEMENT = 136 };
  uint32_t slot = f->job->interface;
  if (slot == DAM_NO_SLOT || f->job->refused != DAM_DROP_none) return to_host(f);
  if (!f->view->interface[slot & (DAM_MAX_INTERFACES - 1)].answered_here) return to_host(f);
  if (f->packet->kind == DAM_KIND_ARP) return climb_limited(f, &f->counters->arp_tat_ns);
  const uint8_t* icmp = frame_data(f) + (f->packet->l4 & DAM_OFFSET_MASK);
  DAM_PIN(icmp);
  if (f->packet->kind != DAM_KIND_ICMP || icmp + 1 > frame_end(f)) return to_host(f);
  if (f->packet->family == 4) {
    return icmp[0] == ECHO_V4 ? climb_limited(f, &f->counters->echo_tat_ns) : to_host(f);
  }
  if (icmp[0] == ECHO_V6) return climb_limited(f, &f->counters->echo_tat_ns);
  if (icmp[0] != SOLICITATION && icmp[0] != ADVERTISEMENT) return to_host(f);
  /* From beyond a router it is none (RFC 4861 7.1), and takes no neighbour's place here. */
  const uint8_t* ip = frame_data(f) + (f->packet->l3 & DAM_OFFSET_MASK);
  DAM_PIN(ip);
  if (ip + DAM_IPV6_BYTES > frame_end(f) || ip[7] != 255) return to_host(f);
  return climb_limited(f, &f->counters->ndp_tat_ns);
}

#endif
