// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/core/requests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/core/request_traces.h"

namespace dam::test {
namespace {

// Records as dam_tls_next finds them, one after the other.
class Reader {
 public:
  explicit Reader(bool offers_h2) { dam_requests_begin(&requests_, dam_seq_of(0), offers_h2, 0); }
  void wait(uint32_t units) { now_ += units; }
  void answer(uint32_t bytes = 200) { dam_requests_answer(&requests_, bytes); }
  uint32_t record(uint32_t bytes, uint8_t type = DAM_TLS_DATA) {
    const uint32_t found = dam_requests_record(&requests_, {bytes, type}, now_);
    dam_requests_note(&requests_, found, now_);
    return found;
  }
  void read(std::string_view events) {
    for (size_t at = 0; at < events.size();) {
      const size_t end = std::min(events.find(' ', at), events.size());
      word(std::string(events.substr(at, end - at)));
      at = end + 1;
    }
  }
  const dam_requests& requests() const { return requests_; }

 private:
  void word(const std::string& text) {
    const auto number = [&](size_t from) {
      return static_cast<uint32_t>(std::stoul(text.substr(from)));
    };
    switch (text[0]) {
      case 's':
        return answer();
      case '+':
        return wait(number(1));
      case 'h':
        return void(record(number(1), DAM_TLS_HANDSHAKE));
      case 'k':
        return void(record(number(1), DAM_TLS_CHANGE_CIPHER_SPEC));
      default:
        return void(record(number(0)));
    }
  }
  dam_requests requests_;
  uint32_t now_ = 1000;
};

// Finished and, over HTTP/2, the preface.
Reader going(bool offers_h2) {
  Reader reader(offers_h2);
  reader.read(offers_h2 ? "k1 53 81" : "k1 53");
  return reader;
}

uint32_t counted(bool offers_h2, std::string_view events) {
  Reader reader = going(offers_h2);
  reader.read(events);
  return reader.requests().count;
}

// The promise: never too many; of what people and macros send one by one nearly all.
TEST(Requests, WhatRealClientsSentIsCountedAsNginxDid) {
  for (const RequestTrace& trace : kRequestTraces) {
    Reader reader(trace.offers_h2);
    reader.read(trace.events);
    const uint32_t counted = reader.requests().count;
    EXPECT_LE(counted, trace.requests) << trace.client;
    const bool packed = std::string_view(trace.client).find("-m 10") != std::string_view::npos;
    const double least = packed ? 0.1 : trace.offers_h2 ? 0.85 : 0.95;
    EXPECT_GE(counted, least * trace.requests) << trace.client;
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

TEST(Requests, HeadsAndBodiesTakeTurns) {
  EXPECT_EQ(counted(true, "70 47 s +30 43 47 s +30 43 48 s +30 43 60"), 4u);
  EXPECT_EQ(counted(true, "70 s +30 58 58 58 86 87 88"), 4u) << "bodies behind all their heads";
  EXPECT_EQ(counted(true, "70 s +30 58 51 58 58 58 58 58 58 58 89 90 91 92 93 94 95"), 9u);
}

TEST(Requests, ANearMacroIsCountedHoweverQuicklyItAsks) {
  std::string events = "70";
  for (int i = 0; i < 100; ++i) events += i % 3 == 0 ? " s +90 58" : " s 58";
  EXPECT_EQ(counted(true, events), 101u);
}

TEST(Requests, ABurstOfHeadsIsTakenForWhatItCannotElseBe) {
  EXPECT_EQ(counted(true, "70 s +30 58 58 58 58"), 5u);
  EXPECT_EQ(counted(true, "70 s +30 58 66"), 2u) << "the second may be a body";
  EXPECT_EQ(counted(true, "70 s +30 58 40 40 40 40 40"), 7u) << "more than the heads before";
}

TEST(Requests, AnUploadIsOneHoweverItIsCut) {
  std::string large = "70", small = "70 s +30 60";
  for (int i = 0; i < 300; ++i) large += " 16401 +1 " + std::to_string(40 + i % 700);
  for (int i = 0; i < 300; ++i) small += " +3 " + std::to_string(100 + i % 2 * 50);
  EXPECT_EQ(counted(true, large), 1u);
  EXPECT_LE(counted(true, small), 2u + 150u) << "never more than every second record";
  std::string acknowledged = "70";  // WINDOW_UPDATEs of the server, several in a segment
  for (int i = 0; i < 300; ++i) {
    acknowledged += " 16401 s +5 " + std::to_string(40 + i * 7 % 700);
  }
  EXPECT_EQ(counted(true, acknowledged), 1u);
  std::string slow = "70 s +30 60";
  for (int i = 0; i < 300; ++i) slow += " +3 100";
  EXPECT_LE(counted(true, slow), 2u + 150u);
}

TEST(Requests, MessagesOfAWebSocketAreNone) {
  std::string events = "519";
  for (int i = 0; i < 50; ++i) events += " s +17 " + std::to_string(23 + 5 * (i % 45));
  EXPECT_EQ(counted(false, events), 1u);
  events = "519";
  for (int i = 0; i < 50; ++i) events += " s +17 " + std::to_string(900 + 300 * i);
  EXPECT_EQ(counted(false, events), 1u) << "longer ones than heads are";
}

TEST(Requests, Http1CountsTheFirstRecordOfATurn) {
  EXPECT_EQ(counted(false, "95 s 95 s 95 95 95 s 160 16401 16401 40"), 4u);
  EXPECT_EQ(counted(false, "95 s 30 95"), 2u) << "a short record does not end the turn";
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

// A body follows its head at once and has another size than the record before it: then, whatever
// there is, in whatever order, as many bodies as heads at most, no more requests are counted.
TEST(Requests, NeverMoreThanThereAreHeads) {
  std::mt19937 dice(20261130);
  const auto below = [&](uint32_t end) { return static_cast<uint32_t>(dice() % end); };
  for (int conversation = 0; conversation < 20000; ++conversation) {
    Reader reader = going(true);
    reader.record(17 + 30 + below(300));
    uint32_t heads = 1, last = 0;
    const auto record = [&](uint32_t bytes) {
      while (last != 0 && bytes + 2 >= last && bytes <= last + 2) bytes += 3;
      reader.record(last = bytes);
    };
    for (int burst = 0; burst < 12; ++burst) {
      reader.answer();
      reader.wait(DAM_REQUESTS_QUIET + below(60));
      const uint32_t many = 1 + below(8), bodies = below(many + 1);
      uint32_t waiting = 0, left = bodies;
      for (uint32_t i = 0; i < many; ++i) {
        record(17 + 20 + below(200));
        ++heads;
        if (left > 0) ++waiting, --left;
        while (waiting > 0 && below(2) == 0) record(17 + 9 + below(1100)), --waiting;
      }
      while (waiting > 0) record(17 + 9 + below(1100)), --waiting;
    }
    ASSERT_LE(reader.requests().count, heads) << "conversation " << conversation;
  }
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
