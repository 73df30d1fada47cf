// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/endpoint.h"

#include <algorithm>
#include <vector>

extern "C" {
#include <lwip/priv/tcp_priv.h>
}

namespace dam::simulation {

void Endpoint::attach(tcp_pcb* pcb) {
  pcb_ = pcb;
  if (state_ == nullptr) state_ = &early_;
  tcp_arg(pcb, this);
  tcp_recv(pcb, on_receive);
  tcp_sent(pcb, on_sent);
  tcp_err(pcb, on_error);
  tcp_poll(pcb, on_poll, 2);
}

void Endpoint::detach() {
  tcp_arg(pcb_, nullptr);
  tcp_recv(pcb_, nullptr);
  tcp_sent(pcb_, nullptr);
  tcp_err(pcb_, nullptr);
  tcp_poll(pcb_, nullptr, 0);
  pcb_ = nullptr;
}

void Endpoint::begin(const Behaviour& behaviour, uint64_t total, EndState& state, uint64_t aside) {
  behaviour_ = &behaviour;
  total_ = total;
  state = state_ == nullptr ? EndState{} : *state_;
  state.received -= aside;
  state_ = &state;
  if (behaviour.gap_ns != 0 && pcb_ != nullptr) tcp_nagle_disable(pcb_);
  if (state.outcome != Outcome::open) return application_.ended();
  if (state.connected) pump();
}

void Endpoint::connected() {
  state_->connected = true;
  pump();
}

void Endpoint::end(Outcome outcome) {
  state_->outcome = outcome;
  if (behaviour_ != nullptr) application_.ended();
}

void Endpoint::abort() {
  if (pcb_ == nullptr) return;
  tcp_pcb* pcb = pcb_;
  detach();
  tcp_abort(pcb);
  end(Outcome::aborted);
}

void Endpoint::vanish() {
  if (pcb_ == nullptr) return;
  tcp_pcb* pcb = pcb_;
  detach();
  tcp_abandon(pcb, 0);
  end(Outcome::vanished);
}

err_t Endpoint::on_receive(void* self, tcp_pcb*, pbuf* packet, err_t) {
  auto& endpoint = *static_cast<Endpoint*>(self);
  if (packet != nullptr) {
    endpoint.take(packet);
  } else {
    endpoint.state_->peer_fin = true;
    endpoint.pump();
  }
  return ERR_OK;
}

err_t Endpoint::on_sent(void* self, tcp_pcb*, u16_t) {
  static_cast<Endpoint*>(self)->pump();
  return ERR_OK;
}

err_t Endpoint::on_poll(void* self, tcp_pcb* pcb) {
  auto& endpoint = *static_cast<Endpoint*>(self);
  endpoint.state_->stack_lost_octets |= has_hole(pcb);
  endpoint.pump();
  return ERR_OK;
}

void Endpoint::on_error(void* self, err_t error) {
  auto& endpoint = *static_cast<Endpoint*>(self);
  endpoint.pcb_ = nullptr;  // it is gone
  endpoint.end(error == ERR_RST    ? Outcome::reset
               : error == ERR_CLSD ? Outcome::orderly
                                   : Outcome::gave_up);
}

void Endpoint::take(pbuf* packet) {
  std::vector<uint8_t> bytes(packet->tot_len);
  pbuf_copy_partial(packet, bytes.data(), packet->tot_len, 0);
  pbuf_free(packet);
  unread_ += static_cast<uint32_t>(bytes.size());
  state_->received += bytes.size();
  application_.take(bytes);
  const auto count = static_cast<uint32_t>(bytes.size());
  if (behaviour_ == nullptr || behaviour_->read_delay_ns == 0) {
    read(count);
  } else {
    environment_.queue.after(behaviour_->read_delay_ns, [this, count] { read(count); });
  }
  check_ending();
}

void Endpoint::read(uint32_t bytes) {
  if (pcb_ == nullptr) return;
  unread_ -= bytes;
  tcp_recved(pcb_, static_cast<u16_t>(bytes));
  finish();
}

// An abort may not happen inside of what lwIP calls: it comes right after.
void Endpoint::check_ending() {
  if (behaviour_ == nullptr) return;
  const bool due = std::max(state_->sent, state_->received) >= behaviour_->ending_at;
  if (!due) return;
  if (behaviour_->ending == Ending::abort) environment_.queue.after(0, [this] { abort(); });
  if (behaviour_->ending == Ending::vanish) environment_.queue.after(0, [this] { vanish(); });
}

void Endpoint::pump() {
  if (pcb_ == nullptr || behaviour_ == nullptr || !state_->connected) return;
  if (!waits_) write_some();
  finish();
  check_ending();
}

void Endpoint::write_some() {
  while (state_->sent < total_) {
    const uint64_t room = std::min<uint64_t>(tcp_sndbuf(pcb_), 0xffff);
    const auto bytes =
        static_cast<size_t>(std::min({room, uint64_t{behaviour_->chunk}, total_ - state_->sent}));
    if (bytes == 0) break;
    std::vector<uint8_t> octets(bytes);
    application_.make(state_->sent, octets);
    if (tcp_write(pcb_, octets.data(), static_cast<u16_t>(bytes), TCP_WRITE_FLAG_COPY) != ERR_OK) {
      break;  // asked again by and by
    }
    state_->sent += bytes;
    if (behaviour_->gap_ns == 0) continue;
    waits_ = true;
    environment_.queue.after(behaviour_->gap_ns, [this] {
      waits_ = false;
      pump();
    });
    break;
  }
  tcp_output(pcb_);
}

// lwIP 2.1.3 may lose the rest of a segment that was acknowledged in part when the window shuts and
// it has sent beyond: what it still has to send begins behind what it was last acknowledged.
bool Endpoint::has_hole(const tcp_pcb* pcb) {
  const tcp_seg* first = pcb->unacked != nullptr ? pcb->unacked : pcb->unsent;
  if (first == nullptr || pcb->state < ESTABLISHED) return false;
  return static_cast<int32_t>(lwip_ntohl(first->tcphdr->seqno) - pcb->lastack) > 0;
}

// lwIP 2.1.3 forgets to take the FIN from the first half when it splits a segment that a small
// window does not take whole (tcp_split_unsent_seg): the FIN is kept back until all fits.
bool Endpoint::fits_window() const {
  return pcb_->unsent == nullptr ||
         (pcb_->snd_lbb - pcb_->lastack < 4'000 && pcb_->snd_wnd > 16'000);
}

void Endpoint::finish() {
  if (pcb_ == nullptr || behaviour_ == nullptr || state_->sent < total_) return;
  const Ending ending = behaviour_->ending;
  const bool wants =
      ending == Ending::when_sent || (ending == Ending::after_peer && state_->peer_fin);
  if (wants && !fits_window()) return;  // asked again by and by
  if (wants && !fin_sent_ && !state_->peer_fin) fin_sent_ = tcp_shutdown(pcb_, 0, 1) == ERR_OK;
  if (!wants || !state_->peer_fin || unread_ != 0) return;
  tcp_pcb* pcb = pcb_;
  detach();
  if (tcp_close(pcb) != ERR_OK) return attach(pcb);  // no memory now: asked again
  end(Outcome::orderly);
}

}  // namespace dam::simulation
