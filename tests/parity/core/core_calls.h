/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes to the programs of core.bpf.c, and what comes back, beside the frame. */
#ifndef DAM_TESTS_PARITY_CORE_CORE_CALLS_H
#define DAM_TESTS_PARITY_CORE_CORE_CALLS_H

#include "dataplane/core/gcra.h"
#include "dataplane/core/packet.h"
#include "dataplane/core/splice.h"
#include "dataplane/core/syn_cookie.h"
#include "dataplane/core/tcp_options.h"

enum { CORE_WORDS = 8 };

struct core_call {
  struct dam_packet packet;
  struct dam_tcp_options options;
  struct dam_splice splice;
  struct dam_rewrite rewrite;
  struct dam_flow_key flow;
  struct dam_cookie_secrets secrets;
  struct dam_cookie_options cookie;
  struct dam_gcra_rate rate;
  dam_seq client_isn, isn;
  uint64_t key[2], words[CORE_WORDS];
  struct dam_table_key table_key;
  uint64_t tat_ns, now_ns;
  uint32_t count; /* words, or units of a charge */
  uint32_t tail;
  uint32_t direction;
  uint32_t clock_origin;
  uint64_t result;
};

#endif
