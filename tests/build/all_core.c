/* SPDX-License-Identifier: BSD-3-Clause */
/* Includes every header of core/ and uses every function that the planes call, so that each
 * compiler makes code of them: some errors of the BPF target show only then. */
#include "dataplane/core/answer.h"
#include "dataplane/core/checksum.h"
#include "dataplane/core/connection_end.h"
#include "dataplane/core/counters.h"
#include "dataplane/core/drop_reason.h"
#include "dataplane/core/flow.h"
#include "dataplane/core/flow_key.h"
#include "dataplane/core/gcra.h"
#include "dataplane/core/packet.h"
#include "dataplane/core/packet_types.h"
#include "dataplane/core/plane.h"
#include "dataplane/core/requests.h"
#include "dataplane/core/requests_http1.h"
#include "dataplane/core/requests_http2.h"
#include "dataplane/core/requests_state.h"
#include "dataplane/core/rewrite.h"
#include "dataplane/core/sight.h"
#include "dataplane/core/siphash.h"
#include "dataplane/core/source_entry.h"
#include "dataplane/core/source_key.h"
#include "dataplane/core/splice.h"
#include "dataplane/core/syn_cookie.h"
#include "dataplane/core/table_hash.h"
#include "dataplane/core/tcp_options.h"
#include "dataplane/core/tls_records.h"
#include "dataplane/core/types.h"
#include "dataplane/core/view.h"
#include "dataplane/core/window.h"

struct everything {
  struct dam_packet packet;
  struct dam_tcp_options options;
  struct dam_splice splice;
  struct dam_track track;
  struct dam_rewrite rewrite;
  struct dam_flow_key flow;
  struct dam_cookie_secrets secrets;
  struct dam_cookie_options cookie_options;
  struct dam_gcra_rate rate;
  uint64_t key[2];
  struct dam_table_key table_key;
  uint32_t origin;
  uint64_t tat_ns;
  struct dam_answer answer;
  struct dam_source_entry source;
  struct dam_source_key source_key;
  struct dam_requests requests;
};

#ifdef __cplusplus
#define EXPORTED extern "C"
#else
#define EXPORTED
#endif
EXPORTED int use_packet(uint8_t* data, uint8_t* end, struct everything* e);
EXPORTED int use_splice(uint8_t* data, uint8_t* end, struct everything* e);
EXPORTED uint64_t use_cookie(struct everything* e);
EXPORTED uint64_t use_gcra(struct everything* e);
EXPORTED uint32_t use_requests(uint8_t* data, uint8_t* end, struct everything* e);
EXPORTED int use_checksums(uint8_t* data, const struct dam_packet* packet);
EXPORTED int use_answer(uint8_t* data, uint8_t* end, struct everything* e);
EXPORTED uint32_t use_tables(struct everything* e);

EXPORTED int use_packet(uint8_t* data, uint8_t* end, struct everything* e) {
  if (dam_parse(data, end, &e->packet) != DAM_DROP_none) return -1;
  if (dam_parse_embedded(data, end, &e->packet) != DAM_DROP_none) return -1;
  return (int)dam_parse_tcp_options(data, end, &e->packet, &e->options);
}

EXPORTED int use_splice(uint8_t* data, uint8_t* end, struct everything* e) {
  enum dam_drop_reason reason =
      dam_splice_translate(data, end, &e->packet, &e->splice, DAM_S2C, &e->rewrite);
  if (reason != DAM_DROP_none) return (int)reason;
  if (!dam_in_window(&e->splice, &e->track, DAM_S2C, &e->packet)) return -1;
  dam_track_segment(&e->track, DAM_S2C, &e->packet, e->packet.seq);
  return (int)dam_splice_translate_embedded(data, end, &e->packet, &e->splice, DAM_C2S,
                                            &e->rewrite);
}

EXPORTED uint64_t use_cookie(struct everything* e) {
  dam_seq isn = dam_seq_of(7);
  dam_seq cookie = dam_syn_cookie_make(&e->secrets, &e->flow, isn, e->cookie_options, &e->origin);
  dam_cookie_rotate(&e->secrets, e->key);
  if (!dam_syn_cookie_check(&e->secrets, &e->flow, isn, cookie, &e->cookie_options, &e->origin))
    return 0;
  dam_table_key_make(&e->table_key, e->key);
  return dam_flow_hash(&e->table_key, &e->flow) + dam_flow_siphash(e->key, &e->flow) +
         (uint64_t)dam_flow_key_equal(&e->flow, &e->flow);
}

EXPORTED uint64_t use_gcra(struct everything* e) {
  e->rate = dam_gcra_rate_of(e->key[0], e->key[1]);
  if (dam_gcra_charge(&e->tat_ns, &e->rate, 1, 2)) return 1;
  if (dam_gcra_would_admit(&e->tat_ns, &e->rate, 1, 2)) return 2;
  return dam_gcra_wait_ns(&e->tat_ns, &e->rate, 1, dam_gcra_fitting(&e->rate, 2));
}

EXPORTED uint32_t use_requests(uint8_t* data, uint8_t* end, struct everything* e) {
  struct dam_tls_segment segment = {data, end, e->packet.seq, e->packet.payload_bytes};
  dam_requests_begin(&e->requests, e->packet.seq, 1, 7);
  dam_requests_answer(&e->requests, &segment, e->packet.ack);
  if (!dam_requests_are_followed(&e->requests, 7)) return 0;
  return dam_requests_segment(&e->requests, &segment, e->packet.ack, 1);
}

EXPORTED int use_checksums(uint8_t* data, const struct dam_packet* packet) {
  dam_checksum_tcp_set(data, packet);
  dam_checksum_icmp_set(data, packet);
  dam_checksum_ipv4_set(data);
  return dam_checksum_tcp_valid(data, packet) + dam_checksum_icmp_valid(data, packet) +
         dam_checksum_ipv4_valid(data) + dam_checksum_replace16(1, 2, 3) +
         dam_checksum_replace32(1, 2, 3);
}

EXPORTED int use_answer(uint8_t* data, uint8_t* end, struct everything* e) {
  e->answer.tsval = dam_client_clock(e->tat_ns, e->origin);
  if (!dam_is_unicast(&e->packet.src)) return -1;
  if (data + dam_answer_bytes(&e->packet, &e->answer) > end) return -1;
  return dam_write_answer(data, end, &e->packet, &e->answer);
}

EXPORTED uint32_t use_tables(struct everything* e) {
  uint16_t tag = dam_index_tag(e->key[0]);
  uint32_t bucket = dam_index_other(dam_index_first(e->key[0], 63), tag, 63);
  dam_source_key_of(&e->source_key, &e->table_key, &e->packet.src, 1, 32, 64);
  struct dam_source_place place = dam_source_place_of(e->source_key.hash, 64);
  if (dam_source_banned(&e->source, 1) || dam_source_violate(&e->source, 1, 2, 3, 4)) return 0;
  return bucket + place.first + dam_coarse(e->tat_ns) +
         dam_address_bucket(&e->packet.src, e->packet.src_port);
}
