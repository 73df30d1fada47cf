// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/quantity.h"

#include <gtest/gtest.h>

namespace dam::control {
namespace {

TEST(Quantity, counts_scale_by_thousands_and_binary_units) {
  EXPECT_EQ(parse_count("16384").value, 16384u);
  EXPECT_EQ(parse_count("16k").value, 16'000u);
  EXPECT_EQ(parse_count("1M").value, 1'000'000u);
  EXPECT_EQ(parse_count("1.5M").value, 1'500'000u);
  EXPECT_EQ(parse_count("64Ki").value, 65'536u);
}

TEST(Quantity, counts_refuse_fractions_unknown_units_and_excess) {
  EXPECT_EQ(parse_count("1.5").wrong, "\"1.5\" is not a whole number");
  EXPECT_EQ(parse_count("1m").wrong, "unknown unit \"m\"");
  EXPECT_EQ(parse_count("-1").wrong, "\"-1\" is not a number");
  EXPECT_EQ(parse_count("").wrong, "\"\" is not a number");
  EXPECT_EQ(parse_count("9999999999G").wrong, "\"9999999999G\" is too large");
}

TEST(Quantity, a_single_letter_means_bytes_as_in_nginx_and_B_makes_it_decimal) {
  EXPECT_EQ(parse_bytes("10m").value, 10'485'760u);
  EXPECT_EQ(parse_bytes("10MB").value, 10'000'000u);
  EXPECT_EQ(parse_bytes("64MiB").value, 67'108'864u);
  EXPECT_EQ(parse_bytes("16384").value, 16'384u);
  EXPECT_EQ(parse_bytes("8kbit").value, 1'000u);
  EXPECT_EQ(parse_bytes("10mb").wrong, "unknown unit \"mb\"");
}

TEST(Quantity, times_need_a_unit_and_may_have_several) {
  EXPECT_EQ(parse_duration_ns("10s").value, 10'000'000'000u);
  EXPECT_EQ(parse_duration_ns("500ms").value, 500'000'000u);
  EXPECT_EQ(parse_duration_ns("1h30m").value, 5'400'000'000'000u);
  EXPECT_EQ(parse_duration_ns("10").wrong, "\"10\" has no unit");
  EXPECT_EQ(parse_duration_ns("10y").wrong, "\"10y\" has an unknown unit");
  EXPECT_EQ(parse_duration_ns("s").wrong, "\"s\" is not a time");
}

TEST(Quantity, a_rate_without_a_burst_gets_one_second_of_itself) {
  EXPECT_EQ(parse_event_rate("10r/s").value, (Rate{10, 10}));
  EXPECT_EQ(parse_event_rate("30r/m").value, (Rate{0.5, 1}));
  EXPECT_EQ(parse_byte_rate("10MB/s").value, (Rate{10e6, 10'000'000}));
  EXPECT_EQ(parse_byte_rate("1kB/s").value, (Rate{1e3, kSmallestDefaultBurstBytes}));
}

TEST(Quantity, rates_are_read_as_nginx_users_write_them) {
  EXPECT_EQ(parse_event_rate("10r/s burst=20").value, (Rate{10, 20}));
  EXPECT_EQ(parse_event_rate("600r/m burst=20").value, (Rate{10, 20}));
  EXPECT_EQ(parse_event_rate("3600/h").value, (Rate{1, 1}));
  EXPECT_EQ(parse_byte_rate("100Mbit/s burst=1MiB").value, (Rate{12.5e6, 1'048'576}));
  EXPECT_EQ(parse_event_rate("none").value, (Rate{0, 0}));
}

TEST(Quantity, rates_that_let_nothing_pass_are_refused) {
  EXPECT_EQ(parse_event_rate("0r/s").wrong, "a rate of 0 lets nothing pass");
  EXPECT_EQ(parse_event_rate("1r/s burst=0").wrong,
            "burst=0 lets nothing pass: it is how much may come at once");
  EXPECT_EQ(parse_byte_rate("1MB/s burst=1500").wrong,
            "burst=1500 lets nothing pass: it is how much may come at once");
  EXPECT_TRUE(parse_byte_rate("1MB/s burst=1600").value);
}

TEST(Quantity, rates_with_stray_words_are_refused) {
  EXPECT_EQ(parse_event_rate("10r").wrong, "\"10r\" does not say how often");
  EXPECT_EQ(parse_event_rate("10r/d").wrong, "unknown period \"d\"");
  EXPECT_EQ(parse_event_rate("10r/s nodelay").wrong, "unexpected \"nodelay\"");
  EXPECT_EQ(parse_event_rate("10r/s burst=1 burst=2").wrong, "unexpected \"burst=2\"");
  EXPECT_EQ(parse_event_rate("10x/s").wrong, "unknown unit \"x\"");
  EXPECT_EQ(parse_event_rate("").wrong, "an empty rate");
}

TEST(Quantity, port_ranges_hold_two_ports_in_order) {
  EXPECT_EQ(parse_port_range("1024-65535").value, (PortRange{1024, 65535}));
  for (const char* bad : {"1024", "0-10", "20-10", "1-65536", "1-2-3", "-", ""}) {
    EXPECT_FALSE(parse_port_range(bad).value) << bad;
  }
}

TEST(Quantity, what_is_printed_reads_back_the_same) {
  for (const char* text : {"10r/s burst=20", "30r/m burst=5", "100kr/s", "none"}) {
    const Rate rate = *parse_event_rate(text).value;
    EXPECT_EQ(parse_event_rate(event_rate_text(rate)).value, rate) << text;
  }
  for (const char* text : {"10MB/s burst=20MB", "100Mbit/s", "3m/s burst=64KiB", "none"}) {
    const Rate rate = *parse_byte_rate(text).value;
    EXPECT_EQ(parse_byte_rate(byte_rate_text(rate)).value, rate) << text;
  }
}

}  // namespace
}  // namespace dam::control
