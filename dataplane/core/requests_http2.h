/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of HTTP/2 (RFC 9113), among bodies and control frames; see core/requests.h. */
#ifndef DAM_CORE_REQUESTS_HTTP2_H
#define DAM_CORE_REQUESTS_HTTP2_H

#include "dataplane/core/requests_state.h"

/* Of a client that reads: a WINDOW_UPDATE behind an acknowledgement, or one for each of a few
 * streams. */
DAM_INLINE int dam_requests_is_reading(struct dam_requests* r, uint32_t plain) {
  enum { ACK = 9, PONG = 17, WINDOW_UPDATE = 13, STREAMS = 8 };
  if (!(r->flags & DAM_REQUESTS_READS)) return 0;
  dam_requests_clear(r, DAM_REQUESTS_READS);
  return plain == ACK + WINDOW_UPDATE || plain == PONG + WINDOW_UPDATE ||
         (plain % (uint32_t)WINDOW_UPDATE == 0 && plain <= (uint32_t)STREAMS * WINDOW_UPDATE);
}

/* SETTINGS, WINDOW_UPDATE, PING and RST_STREAM, two WINDOW_UPDATEs; and what is shorter than a
 * head. */
DAM_INLINE int dam_requests_is_control(struct dam_requests* r, uint32_t plain) {
  enum { FRAME = 9, BYTES_OF_A_FIELD = 32 };
  return dam_requests_is_reading(r, plain) || plain == FRAME || plain == FRAME + 4 ||
         plain == FRAME + 8 || plain == 2 * (FRAME + 4) ||
         plain < FRAME + r->first_bytes / (uint32_t)BYTES_OF_A_FIELD;
}

DAM_INLINE void dam_requests_add_heads(struct dam_requests* r, uint32_t count) {
  uint32_t heads = r->heads + count, most = DAM_REQUESTS_MOST_HEADS;
  if (r->heads != DAM_REQUESTS_UPLOAD) r->heads = (uint8_t)(heads < most ? heads : most);
}

DAM_INLINE void dam_requests_take_heads(struct dam_requests* r, uint32_t count) {
  if (r->heads != DAM_REQUESTS_UPLOAD) r->heads -= (uint8_t)(count < r->heads ? count : r->heads);
}

/* Another size: those of the run before it were bodies, and this may be one. */
DAM_INLINE void dam_requests_new_run(struct dam_requests* r) {
  if (!(r->flags & DAM_REQUESTS_HEADS)) dam_requests_take_heads(r, r->run);
  dam_requests_clear(r, DAM_REQUESTS_HEADS);
  r->run = 1;
}

/* One more of about the same size: how many are heads that was not known of. */
DAM_INLINE uint32_t dam_requests_same_run(struct dam_requests* r) {
  enum { SURE = 3 };
  uint32_t heads = 1;
  if (r->run < UINT8_MAX) r->run++;
  if (!(r->flags & DAM_REQUESTS_HEADS)) {
    heads = r->run;
    if (heads < SURE || heads <= r->heads) return 0;
  }
  r->flags |= DAM_REQUESTS_HEADS;
  dam_requests_add_heads(r, heads);
  return heads;
}

/* Within it the next record of the same size is of the same run: a burst of heads rests now and
 * then, and goes on. Pieces of a body that come one by one rest each time. */
DAM_INLINE uint32_t dam_requests_rest(const struct dam_requests* r) {
  enum { SURE = 8 };
  int is_burst = (r->flags & DAM_REQUESTS_HEADS) && r->run >= SURE;
  return is_burst ? DAM_REQUESTS_PAUSE : DAM_REQUESTS_QUIET;
}

DAM_INLINE int dam_requests_is_near(const struct dam_requests* r, uint32_t plain, uint32_t by) {
  return plain + by - r->bytes <= 2 * by;
}

DAM_INLINE uint32_t dam_requests_follow(struct dam_requests* r, uint32_t plain, uint32_t since) {
  int is_same = r->run != 0 && dam_requests_is_near(r, plain, DAM_REQUESTS_VARY) &&
                since < dam_requests_rest(r) && plain <= DAM_REQUESTS_HEAD_BYTES;
  r->bytes = (uint16_t)plain;
  if (is_same && since >= DAM_REQUESTS_QUIET) r->run = 0;
  if (is_same) return dam_requests_same_run(r);
  dam_requests_new_run(r);
  return 0;
}

DAM_INLINE uint32_t dam_requests_spare(const struct dam_requests* r) {
  return r->flags / (uint32_t)DAM_REQUESTS_ONE_SPARE;
}

DAM_INLINE void dam_requests_spare_is(struct dam_requests* r, uint32_t spare) {
  dam_requests_clear(r, DAM_REQUESTS_SPARE);
  r->flags |= (uint8_t)(spare * DAM_REQUESTS_ONE_SPARE);
}

/* No body may still come, and the server has spoken since the burst began. */
DAM_INLINE int dam_requests_are_answered(const struct dam_requests* r) {
  return r->heads == 0 && dam_requests_spare(r) < DAM_REQUESTS_SPARE_ALL;
}

/* A head for certain: all that was asked before is answered, or nothing was. Where one is left of
 * several that waited, one answer too much was let by. */
DAM_INLINE uint32_t dam_requests_new_burst(struct dam_requests* r, uint32_t plain) {
  uint32_t left = dam_requests_spare(r) == DAM_REQUESTS_SPARE_NONE && r->waiting == 1;
  r->bytes = (uint16_t)plain;
  r->run = 1;
  r->waiting = 0;
  r->flags |= DAM_REQUESTS_HEADS;
  dam_requests_spare_is(r, DAM_REQUESTS_SPARE_ALL);
  dam_requests_add_heads(r, 1);
  return 1 + left;
}

DAM_INLINE void dam_requests_wait(struct dam_requests* r, uint32_t heads) {
  uint32_t waiting = r->waiting + heads, most = DAM_REQUESTS_MOST_HEADS;
  r->waiting = (uint8_t)(waiting < most ? waiting : most);
}

/* The client has paused, and the server has answered once or twice: what still waits for an answer
 * was a body, and would count by the answers of others. Where it has answered more often, and the
 * next record is about as long, the rest of a burst of heads may be on its way. */
DAM_INLINE void dam_requests_pause(struct dam_requests* r, uint32_t since, uint32_t plain) {
  enum { OTHER_PATHS = 24 };
  if (since < DAM_REQUESTS_PAUSE || r->run == 0) return;
  uint32_t spare = dam_requests_spare(r);
  if (spare == DAM_REQUESTS_SPARE_ALL) return;
  if (spare == DAM_REQUESTS_SPARE_NONE && dam_requests_is_near(r, plain, OTHER_PATHS)) return;
  dam_requests_take_heads(r, r->waiting);
  r->waiting = 0;
}

/* Much has come down since the client last spoke, which was a moment ago: what is not as long as
 * that may be a piece of its body, beside an earlier head's answer. Not two in a row: a client that
 * is near may ask so quickly for what is large. */
DAM_INLINE int dam_requests_is_beside(const struct dam_requests* r, uint32_t plain,
                                      uint32_t since) {
  return (r->flags & DAM_REQUESTS_READS) && r->run != 0 && since < DAM_REQUESTS_PAUSE &&
         !dam_requests_is_near(r, plain, DAM_REQUESTS_VARY);
}

/* Not the first head: whether it is one is known, or the server's word tells, or it is none. */
DAM_INLINE uint32_t dam_requests_weigh(struct dam_requests* r, uint32_t plain, uint32_t since,
                                       int is_beside) {
  int is_quiet = r->waiting == 0 || since >= DAM_REQUESTS_QUIET;
  if (plain > DAM_REQUESTS_BODY_BYTES) {
    r->heads = DAM_REQUESTS_UPLOAD;
    r->run = 0;
  } else if (!dam_requests_are_answered(r) || !is_quiet) {
    dam_requests_wait(r, dam_requests_follow(r, plain, since));
  } else if (is_beside) {
    r->waiting = 0;
    r->run = 0;
    dam_requests_add_heads(r, 1);
    dam_requests_spare_is(r, DAM_REQUESTS_SPARE_ALL);
  } else {
    return dam_requests_new_burst(r, plain);
  }
  return 0;
}

/* The first record begins with the preface (RFC 9113 3.4), and may have a request in it. */
DAM_INLINE uint32_t dam_requests_frames(struct dam_requests* r, uint32_t plain, uint32_t now) {
  uint32_t since = (uint16_t)(now - r->seen), is_first = r->first_bytes == 0;
  int is_beside = dam_requests_is_beside(r, plain, since);
  if ((r->flags & DAM_REQUESTS_STAGE) == DAM_REQUESTS_FIRST) {
    dam_requests_enter(r, DAM_REQUESTS_GOING);
    if (plain < DAM_REQUESTS_PREFACE_BYTES) return 0;
  }
  if (dam_requests_is_control(r, plain)) return 0;
  r->seen = (uint16_t)now;
  dam_requests_pause(r, since, plain);
  if (!is_first) return dam_requests_weigh(r, plain, since, is_beside);
  r->first_bytes = (uint16_t)plain;
  return dam_requests_new_burst(r, plain);
}

/* Each answer is one head's, whose body comes no more. Amid an upload the server's words may be no
 * answer: its next piece may be a small one. */
DAM_INLINE void dam_requests_answered(struct dam_requests* r, uint32_t answers) {
  if (answers == 0) return;
  if (r->heads == DAM_REQUESTS_UPLOAD) {
    r->heads = 1;
  } else {
    dam_requests_take_heads(r, answers);
  }
}

/* How many of those that wait count, when the server has spoken. */
DAM_INLINE uint32_t dam_requests_let_count(struct dam_requests* r, uint32_t answers) {
  uint32_t spare = dam_requests_spare(r);
  for (; answers > 0 && spare > DAM_REQUESTS_SPARE_LAST; answers--) spare--;
  uint32_t counted = answers < r->waiting ? answers : r->waiting;
  if (counted != 0) spare = DAM_REQUESTS_SPARE_NONE;
  dam_requests_spare_is(r, spare);
  r->waiting -= (uint8_t)counted;
  return counted;
}

/* HTTP/2: what the server has said since the client last spoke, and the client has got of it. Each
 * answer lets one head count that waits; and in long ones, which hide the next ones' beginnings,
 * each block. Where none waits, a block is of something else: the handshake's last words, or what
 * comes down beside a body that goes up in pieces. */
DAM_INLINE uint32_t dam_requests_hear(struct dam_requests* r, dam_seq ack) {
  uint32_t answers = dam_requests_unheard(r);
  uint8_t block = (uint8_t)(ack.value / DAM_REQUESTS_BLOCK_BYTES);
  uint32_t blocks = (uint8_t)(block - r->records.blocks);
  if (!(r->flags & DAM_REQUESTS_H2)) return 0;
  if (answers != 0) r->heard = r->records.answers;
  int shakes = (r->flags & DAM_REQUESTS_STAGE) == DAM_REQUESTS_HANDSHAKE;
  if (shakes || blocks < DAM_REQUESTS_OVERTAKEN_BLOCKS) {
    r->records.blocks = block;
  } else {
    blocks = 0;
  }
  if (shakes) return 0;
  if (blocks >= DAM_REQUESTS_DOWNLOAD_BLOCKS) r->flags |= DAM_REQUESTS_READS;
  if (answers == 0 && r->waiting == 0) blocks = 0;
  uint32_t counted = dam_requests_let_count(r, answers > blocks ? answers : blocks);
  dam_requests_answered(r, answers > counted ? answers : counted);
  return counted;
}

#endif
