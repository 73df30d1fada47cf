// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/requests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/core/request_conversation.h"
#include "tests/unit/core/request_traces.h"

namespace dam::test {
namespace {

uint32_t counted(bool offers_h2, std::string_view events) {
  Reader reader = going(offers_h2);
  reader.read(events);
  return reader.requests().count;
}

std::string times(uint32_t many, const std::string& events) {
  std::string all;
  for (uint32_t i = 0; i < many; ++i) all += " " + events;
  return all;
}

// The promise: never too many; of what people and macros send one by one nearly all.
TEST(Requests, WhatRealClientsSentIsCountedAsServersDid) {
  for (const RequestTrace& trace : kRequestTraces) {
    Reader reader(trace.offers_h2);
    reader.read(trace.events);
    const uint32_t counted = reader.requests().count;
    EXPECT_LE(counted, trace.requests) << trace.client;
    EXPECT_GE(counted, trace.least * trace.requests) << trace.client;
  }
}

TEST(Requests, TheHandshakeOfEitherVersionIsNone) {
  Reader tls13(true);
  tls13.read("k1 69");
  EXPECT_EQ(tls13.record(130), 1u) << "the first record behind Finished, with the preface";
  Reader tls12(true);
  tls12.read("h37 k1 h40");
  EXPECT_EQ(tls12.record(140), 1u);
  Reader retried(true);  // HelloRetryRequest: a second ClientHello behind ChangeCipherSpec
  retried.read("k1 h512 53");
  EXPECT_EQ(retried.record(130), 1u);
  EXPECT_EQ(retried.requests().flags & DAM_REQUESTS_TLS12, 0);
}

TEST(Requests, AClientsCertificateIsNone) {
  for (const bool offers_h2 : {false, true}) {
    Reader reader(offers_h2);
    reader.read("s4 k1 900 281 69 s2");
    EXPECT_EQ(reader.requests().count, 0u);
    EXPECT_EQ(reader.record(300), 1u);
  }
}

TEST(Requests, TicketsAnswerNothing) {
  EXPECT_EQ(counted(false, "95 95"), 1u);
  Reader reader(true);
  reader.read("k1 53 81 70 s2 +40 100 +40 130 +40 160");
  EXPECT_EQ(reader.requests().count, 1u) << "an upload in pieces, when the tickets have come";
}

TEST(Requests, APrefaceAloneIsNone) {
  Reader reader(true);
  reader.read("k1 53 87 s +40 26");
  EXPECT_EQ(reader.requests().count, 0u);
}

TEST(Requests, ControlFramesAreNone) {
  EXPECT_EQ(counted(true, "70 s +30 26 s +30 30 s +30 34 s +30 43 s +30"), 1u)
      << "SETTINGS, WINDOW_UPDATE, PING, two WINDOW_UPDATEs";
  EXPECT_EQ(counted(true, "475 s +30 31 s +30 31"), 1u)
      << "PRIORITY: the first head has more fields than this has octets";
}

// What the server says answers nothing where it is short, where it is no record's beginning, and
// where it was under way when the client spoke.
TEST(Requests, AnAnswerIsARecordThatAcknowledgesAllOfTheClients) {
  dam_requests requests{};
  dam_requests_begin(&requests, dam_seq_of(1000), 1, 0);
  std::vector<uint8_t> octets{DAM_TLS_DATA, DAM_TLS_MAJOR, 3, 0, 200};
  octets.resize(205);
  const auto say = [&](uint32_t ack, size_t bytes = 205) {
    const uint8_t before = requests.records.answers;
    const dam_tls_segment segment{octets.data(), octets.data() + bytes, dam_seq_of(5),
                                  static_cast<uint32_t>(bytes)};
    dam_requests_answer(&requests, &segment, dam_seq_of(ack));
    return requests.records.answers - before;
  };
  EXPECT_EQ(say(1000), 1);
  EXPECT_EQ(say(999), 0);
  EXPECT_EQ(say(1000, 4), 0);
  octets[4] = DAM_REQUESTS_ANSWER_BYTES - 1;
  EXPECT_EQ(say(1000), 0);
  octets[4] = DAM_REQUESTS_ANSWER_BYTES;
  EXPECT_EQ(say(1000), 1);
  octets[0] = DAM_TLS_HANDSHAKE;
  EXPECT_EQ(say(1000), 0);
  for (int i = 0; i < 500; ++i) octets[0] = DAM_TLS_DATA, say(1000);
  EXPECT_EQ(requests.records.answers, INT8_MAX) << "no more than can be told apart";
}

TEST(Requests, ALongAnswerIsOne) {
  EXPECT_EQ(counted(true, "70 l l l l l l +30 58 64 90" + times(20, "l") + " 52"), 2u);
}

TEST(Requests, OneAfterTheOtherAllCount) {
  EXPECT_EQ(counted(true, "70" + times(20, "s +30 58")), 21u);
  EXPECT_EQ(counted(true, "70 47" + times(20, "s +30 58 90")), 21u) << "each with a body";
  EXPECT_EQ(counted(true, "70" + times(20, "s2 +30 58 90 120 160")), 21u)
      << "with bodies in pieces, and answers in two";
}

TEST(Requests, ANearMacroIsCountedHoweverQuicklyItAsks) {
  std::string events = "70";
  for (int i = 0; i < 100; ++i) events += i % 3 == 0 ? " s +90 58" : " s 58";
  const uint32_t found = counted(true, events);
  EXPECT_LE(found, 101u);
  EXPECT_GE(found, 95u);
}

TEST(Requests, ABurstCountsWhenItIsAnswered) {
  Reader reader = going(true);
  reader.read("70 s +30 58 61 55 60 57 58");
  EXPECT_EQ(reader.requests().count, 2u) << "the first of it";
  reader.read("s6 +30 90");
  EXPECT_GE(reader.requests().count, 7u);
  EXPECT_LE(reader.requests().count, 8u);
  reader.read("s +30 58 61 55 60 57 58 l b30 +30 26");
  EXPECT_GE(reader.requests().count, 12u) << "by the octets of long answers";
  EXPECT_LE(reader.requests().count, 14u);
}

TEST(Requests, BodiesBehindAllTheirHeadsAreNone) {
  const uint32_t found = counted(true, "70 s +30 58 58 58 58 90 90 90 90 s8 +30 58");
  EXPECT_GE(found, 5u);
  EXPECT_LE(found, 6u) << "whatever the number of records in the answers";
  EXPECT_LE(counted(true, "70 s +30 58 16401 90 90 90 90 s4 +30 58"), 3u) << "of a long body";
}

// As a server's tickets and SETTINGS, which the client acknowledges behind the first pieces of a
// body; and as a download.
TEST(Requests, WhatTheServerSaysBesideABodyIsNoAnswer) {
  EXPECT_EQ(counted(true, "70 s +30 60 193 65 283 b1 784 854"), 2u);
  EXPECT_EQ(counted(true, "70 s +30 60" + times(20, "193 b1 65 283 b2 784")), 2u);
}

TEST(Requests, AnOvertakenSegmentLetsNothingCount) {
  const std::string pieces =
      "70 s +30 60" + times(40, "100") + " b1 100 o1 100 b1 100 o1 100 o3 100";
  EXPECT_EQ(counted(true, pieces), 2u);
}

TEST(Requests, AClientThatReadsAsksForNothing) {
  EXPECT_EQ(counted(true, "70" + times(20, "l b9 +30 47") + times(20, "l b9 +30 39")), 1u)
      << "a WINDOW_UPDATE behind an acknowledgement";
  EXPECT_EQ(counted(true, "70" + times(20, "l b9 +30 69") + times(20, "l b9 +30 121")), 1u)
      << "WINDOW_UPDATEs of four streams, of eight";
  EXPECT_EQ(counted(true, "70" + times(20, "s +30 47")), 21u) << "heads of that length";
  EXPECT_EQ(counted(true, "140" + times(20, "l b9 +30 134")), 21u) << "or longer, if by 13";
}

TEST(Requests, AnUploadIsOneHoweverItIsCut) {
  std::string large = "70";
  for (int i = 0; i < 300; ++i) large += " 16401 +1 " + std::to_string(40 + i % 700);
  EXPECT_EQ(counted(true, large), 1u);
  for (const uint32_t pause : {0u, 1u, 3u, 50u}) {
    for (const uint32_t step : {0u, 1u, 50u, 331u}) {
      std::string small = "70 s +30 60";
      for (uint32_t i = 0; i < 300; ++i) {
        small += " +" + std::to_string(pause) + " " + std::to_string(100 + i * step % 1000);
      }
      EXPECT_EQ(counted(true, small), 2u) << pause << " between pieces, steps of " << step;
      EXPECT_EQ(counted(true, small + " s2 +30 58 s2 +30 58"), 4u)
          << pause << " between pieces, steps of " << step;
    }
  }
}

// Its pieces look like heads, and the answers of those that come behind it would let them count.
TEST(Requests, PiecesOfABodyDoNotWaitForTheNextOnesAnswers) {
  for (const char* piece : {"+1 280", "80", "+1 80"}) {
    const std::string body = "70 s2 +30 80" + times(50, piece);
    EXPECT_EQ(counted(true, body + " s2" + times(20, "+30 60 s2")), 22u) << piece;
    EXPECT_EQ(counted(true, body + " s2" + times(20, "+10 60 s2")), 22u) << piece << ", near";
  }
  EXPECT_EQ(counted(true, "70 s2" + times(20, "+30 80 80 80 80 80 s2")), 21u);
}

TEST(Requests, ABurstGoesOnBehindARestButPiecesThatComeOneByOneAreNone) {
  const std::string burst = "70 s2 +30" + times(12, "58");
  EXPECT_GE(counted(true, burst + " +5" + times(12, "57") + " s24 +30 58"), 20u);
  EXPECT_LE(counted(true, burst + times(60, "+5 57") + " s24" + times(10, "+30 58 s2")), 24u);
}

TEST(Requests, PiecesThatWaitAreNotPaidByALaterDownload) {
  const std::string body = "70 s +30 60" + times(40, "100") + " s3";
  EXPECT_LE(counted(true, body + " +30 60 l b40 +30 60"), 5u);
}

TEST(Requests, ABodyBesideADownloadHasNoAnswerYet) {
  EXPECT_EQ(counted(true, "97 l b3 +30 60" + times(40, "l b9 +5 193 +5 311")), 2u);
  EXPECT_EQ(counted(true, "70" + times(40, "l b9 +5 70")), 41u) << "one download after the other";
  EXPECT_EQ(counted(true, "70" + times(40, "l b9 +30 97 l b9 +30 70")), 81u);
  EXPECT_GE(counted(true, "70" + times(40, "l b9 +5 97")), 21u) << "at once, and of another length";
  const std::string upload = "70 s +30 60" + times(60, "100") + " 1500 s b9 s +5 311";
  EXPECT_LE(counted(true, upload + " l b60 +30 60"), 12u) << "which pays for no earlier body";
}

TEST(Requests, AnUploadHidesOnlyTheNextOne) {
  EXPECT_EQ(counted(true, "70 s +30 80 1500 s b1" + times(99, "+30 60 s b1")), 100u);
  EXPECT_EQ(counted(true, "70 s +30 80 1500 s b2" + times(20, "+30 60 s b2")), 21u);
}

TEST(Requests, MessagesOfAWebSocketAreNone) {
  std::string events = "519";
  for (int i = 0; i < 50; ++i) events += " s +17 " + std::to_string(23 + 5 * (i % 45));
  EXPECT_EQ(counted(false, events), 1u);
  events = "519";
  for (int i = 0; i < 50; ++i) events += " s +17 " + std::to_string(900 + 300 * i);
  EXPECT_EQ(counted(false, events), 1u) << "longer ones than heads are";
  events = "519";
  for (int i = 0; i < 50; ++i) events += " s +17 " + std::to_string(30 + i * 97 % 900);
  EXPECT_LE(counted(false, events), 2u) << "of all lengths";
}

TEST(Requests, Http1CountsTheFirstRecordOfATurn) {
  EXPECT_EQ(counted(false, "95 s 95 s 95 95 95 s 160 16401 16401 40"), 4u);
}

TEST(Requests, LongerHeadsOfHttp1CountFromTheSecondOn) {
  EXPECT_EQ(counted(false, "317 s +9 1317 s +9 1330 s +9 1317 s +9 320"), 4u);
  EXPECT_EQ(counted(false, "317" + times(10, "s +9 1317 5000")), 10u) << "with bodies";
}

TEST(Requests, TheirRhythmIsSmoothed) {
  Reader reader = going(false);
  reader.read("95");
  for (int i = 0; i < 60; ++i) reader.read("s +100 95");
  EXPECT_NEAR(reader.requests().gap_8 / 8.0, 100, 2);
  EXPECT_LE(reader.requests().gap_deviation_4 / 4u, 8u);
  Reader person = going(false);
  person.read("95");
  for (int i = 0; i < 60; ++i) person.read(i % 2 == 0 ? "s +20 95" : "s +1800 95");
  EXPECT_GT(person.requests().gap_deviation_4 / 4u, 500u);
}

TEST(Requests, NeverMoreThanThereAreHeads) {
  uint64_t heads = 0, counted = 0;
  for (uint32_t seed = 0; seed < 20000; ++seed) {
    std::mt19937 dice(seed);
    Conversation conversation(seed, [&dice] { return dice(); });
    for (int i = 0; i < 12; ++i) conversation.burst();
    ASSERT_LE(conversation.counted(), conversation.heads()) << "seed " << seed;
    heads += conversation.heads();
    counted += conversation.counted();
  }
  EXPECT_GT(counted, heads / 4) << "and it counts";
}

struct Stream {
  std::vector<uint8_t> octets;
  std::vector<uint32_t> lengths;
};

Stream random_stream(std::mt19937& dice) {
  Stream stream;
  for (int i = 0; i < 40; ++i) {
    const auto length =
        static_cast<uint32_t>(dice() % 3 == 0 ? 1 + dice() % 3000 : 20 + dice() % 100);
    stream.lengths.push_back(length);
    for (const uint32_t octet : {23u, 3u, 3u, length >> 8, length & 255}) {
      stream.octets.push_back(static_cast<uint8_t>(octet));
    }
    for (uint32_t at = 0; at < length; ++at) stream.octets.push_back(static_cast<uint8_t>(dice()));
  }
  return stream;
}

struct Cut {
  uint32_t at, bytes;
};

std::vector<Cut> random_cuts(const Stream& stream, std::mt19937& dice) {
  std::vector<Cut> cuts;
  for (uint32_t at = 0; at < stream.octets.size();) {
    const auto rest = static_cast<uint32_t>(stream.octets.size()) - at;
    const uint32_t bytes = std::min<uint32_t>(
        rest, static_cast<uint32_t>(dice() % 4 == 0 ? 1 + dice() % 7 : 200 + dice() % 1248));
    cuts.push_back({at, bytes});
    at += bytes;
  }
  return cuts;
}

// The lengths of the records that are found, wherever the stream begins in the sequence space.
std::vector<uint32_t> found_in(const Stream& stream, const std::vector<Cut>& cuts, uint32_t isn) {
  dam_tls_cursor cursor{};
  cursor.next = dam_seq_of(isn);
  std::vector<uint32_t> found;
  for (const Cut& cut : cuts) {
    const uint8_t* payload = stream.octets.data() + cut.at;
    const dam_tls_segment segment{payload, payload + cut.bytes, dam_seq_of(isn + cut.at),
                                  cut.bytes};
    for (;;) {
      const dam_tls_record record = dam_tls_next(&cursor, &segment);
      if (record.bytes == 0) break;
      found.push_back(record.bytes);
    }
  }
  return found;
}

TEST(TlsRecords, AreFoundHoweverTheStreamIsCut) {
  std::mt19937 dice(1);
  for (int run = 0; run < 300; ++run) {
    const Stream stream = random_stream(dice);
    const auto isn = static_cast<uint32_t>(dice());
    ASSERT_EQ(found_in(stream, random_cuts(stream, dice), isn), stream.lengths) << run;
  }
}

// What is lost is found nowhere; what is found was there.
TEST(TlsRecords, OfSegmentsThatAreLostDoubledAndOvertakenNoneIsInvented) {
  std::mt19937 dice(2);
  size_t found = 0, sent = 0;
  for (int run = 0; run < 300; ++run) {
    const Stream stream = random_stream(dice);
    std::vector<Cut> cuts = random_cuts(stream, dice);
    for (size_t i = cuts.size() - 1; i > 0; --i) {
      if (dice() % 8 == 0) std::swap(cuts[i], cuts[i - 1]);
      if (dice() % 8 == 0) cuts.push_back(cuts[i]);
      if (dice() % 16 == 0) cuts.erase(cuts.begin() + static_cast<long>(i));
    }
    std::vector<uint32_t> rest = stream.lengths;
    for (const uint32_t length : found_in(stream, cuts, static_cast<uint32_t>(dice()))) {
      const auto at = std::find(rest.begin(), rest.end(), length);
      ASSERT_NE(at, rest.end()) << "run " << run << ": a record of " << length;
      rest.erase(at);
      ++found;
    }
    sent += stream.lengths.size();
  }
  EXPECT_GT(found, sent / 4) << "it finds its way again";
}

TEST(TlsRecords, WhatIsNoTlsIsNoRecord) {
  const std::string text = "GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
  Stream stream;
  stream.octets.assign(text.begin(), text.end());
  EXPECT_TRUE(found_in(stream, {{0, static_cast<uint32_t>(text.size())}}, 5).empty());
}

// A client that sends each octet by itself is counted no less.
TEST(TlsRecords, AHeaderMayComeOctetByOctet) {
  std::mt19937 dice(3);
  const Stream stream = random_stream(dice);
  std::vector<Cut> cuts;
  for (uint32_t at = 0; at < stream.octets.size(); ++at) cuts.push_back({at, 1});
  EXPECT_EQ(found_in(stream, cuts, 0xfffffff0u), stream.lengths);
}

TEST(Requests, StateOfAnotherLifeOfTheEntryIsNotFollowed) {
  dam_requests requests{};
  EXPECT_FALSE(dam_requests_are_followed(&requests, 0));
  dam_requests_begin(&requests, dam_seq_of(1), 1, 0x1207);
  EXPECT_TRUE(dam_requests_are_followed(&requests, 0x1207));
  EXPECT_FALSE(dam_requests_are_followed(&requests, 0x1208));
}

}  // namespace
}  // namespace dam::test
