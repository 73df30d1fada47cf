// SPDX-License-Identifier: BSD-3-Clause
// The functions of core that the kernel's plane runs too. The tests of core are compiled with this
// before them; whose functions they then call is the linker's choice: this process's (here), or
// those that the kernel runs as BPF (tests/parity/core).
#pragma once

#include "dataplane/core/gcra.h"
#include "dataplane/core/packet.h"
#include "dataplane/core/splice.h"
#include "dataplane/core/syn_cookie.h"
#include "dataplane/core/tcp_options.h"

namespace dam::under_test {

dam_drop_reason parse(const uint8_t* data, const uint8_t* end, dam_packet* packet);
dam_drop_reason parse_embedded(const uint8_t* l3, const uint8_t* end, dam_packet* packet);
dam_drop_reason parse_tcp_options(const uint8_t* data, const uint8_t* end, const dam_packet* packet,
                                  dam_tcp_options* options);
dam_drop_reason splice_translate(uint8_t* data, const uint8_t* end, const dam_packet* packet,
                                 const dam_splice* splice, dam_direction direction,
                                 const dam_rewrite* rewrite);
uint64_t flow_hash(const dam_table_key* key, const dam_flow_key* flow);
uint64_t siphash24_tail(const uint64_t key[2], const uint64_t* words, unsigned count,
                        uint16_t tail);
dam_seq syn_cookie_make(const dam_cookie_secrets* secrets, const dam_flow_key* flow,
                        dam_seq client_isn, dam_cookie_options options, uint32_t* clock_origin);
int syn_cookie_check(const dam_cookie_secrets* secrets, const dam_flow_key* flow,
                     dam_seq client_isn, dam_seq cookie, dam_cookie_options* options,
                     uint32_t* clock_origin);
int gcra_charge(uint64_t* tat_ns, const dam_gcra_rate* rate, uint64_t now_ns, uint32_t units);
int gcra_would_admit(const uint64_t* tat_ns, const dam_gcra_rate* rate, uint64_t now_ns,
                     uint32_t units);
void gcra_refit(uint64_t* tat_ns, const dam_gcra_rate* rate, uint64_t now_ns);

}  // namespace dam::under_test

#ifndef DAM_UNDER_TEST_ITSELF
#define dam_parse dam::under_test::parse
#define dam_parse_embedded dam::under_test::parse_embedded
#define dam_parse_tcp_options dam::under_test::parse_tcp_options
#define dam_splice_translate dam::under_test::splice_translate
#define dam_flow_hash dam::under_test::flow_hash
#define dam_siphash24_tail dam::under_test::siphash24_tail
#define dam_syn_cookie_make dam::under_test::syn_cookie_make
#define dam_syn_cookie_check dam::under_test::syn_cookie_check
#define dam_gcra_charge dam::under_test::gcra_charge
#define dam_gcra_would_admit dam::under_test::gcra_would_admit
#define dam_gcra_refit dam::under_test::gcra_refit
#endif
