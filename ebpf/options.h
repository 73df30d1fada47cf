/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP options as a step of its own: a walk that the verifier takes once. */
#ifndef DAM_EBPF_OPTIONS_H
#define DAM_EBPF_OPTIONS_H

#include "dataplane/core/tcp_options.h"
#include "ebpf/frame.h"

/* enum dam_drop_reason */
DAM_STEP uint32_t dam_read_options(struct xdp_md* ctx, struct job* job,
                                   struct dam_tcp_options* options) {
  if (!job || !options) return DAM_DROP_malformed;
  return dam_parse_tcp_options((const uint8_t*)(long)ctx->data, (const uint8_t*)(long)ctx->data_end,
                               &job->packet, options);
}

#endif
