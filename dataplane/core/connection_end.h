/* SPDX-License-Identifier: BSD-3-Clause */
/* The one list of how connections end: name (in the log), text. */
#ifndef DAM_CORE_CONNECTION_END_H
#define DAM_CORE_CONNECTION_END_H

#define DAM_CONNECTION_ENDS(X)                            \
  X(closed, "both ends said so, and acknowledged it")     \
  X(client_reset, "the client reset it")                  \
  X(server_reset, "the server reset it")                  \
  X(idle, "it was silent for longer than the policy's")   \
  X(replaced, "its client began anew from the same port") \
  X(refused, "the dam ended it, for `reason`")
enum dam_connection_end {
#define X(name, text) DAM_END_##name,
  DAM_CONNECTION_ENDS(X)
#undef X
      DAM_END_COUNT
};

#endif
