// SPDX-License-Identifier: BSD-3-Clause
// The functions themselves, in this process.
#include "tests/unit/core/under_test.h"

namespace dam::under_test {

dam_drop_reason parse(const uint8_t* data, const uint8_t* end, dam_packet* packet) {
  return dam_parse(data, end, packet);
}
dam_drop_reason parse_embedded(const uint8_t* l3, const uint8_t* end, dam_packet* packet) {
  return dam_parse_embedded(l3, end, packet);
}
dam_drop_reason parse_tcp_options(const uint8_t* data, const uint8_t* end, const dam_packet* packet,
                                  dam_tcp_options* options) {
  return dam_parse_tcp_options(data, end, packet, options);
}
dam_drop_reason splice_translate(uint8_t* data, const uint8_t* end, const dam_packet* packet,
                                 const dam_splice* splice, dam_direction direction,
                                 const dam_rewrite* rewrite) {
  return dam_splice_translate(data, end, packet, splice, direction, rewrite);
}
uint64_t flow_hash(const dam_table_key* key, const dam_flow_key* flow) {
  return dam_flow_hash(key, flow);
}
uint64_t siphash24_tail(const uint64_t key[2], const uint64_t* words, unsigned count,
                        uint16_t tail) {
  return dam_siphash24_tail(key, words, count, tail);
}
dam_seq syn_cookie_make(const dam_cookie_secrets* secrets, const dam_flow_key* flow,
                        dam_seq client_isn, dam_cookie_options options, uint32_t* clock_origin) {
  return dam_syn_cookie_make(secrets, flow, client_isn, options, clock_origin);
}
int syn_cookie_check(const dam_cookie_secrets* secrets, const dam_flow_key* flow,
                     dam_seq client_isn, dam_seq cookie, dam_cookie_options* options,
                     uint32_t* clock_origin) {
  return dam_syn_cookie_check(secrets, flow, client_isn, cookie, options, clock_origin);
}
int gcra_charge(uint64_t* tat_ns, const dam_gcra_rate* rate, uint64_t now_ns, uint32_t units) {
  return dam_gcra_charge(tat_ns, rate, now_ns, units);
}
int gcra_would_admit(const uint64_t* tat_ns, const dam_gcra_rate* rate, uint64_t now_ns,
                     uint32_t units) {
  return dam_gcra_would_admit(tat_ns, rate, now_ns, units);
}
void gcra_refit(uint64_t* tat_ns, const dam_gcra_rate* rate, uint64_t now_ns) {
  dam_gcra_refit(tat_ns, rate, now_ns);
}

}  // namespace dam::under_test
