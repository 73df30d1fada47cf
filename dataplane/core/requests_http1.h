/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of HTTP/1.1, one for each turn that client and server take; see core/requests.h. */
#ifndef DAM_CORE_REQUESTS_HTTP1_H
#define DAM_CORE_REQUESTS_HTTP1_H

#include "dataplane/core/requests_state.h"

DAM_INLINE uint32_t dam_requests_varies(uint32_t bytes) {
  enum { VARIES = 64, MOST = 256 };
  uint32_t varies = bytes / 8u + VARIES;
  return varies < MOST ? varies : (uint32_t)MOST;
}

DAM_INLINE int dam_requests_is_about(uint32_t plain, uint32_t bytes) {
  uint32_t varies = dam_requests_varies(bytes);
  return plain + varies >= bytes && plain <= bytes + varies;
}

/* HTTP/1.1: a record behind an answer. `run`: so many were too short for a head. */
DAM_INLINE uint32_t dam_requests_turn(struct dam_requests* r, uint32_t plain) {
  enum {
    SHORTEST = 18,
    LONGEST = 8192
  }; /* "GET / HTTP/1.0" and two line ends; what servers take */
  enum { MOST_SHORT = 2 };
  if ((r->flags & DAM_REQUESTS_STAGE) == DAM_REQUESTS_FIRST) {
    dam_requests_enter(r, DAM_REQUESTS_GOING);
    r->first_bytes = r->bytes = (uint16_t)plain;
  } else if (dam_requests_unheard(r) == 0) {
    return 0;
  } else {
    r->heard = r->records.answers;
  }
  int is_like =
      dam_requests_is_about(plain, r->first_bytes) || dam_requests_is_about(plain, r->bytes);
  if (plain < SHORTEST || (!is_like && plain < r->first_bytes)) {
    if (r->run <= MOST_SHORT) r->run++;
    return 0;
  }
  if (!is_like && plain <= LONGEST) r->bytes = (uint16_t)plain;
  return is_like && r->run <= MOST_SHORT;
}

#endif
