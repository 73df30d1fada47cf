// SPDX-License-Identifier: BSD-3-Clause
// One end of a connection: an application on lwIP's raw interface that writes, reads and ends as
// its behaviour says.
#pragma once

#include <functional>
#include <span>

#include "tests/simulation/connection_plan.h"
#include "tests/simulation/lwip_stack.h"

namespace dam::simulation {

class Endpoint {
 public:
  struct Application {
    std::function<void(uint64_t offset, std::span<uint8_t>)> make;  // octets to be sent
    std::function<void(std::span<const uint8_t>)> take;             // octets that have come
    std::function<void()> ended;
  };

  Endpoint(Environment& environment, Application application)
      : environment_(environment), application_(std::move(application)) {}
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  void attach(tcp_pcb* pcb);
  // From now on it is known what to do. total: octets to be sent, the opening included; aside: of
  // those that have come so far, how many are no part of the stream.
  void begin(const Behaviour& behaviour, uint64_t total, EndState& state, uint64_t aside = 0);
  void connected();
  void abort();
  void vanish();
  bool is_open() const { return pcb_ != nullptr; }
  tcp_pcb* pcb() const { return pcb_; }

 private:
  static err_t on_receive(void* self, tcp_pcb* pcb, pbuf* packet, err_t error);
  static err_t on_sent(void* self, tcp_pcb* pcb, u16_t bytes);
  static err_t on_poll(void* self, tcp_pcb* pcb);
  static void on_error(void* self, err_t error);

  void take(pbuf* packet);
  void read(uint32_t bytes);
  void pump();
  void write_some();
  void finish();
  bool fits_window() const;
  static bool has_hole(const tcp_pcb* pcb);
  void check_ending();
  void detach();
  void end(Outcome outcome);

  Environment& environment_;
  Application application_;
  tcp_pcb* pcb_ = nullptr;
  const Behaviour* behaviour_ = nullptr;
  EndState* state_ = nullptr;
  EndState early_;  // until begin()
  uint64_t total_ = 0;
  uint32_t unread_ = 0;
  bool waits_ = false;  // for the next write's time
  bool fin_sent_ = false;
};

}  // namespace dam::simulation
