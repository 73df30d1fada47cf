/* SPDX-License-Identifier: BSD-3-Clause */
/* What the flood's program and the one that runs it agree on. */
#pragma once

#include <linux/types.h>

enum {
  FLOOD_SOURCES = 0xc6130000, /* 198.19.0.0, a /16 */
  FLOOD_FRAME = 60,
  FLOOD_MOST_LOOKS = 65536, /* at the clock, until a SYN is due */
};
