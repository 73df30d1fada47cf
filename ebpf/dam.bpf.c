// SPDX-License-Identifier: BSD-3-Clause
// The dam in the kernel: parse -> flow -> { splice | stranger -> SYN cookie }. What needs memory or
// thought climbs to the engine through AF_XDP; what is not the dam's goes on to the host,
// untouched.
#include "ebpf/find.h"
#include "ebpf/frame.h"
#include "ebpf/link.h"
#include "ebpf/maps.h"
#include "ebpf/splice.h"
#include "ebpf/straight.h"
#include "ebpf/stranger.h"

/* An ICMP error belongs to the flow of the packet that it quotes; all others are the host's. */
DAM_INLINE int quotes_flow(const struct frame* f) {
  const uint8_t* icmp = frame_data(f) + (f->packet->l4 & DAM_OFFSET_MASK);
  DAM_PIN(icmp);
  if (icmp + DAM_ICMP_BYTES > frame_end(f)) return 0;
  uint32_t type = icmp[0];
  int is_error =
      f->packet->family == 4 ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
  if (!is_error) return 0;
  struct dam_packet quoted;
  if (dam_parse_embedded(icmp + DAM_ICMP_BYTES, frame_end(f), &quoted) != DAM_DROP_none) return 0;
  if (quoted.kind != DAM_KIND_TCP || quoted.family != f->packet->family) return 0;
  dam_address address = quoted.src;
  dam_be16 port = quoted.src_port;
  quoted.src = quoted.dst;
  quoted.src_port = quoted.dst_port;
  quoted.dst = address;
  quoted.dst_port = port;
  uint64_t hash = hash_of(f->control, &quoted);
  return find_flow(f->control, f->view, &quoted, hash) != DAM_NONE;
}

DAM_STEP int dam_on_icmp(struct xdp_md* ctx, struct job* job) {
  struct frame frame, *f = &frame;
  if (!open_frame(f, ctx, job)) return XDP_ABORTED;
  return quotes_flow(f) ? to_engine(f) : to_link(f);
}

/* Fragments of other protocols than TCP are the host's: its DNS answers, its echoes. */
DAM_INLINE int is_tcp_fragment(const struct frame* f) {
  const uint8_t* ip = frame_data(f) + (f->packet->l3 & DAM_OFFSET_MASK);
  DAM_PIN(ip);
  if (f->packet->family == 4)
    return ip + DAM_IPV4_BYTES <= frame_end(f) && ip[9] == DAM_PROTOCOL_TCP;
  return ip + DAM_IPV6_BYTES + 8 <= frame_end(f) && ip[6] == DAM_PROTOCOL_FRAGMENT &&
         ip[DAM_IPV6_BYTES] == DAM_PROTOCOL_TCP;
}

/* The unreadable goes nowhere if it is addressed to the dam, and else to the host. */
DAM_INLINE int unreadable(const struct frame* f) {
  if (f->packet->family == 0 || !is_own(f->view, &f->packet->dst)) return to_host(f);
  if (f->job->refused == DAM_DROP_fragment && !is_tcp_fragment(f)) return to_host(f);
  return drop(f, f->job->refused, 0);
}

/* Whose is a frame that was read? */
DAM_STEP int dam_locate(struct xdp_md* ctx, struct job* job) {
  struct frame frame, *f = &frame;
  if (!open_frame(f, ctx, job)) return XDP_PASS;
  job->interface = find_interface(f->view, job->ifindex, f->packet->vlan);
  if (!is_addressed_here(f, job->interface)) return to_link(f);
  if (job->refused != DAM_DROP_none) return unreadable(f);
  if (f->packet->kind == DAM_KIND_ICMP) return NEXT_ICMP;
  if (f->packet->kind != DAM_KIND_TCP) return to_link(f);
  job->hash = hash_of(f->control, f->packet);
  job->ref = find_flow(f->control, f->view, f->packet, job->hash);
  return job->ref == DAM_NONE ? NEXT_STRANGER : on_flow(f);
}

/* Every frame that the straight way is not for. */
DAM_STEP int dam_step_by_step(struct xdp_md* ctx) {
  struct job job = {0};
  struct frame frame, *f = &frame;
  if (!begin(f, ctx, &job)) return XDP_PASS;
  job.now_ns = clock_ns(f->control);
  job.refused = dam_parse(frame_data(f), frame_end(f), &job.packet);
  int verdict = dam_locate(ctx, &job);
  if (verdict == NEXT_ADMIT) verdict = dam_admit(ctx, &job);
  if (verdict == NEXT_TRANSLATE) return dam_translate(ctx, &job);
  if (verdict == NEXT_STRANGER) verdict = dam_stranger(ctx, &job);
  if (verdict == NEXT_SYN) return dam_on_syn(ctx, &job);
  if (verdict == NEXT_COOKIE) return dam_on_cookie(ctx, &job);
  if (verdict == NEXT_ICMP) return dam_on_icmp(ctx, &job);
  return verdict;
}

SEC("xdp")
int dam_xdp(struct xdp_md* ctx) {
  int verdict = dam_straight(ctx);
  return verdict == NEXT_STEPS ? dam_step_by_step(ctx) : verdict;
}

char dam_license[] SEC("license") = "Dual BSD/GPL";
