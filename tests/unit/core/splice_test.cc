// SPDX-License-Identifier: BSD-3-Clause
// The oracle: translate the spec with plain arithmetic, write the frame anew with full checksums,
// and compare every octet with the frame translated in place.
#include "dataplane/core/splice.h"

#include <functional>

#include "tests/unit/core/frames.h"

namespace {
using namespace dam::test;

struct Rewrite {
  Address src, dst;
  uint16_t src_port, dst_port;
  dam_rewrite raw() const {
    return {to_dam(src), to_dam(dst), dam_hton16(src_port), dam_hton16(dst_port)};
  }
};
Rewrite rewrite_for(const FrameSpec& spec) {
  if (spec.family() == 4)
    return {octets_v4(198, 18, 0, 1), octets_v4(198, 18, 255, 2), 50001, 8443};
  return {octets_v6(0xaaaa, 1), octets_v6(0xbbbb, 0xfffe), 50001, 8443};
}

uint32_t reference_ack(uint32_t ack, const dam_splice& splice, dam_direction direction) {
  const uint32_t translated = ack - splice.seq_delta[!direction].value;
  const bool below = splice.ack_floor.value - translated <= DAM_FLOOR_SPAN;
  const bool clamps = direction == DAM_S2C && !(splice.flags & DAM_SPLICE_FLOOR_PASSED);
  return clamps && below ? splice.ack_floor.value : translated;
}

uint16_t reference_window(uint16_t field, const dam_splice& splice, dam_direction direction) {
  const uint64_t octets = uint64_t{field} << splice.window_shift_in[direction];
  const uint64_t scaled = octets >> splice.window_shift_out[direction];
  if (field != 0 && scaled == 0) return 1;
  return static_cast<uint16_t>(std::min<uint64_t>(scaled, 65535));
}

void reference_option(Option& option, const dam_splice& splice, dam_direction direction, bool ack) {
  if (option.kind == 8 && (splice.flags & DAM_SPLICE_TIMESTAMPS)) {
    option.words[0] += splice.ts_delta[direction];
    if (ack && option.words[1] != 0) option.words[1] -= splice.ts_delta[!direction];
  }
  if (option.kind == 5) {
    for (uint32_t& edge : option.words) edge -= splice.seq_delta[!direction].value;
  }
}

FrameSpec reference(FrameSpec spec, const dam_splice& splice, dam_direction direction,
                    const Rewrite& rewrite) {
  const bool ack = (spec.flags & DAM_TCP_ACK) != 0;
  spec.src = rewrite.src, spec.dst = rewrite.dst;
  spec.src_port = rewrite.src_port, spec.dst_port = rewrite.dst_port;
  spec.ttl = static_cast<uint8_t>(spec.ttl - 1);
  if (direction == DAM_C2S && (splice.flags & DAM_SPLICE_CLEAR_ECN)) spec.traffic_class &= 0xfc;
  spec.seq += splice.seq_delta[direction].value;
  if (ack) spec.ack = reference_ack(spec.ack, splice, direction);
  spec.window = reference_window(spec.window, splice, direction);
  for (Option& option : spec.options) reference_option(option, splice, direction, ack);
  return spec;
}

dam_drop_reason translate(Bytes& frame, const dam_splice& splice, dam_direction direction,
                          const Rewrite& rewrite) {
  dam_packet packet;
  const dam_rewrite raw = rewrite.raw();
  const dam_drop_reason parsed = parse(frame, &packet);
  if (parsed != DAM_DROP_none) return parsed;
  return dam_splice_translate(frame.data(), frame.data() + frame.size(), &packet, &splice,
                              direction, &raw);
}

// ---- rows ----

const dam_splice kSplice = {{{1'000'000}, {0xfffff000}},
                            {77, 0xffffff00},
                            {5000},
                            {7, 2},
                            {2, 7},
                            DAM_SPLICE_TIMESTAMPS,
                            {}};

struct SpliceRow {
  const char* sentence;
  dam_direction direction;
  std::function<void(FrameSpec&)> before;  // changes to the usual segment
  std::function<void(FrameSpec&)> after;   // what must have become of it, beside the usual
  uint8_t flags = DAM_SPLICE_TIMESTAMPS;
};
const SpliceRow kSpliceRows[] = {
    {"client to server: SEQ plus its delta, ACK less the other one", DAM_C2S,
     [](auto& s) { s.seq = 10, s.ack = 20, s.window = 10; },
     [](auto& s) { s.seq = 1'000'010, s.ack = 20 + 0x1000, s.window = 320; }},
    {"server to client: the other way round", DAM_S2C,
     [](auto& s) { s.seq = 10, s.ack = 1'006'000, s.window = 32; },
     [](auto& s) { s.seq = 10 - 0x1000u, s.ack = 6000, s.window = 1; }},
    {"numbers wrap", DAM_C2S, [](auto& s) { s.seq = 0xffffffff, s.ack = 0xfffff000, s.window = 0; },
     [](auto& s) { s.seq = 999'999, s.ack = 0; }},
    {"an ACK of the header alone is raised to the floor", DAM_S2C,
     [](auto& s) { s.ack = 1'004'500, s.window = 0; },
     [](auto& s) { s.seq = 1000 - 0x1000u, s.ack = 5000; }},
    {"an ACK below the floor passes once the header is acknowledged", DAM_S2C,
     [](auto& s) { s.ack = 1'004'500, s.window = 0; },
     [](auto& s) { s.seq = 1000 - 0x1000u, s.ack = 4500; }, DAM_SPLICE_FLOOR_PASSED},
    {"an ACK 3 GiB behind the floor is no ACK below it", DAM_S2C,
     [](auto& s) { s.ack = 1'005'000 + 0xc0000000u, s.window = 0; },
     [](auto& s) { s.seq = 1000 - 0x1000u, s.ack = 5000 + 0xc0000000u; }},
    {"without the ACK flag the field stays", DAM_C2S,
     [](auto& s) { s.flags = DAM_TCP_RST, s.ack = 20, s.window = 0; },
     [](auto& s) { s.seq = 1'001'000; }},
    {"a window beyond the field is as large as can be", DAM_C2S, [](auto& s) { s.window = 65535; },
     [](auto& s) { s.seq = 1'001'000, s.ack = 2000 + 0x1000, s.window = 65535; }},
    {"a small window does not close", DAM_S2C, [](auto& s) { s.ack = 1'006'000, s.window = 1; },
     [](auto& s) { s.seq = 1000 - 0x1000u, s.ack = 6000, s.window = 1; }},
    {"timestamps: the echo is the other side's", DAM_C2S,
     [](auto& s) {
       s.window = 0, s.options = {nop(), nop(), timestamps(1, 2)};
     },
     [](auto& s) {
       s.seq = 1'001'000, s.ack = 2000 + 0x1000;
       s.options = {nop(), nop(), timestamps(78, 2 + 0x100)};
     }},
    {"an echo of 0 is none and stays 0", DAM_C2S,
     [](auto& s) {
       s.window = 0, s.options = {nop(), nop(), timestamps(1, 0)};
     },
     [](auto& s) {
       s.seq = 1'001'000, s.ack = 2000 + 0x1000;
       s.options = {nop(), nop(), timestamps(78, 0)};
     }},
    {"timestamps that were not negotiated stay", DAM_C2S,
     [](auto& s) {
       s.window = 0, s.options = {nop(), nop(), timestamps(1, 2)};
     },
     [](auto& s) { s.seq = 1'001'000, s.ack = 2000 + 0x1000; }, 0},
    {"every SACK block moves with the ACK", DAM_S2C,
     [](auto& s) {
       s.ack = 1'006'000, s.window = 0;
       s.options = {nop(), nop(), sack({1'007'000, 1'008'000, 1'000'000, 999'999})};
     },
     [](auto& s) {
       s.seq = 1000 - 0x1000u, s.ack = 6000;
       s.options = {nop(), nop(), sack({7000, 8000, 0, 0xffffffff})};
     }},
    {"ECN is cleared towards the server", DAM_C2S,
     [](auto& s) { s.window = 0, s.traffic_class = 0xbb; },
     [](auto& s) { s.seq = 1'001'000, s.ack = 2000 + 0x1000, s.traffic_class = 0xb8; },
     DAM_SPLICE_CLEAR_ECN},
    {"ECN from the server stays", DAM_S2C,
     [](auto& s) { s.ack = 1'006'000, s.window = 0, s.traffic_class = 0x02; },
     [](auto& s) { s.seq = 1000 - 0x1000u, s.ack = 6000; }, DAM_SPLICE_CLEAR_ECN},
    {"a hop limit of 2 is the last that passes", DAM_C2S, [](auto& s) { s.window = 0, s.ttl = 2; },
     [](auto& s) { s.seq = 1'001'000, s.ack = 2000 + 0x1000; }},
};

TEST(Splice, translates_each_field) {
  for (bool six : {false, true}) {
    for (const SpliceRow& row : kSpliceRows) {
      SCOPED_TRACE(row.sentence);
      FrameSpec spec;
      if (six) spec.src = octets_v6(1, 2), spec.dst = octets_v6(3, 4);
      row.before(spec);
      const Rewrite rewrite = rewrite_for(spec);
      FrameSpec expected = spec;
      expected.src = rewrite.src, expected.dst = rewrite.dst;
      expected.src_port = rewrite.src_port, expected.dst_port = rewrite.dst_port;
      expected.ttl = static_cast<uint8_t>(spec.ttl - 1);
      row.after(expected);
      dam_splice splice = kSplice;
      splice.flags = row.flags;
      Bytes frame = write_frame(spec);
      ASSERT_EQ(translate(frame, splice, row.direction, rewrite), DAM_DROP_none);
      EXPECT_EQ(hex(frame), hex(write_frame(expected)));
    }
  }
}

struct RefusedRow {
  const char* sentence;
  std::function<void(FrameSpec&)> change;
  dam_drop_reason reason;
};
const RefusedRow kRefused[] = {
    {"a hop limit of 1", [](auto& s) { s.ttl = 1; }, DAM_DROP_ttl_expired},
    {"a hop limit of 0", [](auto& s) { s.ttl = 0; }, DAM_DROP_ttl_expired},
    {"half a SACK block", [](auto& s) { s.options = {sack({1})}; }, DAM_DROP_malformed},
    {"two SACK options",
     [](auto& s) {
       s.options = {sack({1, 2}), sack({1, 2})};
     },
     DAM_DROP_malformed},
    {"timestamps twice",
     [](auto& s) {
       s.options = {timestamps(1, 2), timestamps(1, 2)};
     },
     DAM_DROP_malformed},
};

TEST(Splice, a_refused_packet_is_left_as_it_was) {
  for (bool six : {false, true}) {
    for (const RefusedRow& row : kRefused) {
      SCOPED_TRACE(row.sentence);
      FrameSpec spec;
      if (six) spec.src = octets_v6(1, 2), spec.dst = octets_v6(3, 4);
      row.change(spec);
      Bytes frame = write_frame(spec);
      const Bytes before = frame;
      EXPECT_EQ(translate(frame, kSplice, DAM_C2S, rewrite_for(spec)), row.reason);
      EXPECT_EQ(hex(frame), hex(before));
    }
  }
}

// ---- properties ----

uint8_t flip() { return static_cast<uint8_t>(*rc::gen::inRange(0, 2)); }

std::vector<Option> any_options() {
  std::vector<Option> options(*rc::gen::inRange<size_t>(0, 4), nop());
  const bool stamped = flip();
  if (stamped) options.push_back(timestamps(*rc::gen::arbitrary<uint32_t>(), flip() * 9u));
  options.insert(options.end(), *rc::gen::inRange<size_t>(0, 3), nop());
  if (flip()) options.push_back({253, {}, Bytes(*rc::gen::inRange<size_t>(0, 4), 8)});
  const size_t room = 40 - write_options(options).size();
  if (room >= 10 && flip()) {
    const size_t edges = 2 * *rc::gen::inRange<size_t>(1, (room - 2) / 8 + 1);
    options.push_back(
        sack(*rc::gen::container<std::vector<uint32_t>>(edges, rc::gen::arbitrary<uint32_t>())));
  }
  return options;
}

FrameSpec any_segment() {
  FrameSpec spec;
  if (flip()) {
    spec.src = octets_v6(1, 2), spec.dst = octets_v6(3, *rc::gen::arbitrary<uint16_t>());
    if (flip()) spec.headers = {{60, {0, 0, 1, 4, 0, 0, 0, 0}}};
  } else if (flip()) {
    spec.ip_options = {1, 1, 1, 0};
  }
  if (flip()) spec.vlans = {12};
  spec.traffic_class = *rc::gen::arbitrary<uint8_t>();
  spec.ttl = *rc::gen::inRange<uint8_t>(2, 255);
  spec.seq = *rc::gen::arbitrary<uint32_t>() * 2654435761u;
  spec.ack = *rc::gen::arbitrary<uint32_t>() * 2654435761u;
  spec.flags = *rc::gen::element<uint8_t>(DAM_TCP_ACK, DAM_TCP_ACK | DAM_TCP_FIN, DAM_TCP_RST,
                                          DAM_TCP_ACK | DAM_TCP_PSH | DAM_TCP_ECE, 0xff, 0);
  spec.window = *rc::gen::arbitrary<uint16_t>();
  spec.urgent = *rc::gen::arbitrary<uint16_t>();
  spec.options = any_options();
  spec.payload = *rc::gen::arbitrary<Bytes>();
  spec.padding = Bytes(*rc::gen::inRange<size_t>(0, 7), 0x55);
  return spec;
}

dam_splice any_splice(const FrameSpec& near) {
  dam_splice splice = {};
  for (int d : {0, 1}) {
    splice.seq_delta[d].value = *rc::gen::arbitrary<uint32_t>() * 2246822519u;
    splice.ts_delta[d] = *rc::gen::arbitrary<uint32_t>() * 3266489917u;
    splice.window_shift_in[d] = *rc::gen::inRange<uint8_t>(0, 15);
    splice.window_shift_out[d] = *rc::gen::inRange<uint8_t>(0, 15);
  }
  splice.flags = *rc::gen::inRange<uint8_t>(0, 8);
  // Often close to the ACK that will be translated.
  splice.ack_floor.value = near.ack - splice.seq_delta[0].value + *rc::gen::inRange(-5000, 5000);
  return splice;
}

RC_GTEST_PROP(Splice, in_place_it_equals_the_frame_written_anew_with_full_checksums, ()) {
  const FrameSpec spec = any_segment();
  const dam_splice splice = any_splice(spec);
  const auto direction = static_cast<dam_direction>(flip());
  const Rewrite rewrite = rewrite_for(spec);
  Bytes frame = write_frame(spec);
  RC_ASSERT(translate(frame, splice, direction, rewrite) == DAM_DROP_none);
  RC_ASSERT(hex(frame) == hex(write_frame(reference(spec, splice, direction, rewrite))));
}

RC_GTEST_PROP(Splice, translated_and_translated_back_it_is_the_same_but_for_its_hops, ()) {
  FrameSpec spec = any_segment();
  spec.ttl = std::max<uint8_t>(spec.ttl, 3);
  dam_splice there = any_splice(spec);
  there.flags = DAM_SPLICE_TIMESTAMPS | DAM_SPLICE_FLOOR_PASSED;
  for (int d : {0, 1}) there.window_shift_in[d] = there.window_shift_out[d] = 7;
  dam_splice back = there;
  for (int d : {0, 1}) {
    back.seq_delta[d].value = 0 - there.seq_delta[d].value;
    back.ts_delta[d] = 0 - there.ts_delta[d];
  }
  for (Option& o : spec.options) {  // an echo that becomes 0 would stay 0
    if (o.kind == 8) RC_PRE(o.words[1] == 0 || o.words[1] != there.ts_delta[0]);
    if (o.kind == 8) RC_PRE(o.words[1] == 0 || o.words[1] != there.ts_delta[1]);
  }
  const auto direction = static_cast<dam_direction>(flip());
  Bytes frame = write_frame(spec);
  RC_ASSERT(translate(frame, there, direction, rewrite_for(spec)) == DAM_DROP_none);
  const Rewrite home = {spec.src, spec.dst, spec.src_port, spec.dst_port};
  RC_ASSERT(translate(frame, back, direction, home) == DAM_DROP_none);
  spec.ttl = static_cast<uint8_t>(spec.ttl - 2);
  RC_ASSERT(hex(frame) == hex(write_frame(spec)));
}

RC_GTEST_PROP(Splice, a_wrong_checksum_stays_as_wrong_as_it_was, (uint16_t error)) {
  RC_PRE(error % 0xffff != 0);
  const FrameSpec spec = any_segment();
  const dam_splice splice = any_splice(spec);
  Bytes frame = write_frame(spec);
  const size_t field = spec.l4() + 16;
  dam_store16(&frame[field], static_cast<uint16_t>(dam_load16(&frame[field]) ^ error));
  RC_ASSERT(translate(frame, splice, DAM_C2S, rewrite_for(spec)) == DAM_DROP_none);
  dam_packet packet;
  RC_ASSERT(parse(frame, &packet) == DAM_DROP_none);
  RC_ASSERT(!dam_checksum_tcp_valid(frame.data(), &packet));
}

// ---- the packet in an ICMP error ----

FrameSpec any_quotable() {
  FrameSpec spec = any_segment();
  spec.vlans.clear(), spec.padding.clear();
  spec.traffic_class &= 0xfc;  // what CLEAR_ECN took away does not come back
  return spec;
}

// What the dam sent is quoted, all or so many octets of its TCP; translated back it must be what
// the dam had received, with the hop limit and window that the quote shows.
void expect_quote_restored(const FrameSpec& received, size_t tcp_octets) {
  dam_splice splice = any_splice(received);
  splice.flags |= DAM_SPLICE_FLOOR_PASSED;  // a clamped ACK cannot be told from a true one
  const auto direction = static_cast<dam_direction>(flip());
  const FrameSpec sent = reference(received, splice, direction, rewrite_for(received));
  for (size_t i = 0; i < sent.options.size(); ++i) {  // an echo that became 0 cannot come back
    const Option &before = received.options[i], &after = sent.options[i];
    if (after.kind == 8) RC_PRE((before.words[1] == 0) == (after.words[1] == 0));
  }
  FrameSpec expected = received;
  expected.ttl = sent.ttl, expected.window = sent.window;
  Bytes quote = write_ip(sent), original = write_ip(expected);
  const size_t size = std::min(quote.size(), sent.l4() - sent.l3() + tcp_octets);
  quote.resize(size), original.resize(size);
  quote.shrink_to_fit();
  dam_packet quoted;
  const uint8_t* end = quote.data() + size;
  const dam_rewrite home =
      Rewrite{received.src, received.dst, received.src_port, received.dst_port}.raw();
  RC_ASSERT(dam_parse_embedded(quote.data(), end, &quoted) == DAM_DROP_none);
  RC_ASSERT(dam_splice_translate_embedded(quote.data(), end, &quoted, &splice, direction, &home) ==
            DAM_DROP_none);
  RC_ASSERT(hex(quote) == hex(original));
}

RC_GTEST_PROP(SpliceEmbedded, a_whole_quoted_packet_becomes_what_its_sender_sent, ()) {
  expect_quote_restored(any_quotable(), SIZE_MAX / 2);
}

RC_GTEST_PROP(SpliceEmbedded, cut_within_the_payload_the_checksum_is_still_the_senders, ()) {
  const FrameSpec spec = any_quotable();
  const size_t header = 20 + write_options(spec.options).size();
  expect_quote_restored(spec, header + *rc::gen::inRange<size_t>(0, spec.payload.size() + 1));
}

RC_GTEST_PROP(SpliceEmbedded, of_8_octets_ports_and_seq_are_translated, ()) {
  expect_quote_restored(any_quotable(), 8);
}

TEST(SpliceEmbedded, a_checksum_at_the_very_end_of_the_quote_is_fixed) {
  FrameSpec received;
  dam_splice splice = {};
  splice.seq_delta[DAM_C2S].value = 12345;  // ACK and options stay, so that 18 octets tell all
  splice.window_shift_in[DAM_C2S] = splice.window_shift_out[DAM_C2S] = 7;
  const FrameSpec sent = reference(received, splice, DAM_C2S, rewrite_for(received));
  received.ttl = sent.ttl;
  Bytes quote = write_ip(sent), original = write_ip(received);
  quote.resize(20 + 18), original.resize(20 + 18);
  dam_packet quoted;
  uint8_t* end = quote.data() + quote.size();
  ASSERT_EQ(dam_parse_embedded(quote.data(), end, &quoted), DAM_DROP_none);
  const Rewrite home = {received.src, received.dst, received.src_port, received.dst_port};
  const dam_rewrite raw = home.raw();
  ASSERT_EQ(dam_splice_translate_embedded(quote.data(), end, &quoted, &splice, DAM_C2S, &raw),
            DAM_DROP_none);
  EXPECT_EQ(hex(quote), hex(original));
}

RC_GTEST_PROP(SpliceEmbedded, cut_anywhere_it_stays_within_the_quote, ()) {
  const FrameSpec spec = any_segment();
  Bytes quote = write_ip(spec);
  quote.resize(*rc::gen::inRange<size_t>(0, quote.size() + 1));
  quote.shrink_to_fit();
  dam_packet quoted;
  uint8_t* end = start_of(quote) + quote.size();
  if (dam_parse_embedded(start_of(quote), end, &quoted) != DAM_DROP_none) return;
  const dam_splice splice = any_splice(spec);
  const dam_rewrite raw = rewrite_for(spec).raw();
  RC_ASSERT(dam_splice_translate_embedded(quote.data(), end, &quoted, &splice, DAM_C2S, &raw) ==
            DAM_DROP_none);
}

TEST(SpliceEmbedded, octets_behind_the_quoted_packets_own_end_stay) {
  FrameSpec spec;
  spec.options = {nop(), nop(), timestamps(1, 2), {0, {}}};
  Bytes quote = write_ip(spec);
  set16(quote, 2, 28);
  const Bytes before = quote;
  dam_packet quoted;
  uint8_t* end = quote.data() + quote.size();
  ASSERT_EQ(dam_parse_embedded(quote.data(), end, &quoted), DAM_DROP_none);
  const dam_rewrite raw = rewrite_for(spec).raw();
  ASSERT_EQ(dam_splice_translate_embedded(quote.data(), end, &quoted, &kSplice, DAM_C2S, &raw),
            DAM_DROP_none);
  EXPECT_EQ(hex({quote.begin() + 28, quote.end()}), hex({before.begin() + 28, before.end()}));
  EXPECT_NE(hex(quote), hex(before));
}

TEST(SpliceEmbedded, a_quote_of_another_protocol_is_left_alone) {
  FrameSpec spec;
  spec.protocol = 17, spec.payload = Bytes(8, 1);
  Bytes quote = write_ip(spec);
  const Bytes before = quote;
  dam_packet quoted;
  uint8_t* end = quote.data() + quote.size();
  ASSERT_EQ(dam_parse_embedded(quote.data(), end, &quoted), DAM_DROP_none);
  const dam_rewrite raw = rewrite_for(spec).raw();
  EXPECT_EQ(dam_splice_translate_embedded(quote.data(), end, &quoted, &kSplice, DAM_C2S, &raw),
            DAM_DROP_malformed);
  EXPECT_EQ(hex(quote), hex(before));
}

}  // namespace
