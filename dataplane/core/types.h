/* SPDX-License-Identifier: BSD-3-Clause */
/* Words that every header of core/ shares: byte-order types, sequence numbers, addresses.
 * core/ is written in the common subset of C17, C++20 and BPF C: no I/O, clock, allocation,
 * globals. */
#ifndef DAM_CORE_TYPES_H
#define DAM_CORE_TYPES_H

#include <stdint.h>

#define DAM_INLINE static inline __attribute__((always_inline, unused))

/* What hardly any packet needs: a function of its own, so that it takes no registers from those
 * that all need. BPF's verifier would rather follow it in place. */
#ifdef __bpf__
#define DAM_RARE DAM_INLINE
#else
#define DAM_RARE static __attribute__((noinline, unused))
#endif

#ifdef __cplusplus
#define DAM_NULL nullptr
#define DAM_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define DAM_NULL ((void*)0)
#define DAM_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

DAM_STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "network order is the other order");

/* Numbers in network byte order have types of their own: wrong byte order does not compile. */
typedef struct dam_be16 {
  uint16_t raw;
} dam_be16;
typedef struct dam_be32 {
  uint32_t raw;
} dam_be32;

DAM_INLINE uint16_t dam_ntoh16(dam_be16 value) { return __builtin_bswap16(value.raw); }
DAM_INLINE uint32_t dam_ntoh32(dam_be32 value) { return __builtin_bswap32(value.raw); }
DAM_INLINE dam_be16 dam_hton16(uint16_t value) {
  dam_be16 result;
  result.raw = __builtin_bswap16(value);
  return result;
}
DAM_INLINE dam_be32 dam_hton32(uint32_t value) {
  dam_be32 result;
  result.raw = __builtin_bswap32(value);
  return result;
}

/* BPF's compiler would take unaligned words octet by octet, and its verifier wants the very pointer
 * that was compared with data_end: DAM_PIN keeps the compiler from computing it anew. */
#ifdef __bpf__
#define DAM_UNALIGNED(p, bytes) __builtin_assume_aligned(p, bytes)
#define DAM_PIN(value) __asm__ volatile("" : "+r"(value))
#else
#define DAM_UNALIGNED(p, bytes) (p)
#define DAM_PIN(value) ((void)(value))
#endif

/* Unaligned loads and stores; p needs 2, 4 or 8 readable (writable) bytes. */
DAM_INLINE uint16_t dam_load16(const void* p) {
  uint16_t value;
  __builtin_memcpy(&value, DAM_UNALIGNED(p, 2), 2);
  return value;
}
DAM_INLINE uint32_t dam_load32(const void* p) {
  uint32_t value;
  __builtin_memcpy(&value, DAM_UNALIGNED(p, 4), 4);
  return value;
}
DAM_INLINE uint64_t dam_load64(const void* p) {
  uint64_t value;
  __builtin_memcpy(&value, DAM_UNALIGNED(p, 8), 8);
  return value;
}
DAM_INLINE uint16_t dam_load_be16(const void* p) { return __builtin_bswap16(dam_load16(p)); }
DAM_INLINE uint32_t dam_load_be32(const void* p) { return __builtin_bswap32(dam_load32(p)); }
DAM_INLINE void dam_store16(void* p, uint16_t value) {
  __builtin_memcpy(DAM_UNALIGNED(p, 2), &value, 2);
}
DAM_INLINE void dam_store32(void* p, uint32_t value) {
  __builtin_memcpy(DAM_UNALIGNED(p, 4), &value, 4);
}
DAM_INLINE void dam_store64(void* p, uint64_t value) {
  __builtin_memcpy(DAM_UNALIGNED(p, 8), &value, 8);
}
DAM_INLINE void dam_store_be16(void* p, uint16_t value) {
  dam_store16(p, __builtin_bswap16(value));
}
DAM_INLINE void dam_store_be32(void* p, uint32_t value) {
  dam_store32(p, __builtin_bswap32(value));
}

/* A TCP sequence number, host byte order, modulo 2^32 (RFC 9293 3.4). */
typedef struct dam_seq {
  uint32_t value;
} dam_seq;
/* What is added to a sequence number of one side to get the other side's, modulo 2^32. */
typedef struct dam_seq_delta {
  uint32_t value;
} dam_seq_delta;

DAM_INLINE dam_seq dam_seq_of(uint32_t value) {
  dam_seq result;
  result.value = value;
  return result;
}
DAM_INLINE dam_seq dam_seq_add(dam_seq seq, uint32_t octets) {
  return dam_seq_of(seq.value + octets);
}
DAM_INLINE dam_seq dam_seq_translate(dam_seq seq, dam_seq_delta delta) {
  return dam_seq_of(seq.value + delta.value);
}
DAM_INLINE dam_seq dam_seq_untranslate(dam_seq seq, dam_seq_delta delta) {
  return dam_seq_of(seq.value - delta.value);
}
/* The delta that turns `from` into `to`. */
DAM_INLINE dam_seq_delta dam_seq_difference(dam_seq to, dam_seq from) {
  dam_seq_delta result;
  result.value = to.value - from.value;
  return result;
}
/* Octets from a to b; negative when b lies before a. */
DAM_INLINE int32_t dam_seq_distance(dam_seq a, dam_seq b) { return (int32_t)(b.value - a.value); }
DAM_INLINE int dam_seq_before(dam_seq a, dam_seq b) { return dam_seq_distance(a, b) > 0; }

/* A word that other threads and CPUs read and write at the same time, without order: whole. The
 * compiler for BPF has no atomic loads and stores; what it makes of these is. */
#ifdef __bpf__
DAM_INLINE uint64_t dam_load_shared64(const uint64_t* at) { return *(const volatile uint64_t*)at; }
DAM_INLINE void dam_store_shared64(uint64_t* at, uint64_t value) {
  *(volatile uint64_t*)at = value;
}
#else
DAM_INLINE uint64_t dam_load_shared64(const uint64_t* at) {
  return __atomic_load_n(at, __ATOMIC_RELAXED);
}
DAM_INLINE void dam_store_shared64(uint64_t* at, uint64_t value) {
  __atomic_store_n(at, value, __ATOMIC_RELAXED);
}
#endif

/* An IPv6 address, or an IPv4 address mapped into ::ffff:0:0/96 (RFC 4291 2.5.5.2); network order.
 */
typedef struct dam_address {
  uint32_t word[4];
} dam_address;

DAM_INLINE dam_address dam_address_v4(uint32_t raw_network_order) {
  dam_address result;
#ifndef __bpf__ /* whose stack takes aligned words only */
  /* In the halves that dam_address_equal loads: a load that spans two stores waits for both. */
  dam_store64(&result.word[0], 0);
  dam_store64(&result.word[2], __builtin_bswap32(0xffffu) | (uint64_t)raw_network_order << 32);
#else
  result.word[0] = 0;
  result.word[1] = 0;
  result.word[2] = __builtin_bswap32(0xffffu);
  result.word[3] = raw_network_order;
#endif
  return result;
}
DAM_INLINE dam_address dam_load_address(const void* p) {
  dam_address result;
  __builtin_memcpy(&result, DAM_UNALIGNED(p, 8), 16);
  return result;
}
DAM_INLINE int dam_address_is_v4(const dam_address* a) {
#ifndef __bpf__ /* whose stack takes aligned words only */
  return (dam_load64(&a->word[0]) | (a->word[2] ^ __builtin_bswap32(0xffffu))) == 0;
#else
  return a->word[0] == 0 && a->word[1] == 0 && a->word[2] == __builtin_bswap32(0xffffu);
#endif
}
DAM_INLINE int dam_address_equal(const dam_address* a, const dam_address* b) {
#ifndef __bpf__ /* whose stack takes aligned words only */
  return ((dam_load64(&a->word[0]) ^ dam_load64(&b->word[0])) |
          (dam_load64(&a->word[2]) ^ dam_load64(&b->word[2]))) == 0;
#else
  return ((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) | (a->word[2] ^ b->word[2]) |
          (a->word[3] ^ b->word[3])) == 0;
#endif
}

#endif
