/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers to strangers, in their own frame, back to the link address that it came from: nothing is
 * remembered of them. What Worker::on_syn and Worker::reset_sender do. */
#ifndef DAM_EBPF_ANSWER_H
#define DAM_EBPF_ANSWER_H

#include "dataplane/core/answer.h"
#include "dataplane/core/flow_key.h"
#include "dataplane/core/syn_cookie.h"
#include "dataplane/core/tcp_options.h"
#include "ebpf/find.h"
#include "ebpf/frame.h"
#include "ebpf/options.h"
#include "ebpf/transmit.h"

enum { SUM_STEPS = 100 }; /* of 16 octets: more than any frame has */

/* Adds `size` octets (4, 2 or 1) if there are that many left. */
#define SUM_REST(size, load)               \
  do {                                     \
    if (left & (size)) {                   \
      if (p + (size) > data_end) return 0; \
      sum += load(p);                      \
      p += (size);                         \
    }                                      \
  } while (0)

/* The sum of the octets [at, end) of the frame, or 0 when they are not all there (no true sum is 0:
 * a pseudo header's is not). A function of its own, so that the verifier walks it once. */
DAM_STEP uint64_t dam_sum_frame(struct xdp_md* ctx, uint32_t at, uint32_t end, uint64_t sum) {
  const uint8_t* data_end = (const uint8_t*)(long)ctx->data_end;
  if (at > DAM_OFFSET_MASK || end > SUM_STEPS * 16 || at > end) return 0;
  const uint8_t* p = (const uint8_t*)(long)ctx->data + at;
  uint32_t left = end - at;
  for (int i = 0; i < SUM_STEPS && left >= 16; i++, left -= 16, p += 16) {
    if (p + 16 > data_end) return 0;
    sum += (uint64_t)dam_load32(p) + dam_load32(p + 4);
    sum += (uint64_t)dam_load32(p + 8) + dam_load32(p + 12);
  }
  if (left & 8) {
    if (p + 8 > data_end) return 0;
    sum += (uint64_t)dam_load32(p) + dam_load32(p + 4);
    p += 8;
  }
  SUM_REST(4, dam_load32);
  SUM_REST(2, dam_load16);
  SUM_REST(1, *);
  return sum;
}

DAM_INLINE int checksum_holds(const struct frame* f) {
  const struct dam_packet* packet = f->packet;
  /* The words that mark a mapped address add 0xffff: nothing, to this sum. */
  uint64_t sum = dam_address_sum(&packet->src) + dam_address_sum(&packet->dst);
  sum += dam_hton16((uint16_t)(packet->end - packet->l4)).raw;
  sum += dam_hton16(DAM_PROTOCOL_TCP).raw;
  sum = dam_sum_frame(f->ctx, packet->l4, packet->end, sum);
  return sum != 0 && dam_checksum_reduce(sum) == 0xffff;
}

/* Changes the frame's length, its contents and where it goes. */
DAM_INLINE int answer(struct frame* f, const struct dam_answer* a) {
  const uint8_t* data = frame_data(f);
  if (data + DAM_ETHERNET_BYTES > frame_end(f)) return drop_untold(f, DAM_DROP_malformed, 0);
  if (data[6] & 1) return drop_untold(f, DAM_DROP_malformed, 0); /* a group cannot send */
  uint64_t mac = dam_load32(data + 6) | (uint64_t)dam_load16(data + 10) << 32;
  uint32_t bytes = dam_answer_bytes(f->packet, a);
  int tail = (int)bytes - (int)frame_bytes(f);
  if (tail != 0 && bpf_xdp_adjust_tail(f->ctx, tail)) return drop_untold(f, DAM_DROP_no_buffer, 0);
  if (!dam_write_answer(frame_data(f), frame_end(f), f->packet, a)) {
    return drop_untold(f, DAM_DROP_no_buffer, 0);
  }
  return transmit(f, bytes, f->job->interface, mac);
}

DAM_INLINE const struct dam_cookie_secrets* secrets_of(const struct frame* f) {
  return &f->control->secrets[f->control->secret_generation & 1];
}

/* A step, since of all the options a cookie holds the verifier would walk each. `agreed`: mss 16 |
 * wscale 8 | sack 1 | ecn 1. Gives the clock's origin 32 | cookie 32. */
DAM_STEP uint64_t dam_make_cookie(const struct dam_cookie_secrets* secrets,
                                  const struct dam_flow_key* key, uint32_t client_isn,
                                  uint32_t agreed) {
  struct dam_cookie_options options;
  if (!secrets || !key) return 0;
  options.mss = (uint16_t)(agreed >> 16);
  options.wscale = agreed >> 8 & 255;
  options.sack = agreed >> 1 & 1;
  options.ecn = agreed & 1;
  uint32_t origin = 0;
  dam_seq cookie = dam_syn_cookie_make(secrets, key, dam_seq_of(client_isn), options, &origin);
  return (uint64_t)origin << 32 | cookie.value;
}

/* The SYN-ACK's clock may be as coarse as the kernel's tick: 4 ns to read it instead of 23. */
DAM_INLINE uint64_t coarse_clock_ns(const struct dam_control* control) {
  return dam_under_test ? control->now_ns : bpf_ktime_get_coarse_ns();
}

/* The SYN-ACK with a cookie to a SYN that offered these options. */
DAM_INLINE int answer_syn(struct frame* f, const struct dam_view_listener* listener,
                          const struct dam_tcp_options* offered) {
  const struct dam_packet* packet = f->packet;
  uint64_t now_ns = coarse_clock_ns(f->control);
  if (!dam_is_attended(f->control, now_ns)) return drop_untold(f, DAM_DROP_no_dataplane, 0);
  uint32_t ecn_setup = DAM_TCP_ECE | DAM_TCP_CWR;
  int wants_ecn = (packet->tcp_flags & ecn_setup) == ecn_setup;
  uint32_t mss_offered = offered->mss ? offered->mss : 536;
  uint32_t scale = listener->wscale == DAM_WSCALE_NONE ? DAM_WSCALE_NONE : offered->wscale;
  uint32_t sack = offered->sack_permitted && (listener->promise & DAM_PROMISE_SACK);
  uint32_t ecn = wants_ecn && (listener->promise & DAM_PROMISE_ECN);
  struct dam_flow_key key = key_of(packet);

  uint16_t mtu = f->view->interface[f->job->interface & (DAM_MAX_INTERFACES - 1)].mtu;
  uint16_t mss = (uint16_t)(mtu - (packet->family == 4 ? 40 : 60));
  struct dam_answer a;
  uint64_t cookie = dam_make_cookie(secrets_of(f), &key, packet->seq.value,
                                    mss_offered << 16 | scale << 8 | sack << 1 | ecn);
  a.seq = dam_seq_of((uint32_t)cookie);
  a.ack = dam_seq_add(packet->seq, 1);
  a.flags = (uint8_t)(DAM_TCP_SYN | DAM_TCP_ACK | (ecn ? DAM_TCP_ECE : 0));
  a.window = f->view->client_window;
  a.mss = listener->mss < mss ? listener->mss : mss;
  a.wscale = scale == DAM_WSCALE_NONE ? DAM_WSCALE_NONE : listener->wscale;
  a.sack_permitted = (uint8_t)sack;
  a.timestamps = offered->has_timestamps && (listener->promise & DAM_PROMISE_TIMESTAMPS);
  a.tsval = a.timestamps ? dam_client_clock(now_ns, (uint32_t)(cookie >> 32)) : 0;
  a.tsecr = offered->tsval;
  f->counters->cookies_sent++;
  return answer(f, &a);
}

/* Not from a group, a broadcast address, this host or nobody (RFC 9293 3.9.2.3, RFC 1122 3.2.1.3),
 * and from the link that leads there: a way back by another one would end in a connection whose
 * every segment is refused. */
DAM_INLINE int may_be_source(const struct dam_view* view, const dam_address* source,
                             uint32_t interface) {
  if (is_own(view, source) || !dam_is_unicast(source)) return 0;
  if (dam_address_is_v4(source) && is_broadcast_v4(view, source->word[3])) return 0;
  return link_towards(view, source) == interface;
}

DAM_STEP int dam_on_syn(struct xdp_md* ctx, struct job* job) {
  struct frame frame, *f = &frame;
  if (!open_frame(f, ctx, job)) return XDP_ABORTED;
  const struct dam_view_listener* listener =
      &f->view->listener[job->slot & (DAM_MAX_LISTENERS - 1)];
  if (!may_be_source(f->view, &job->packet.src, job->interface))
    return drop(f, DAM_DROP_bad_source, 0);
  struct dam_tcp_options offered;
  uint32_t bad = dam_read_options(ctx, job, &offered);
  if (bad != DAM_DROP_none) return drop(f, bad, 0);
  if (!checksum_holds(f)) return drop(f, DAM_DROP_bad_checksum, 0);
  if (f->control->capture.snap_bytes != 0) {
    dam_tell_of(ctx, job, what_became(DAM_DROP_consumed, 0, job->interface));
  }
  return answer_syn(f, listener, &offered);
}

/* RFC 9293 3.10.7.1; limited, so that forged segments make no flood of them. Only for segments with
 * ACK and without RST. */
DAM_INLINE int reset_sender(struct frame* f, enum dam_drop_reason reason) {
  const struct dam_gcra_rate thousand_a_second = {
      (UINT64_C(1000000000) << DAM_GCRA_FRACTION) / 1000, 100000000};
  struct dam_answer a;
  __builtin_memset(&a, 0, sizeof a);
  (void)drop(f, reason, 0);
  if (!dam_gcra_charge_alone(&f->counters->reset_tat_ns, &thousand_a_second, f->job->now_ns, 1)) {
    return XDP_DROP;
  }
  a.seq = f->packet->ack;
  a.flags = DAM_TCP_RST;
  a.wscale = DAM_WSCALE_NONE;
  return answer(f, &a);
}

#endif
