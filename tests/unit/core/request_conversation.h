// SPDX-License-Identifier: BSD-3-Clause
// The records of a TLS client and its server, as core/requests.h is told of them: in words, and by
// dice.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/core/requests.h"

namespace dam::test {

// Records as dam_tls_next finds them, one after the other.
class Reader {
 public:
  explicit Reader(bool offers_h2) { dam_requests_begin(&requests_, dam_seq_of(0), offers_h2, 0); }
  void wait(uint32_t units) { now_ += units; }
  void answer(uint32_t bytes = 200) {
    const uint8_t header[] = {DAM_TLS_DATA, DAM_TLS_MAJOR, 3, static_cast<uint8_t>(bytes >> 8),
                              static_cast<uint8_t>(bytes)};
    const dam_tls_segment segment{header, header + sizeof header, dam_seq_of(1), sizeof header};
    dam_requests_answer(&requests_, &segment, requests_.records.next);
  }
  uint32_t record(uint32_t bytes, uint8_t type = DAM_TLS_DATA) {
    uint32_t found = dam_requests_hear(&requests_, dam_seq_of(ack_));
    found += dam_requests_record(&requests_, {bytes, type}, now_);
    dam_requests_note(&requests_, found, now_);
    return found;
  }
  // A segment in which no record begins.
  void hear() {
    const uint32_t found = dam_requests_hear(&requests_, dam_seq_of(ack_));
    dam_requests_note(&requests_, found, now_);
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
        for (uint32_t i = 0; i < (text.size() == 1 ? 1 : number(1)); ++i) answer();
        return;
      case 'l':
        return answer(DAM_TLS_MOST_BYTES);
      case 'b':
        ack_ += number(1) * DAM_REQUESTS_BLOCK_BYTES;
        return hear();
      case 'o':  // an acknowledgement that was overtaken
        ack_ -= number(1) * DAM_REQUESTS_BLOCK_BYTES;
        return;
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
  uint32_t now_ = 1000, ack_ = 0xffffff00;
};

// Finished, two tickets and, over HTTP/2, the preface.
inline Reader going(bool offers_h2) {
  Reader reader(offers_h2);
  reader.read(offers_h2 ? "k1 53 s2 81" : "k1 53 s2");
  return reader;
}

// Conversations of HTTP/2 by dice: bodies in any number of pieces, as quickly as it likes. Either
// in bursts, pieces of one size among them, and one record answers each request; or request by
// request, with pieces of any size, and one or two records.
template <class Dice>
class Conversation {
 public:
  Conversation(uint32_t kind, Dice dice) : dice_(dice), most_(kind % 8) {}
  void burst() {
    const bool alone = most_ == 0;
    const uint32_t many = 1 + below(most_ + 1);
    for (uint32_t i = 0; i < many; ++i) {
      reader_.record(17 + 20 + below(200));
      ++heads_;
      if (below(2) == 0) body(!alone && below(3) == 0);
    }
    for (uint32_t i = 0; i < (alone ? 1 + below(2) : many); ++i) reader_.answer();
    reader_.wait((alone ? DAM_REQUESTS_QUIET : 0) + below(60));
  }
  uint32_t heads() const { return heads_; }
  uint32_t counted() const { return reader_.requests().count; }

 private:
  uint32_t below(uint32_t end) { return static_cast<uint32_t>(dice_() % end); }
  void body(bool of_one_size) {
    // Shorter ones pass for control frames, and those between them for a run of one size.
    constexpr uint32_t kShortest = 17 + 27;
    const uint32_t pieces = 1 + below(below(4) == 0 ? 40 : 3), bytes = kShortest + below(1000);
    for (uint32_t i = 0; i < pieces; ++i) {
      reader_.wait(below(4));
      reader_.record(bytes + (of_one_size ? 0 : i % 2 * 40 + below(20)));
    }
  }
  Dice dice_;
  uint32_t most_;
  Reader reader_ = going(true);
  uint32_t heads_ = 0;
};

}  // namespace dam::test
