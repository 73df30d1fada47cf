// SPDX-License-Identifier: BSD-3-Clause
// Many calls at once, one thread. Open loop where a rate is given: each call has its time, and what
// it takes counts from then, however late the thread came to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/bench/side/call.h"

namespace dam::bench::talk {

struct Options {
  sockaddr_in to{};
  sockaddr_in from{};              // the first of
  uint32_t sources = 1;            // so many addresses, which take turns
  std::vector<std::string> names;  // take turns, too
  double rate = 0;                 // a second; 0: as fast as the answers come
  uint64_t count = 1;              // connections or requests
  uint32_t parallel = 1;  // connections at once (without a rate), or in all (requests, bulk)
  uint64_t bytes = 1024;  // of an answer
  double give_up_s = 5;
};

struct Seen {  // by the users of one name
  std::vector<uint64_t> took_ns;
  uint64_t lost = 0;
};

class Clients {
 public:
  explicit Clients(const Options& options);
  ~Clients();
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  void connections();  // `count` of them, each: handshake, one answer, end
  void requests();     // `count` of them on `parallel` connections
  void bulk();         // `parallel` connections, one answer of `bytes` each

  const std::vector<Seen>& seen() const { return seen_; }
  uint64_t received() const { return received_; }
  double seconds() const { return static_cast<double>(ended_ns_ - began_ns_) / 1e9; }

 private:
  Call& open(Request first, uint64_t due_ns);
  uint64_t due_ns(uint64_t number) const;
  bool may_open(uint64_t number) const;
  void wait(uint64_t until_ns);
  void on_call(Call& call);
  void settle(Call& call);
  void give_up();
  void ask_where_due(std::vector<Call*>& lines, std::vector<uint64_t>& next);

  const Options& options_;
  std::vector<std::vector<uint8_t>> hellos_;
  std::vector<Seen> seen_;
  int epoll_;
  std::unordered_map<Call*, std::unique_ptr<Call>> calls_;
  uint64_t opened_ = 0;
  uint64_t received_ = 0;
  uint64_t looked_ns_ = 0;
  uint64_t began_ns_ = 0, ended_ns_ = 0;
};

}  // namespace dam::bench::talk
