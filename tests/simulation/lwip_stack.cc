// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/lwip_stack.h"

#include <dlfcn.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

extern "C" {
#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>
}

namespace {

// lwIP's calls bring nothing that would say whose stack they are of: it has one for a process.
dam::simulation::LwipStack* the_stack = nullptr;

err_t emit_v4(netif*, pbuf* packet, const ip4_addr_t*) {
  the_stack->emit(packet);
  return ERR_OK;
}

err_t emit_v6(netif*, pbuf* packet, const ip6_addr_t*) {
  the_stack->emit(packet);
  return ERR_OK;
}

err_t begin_host(netif* host) {
  host->name[0] = 's';
  host->name[1] = 'i';
  host->output = emit_v4;
  host->output_ip6 = emit_v6;
  host->flags = NETIF_FLAG_LINK_UP;
  return ERR_OK;
}

}  // namespace

// In place of the library's own. The core is locked by nobody else: there are no threads.
extern "C" {
u32_t sys_now() {
  return static_cast<u32_t>(the_stack->environment().now_ns() / dam::simulation::kMs);
}
u32_t sys_jiffies() { return sys_now(); }
u32_t tcp_next_iss(tcp_pcb*) { return the_stack->next_initial_sequence(); }
void sys_check_core_locking() {}
sys_prot_t sys_arch_protect() { return 0; }
void sys_arch_unprotect(sys_prot_t) {}
// lwIP's own assertions end in it.
void abort() noexcept {
  Dl_info caller{};
  if (dladdr(__builtin_return_address(0), &caller) != 0 &&
      std::strstr(caller.dli_fname, "liblwip") != nullptr) {
    the_stack->give_up();
  }
  std::signal(SIGABRT, SIG_DFL);
  std::raise(SIGABRT);
  _exit(1);
}
int rand() {
  return the_stack == nullptr ? 4 : static_cast<int>(the_stack->next_initial_sequence() >> 1);
}
}

namespace dam::simulation {

LwipStack::LwipStack(Environment& environment)
    : environment_(environment), random_(environment.random.fork()) {
  the_stack = this;
  lwip_init();
  environment_.queue.after(random_.below(50 * kMs), [this] { check_timers(); });
}

// lwIP's clocks go in steps of 250 ms; looked at more often than that, by whatever phase.
void LwipStack::check_timers() {
  sys_check_timeouts();
  environment_.queue.after(50 * kMs, [this] { check_timers(); });
}

// A third of them is about to begin anew from 0.
uint32_t LwipStack::next_initial_sequence() {
  const auto any = static_cast<uint32_t>(random_.next());
  return random_.chance(0.33) ? 0u - any % 40'000 : any;
}

ip_addr_t LwipStack::address_of(const dam_address& address) {
  ip_addr_t result{};
  if (dam_address_is_v4(&address)) {
    IP_SET_TYPE_VAL(result, IPADDR_TYPE_V4);
    ip_2_ip4(&result)->addr = address.word[3];
  } else {
    IP_SET_TYPE_VAL(result, IPADDR_TYPE_V6);
    std::memcpy(ip_2_ip6(&result)->addr, &address, 16);
  }
  return result;
}

dam_address LwipStack::address_of(const ip_addr_t& address) {
  if (address.type == IPADDR_TYPE_V4) return dam_address_v4(ip_2_ip4(&address)->addr);
  dam_address result{};
  std::memcpy(&result, ip_2_ip6(&address)->addr, 16);
  return result;
}

netif* LwipStack::add_host(const dam_address& v4, const dam_address& v6, uint16_t mtu) {
  netif& host = hosts_.emplace_back();
  outputs_.emplace_back();
  const ip_addr_t address = address_of(v4);
  ip4_addr_t whole_mask;
  ip4_addr_t none;
  IP4_ADDR(&whole_mask, 255, 255, 255, 255);
  IP4_ADDR(&none, 0, 0, 0, 0);
  netif_add(&host, ip_2_ip4(&address), &whole_mask, &none, nullptr, begin_host, ip_input);
  host.mtu = mtu;
  host.mtu6 = mtu;
  host.rs_count = 0;
  netif_set_up(&host);
  const ip_addr_t address6 = address_of(v6);
  netif_ip6_addr_set(&host, 0, ip_2_ip6(&address6));
  netif_ip6_addr_set_state(&host, 0, IP6_ADDR_PREFERRED);
  host.rs_count = 0;
  if (netif_default == nullptr) netif_set_default(&host);
  return &host;
}

size_t LwipStack::index_of(const netif* host) const {
  size_t at = 0;
  while (&hosts_[at] != host) ++at;
  return at;
}

// What answers no connection leaves by any interface: the source says whose it is.
void LwipStack::emit(const pbuf* packet) {
  Bytes bytes(packet->tot_len);
  pbuf_copy_partial(packet, bytes.data(), packet->tot_len, 0);
  const auto view = view_ip(bytes.data(), bytes.size());
  if (!view || view->protocol != kProtocolTcp) return;
  const ip_addr_t source = address_of(view->src);
  for (size_t i = 0; i < hosts_.size(); ++i) {
    const bool its = view->family == 4 ? ip_addr_cmp(&hosts_[i].ip_addr, &source)
                                       : ip_addr_cmp(&hosts_[i].ip6_addr[0], &source);
    if (its) return outputs_[i](std::move(bytes));
  }
}

void LwipStack::input(netif* host, const Bytes& packet) {
  pbuf* copy = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(packet.size()), PBUF_RAM);
  pbuf_take(copy, packet.data(), static_cast<u16_t>(packet.size()));
  if (ip_input(copy, host) != ERR_OK) pbuf_free(copy);
}

tcp_pcb* LwipStack::find(const dam_address& local, uint16_t local_port, const dam_address& remote,
                         uint16_t remote_port) {
  const ip_addr_t here = address_of(local);
  const ip_addr_t there = address_of(remote);
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    if (pcb->local_port == local_port && pcb->remote_port == remote_port &&
        ip_addr_cmp(&pcb->local_ip, &here) && ip_addr_cmp(&pcb->remote_ip, &there)) {
      return pcb;
    }
  }
  return nullptr;
}

namespace {

// Only what no application holds any more.
template <class Matches>
void forget_time_wait(Matches matches) {
  for (tcp_pcb* pcb = tcp_tw_pcbs; pcb != nullptr;) {
    tcp_pcb* const next = pcb->next;
    if (pcb->callback_arg == nullptr && matches(*pcb)) {
      tcp_pcb_remove(&tcp_tw_pcbs, pcb);
      tcp_free(pcb);
    }
    pcb = next;
  }
}

}  // namespace

void LwipStack::reopen(const TcpView& syn) {
  const ip_addr_t here = address_of(syn.dst);
  const ip_addr_t there = address_of(syn.src);
  forget_time_wait([&](const tcp_pcb& pcb) {
    return pcb.local_port == syn.dst_port && pcb.remote_port == syn.src_port &&
           ip_addr_cmp(&pcb.local_ip, &here) && ip_addr_cmp(&pcb.remote_ip, &there) &&
           static_cast<int32_t>(syn.seq - pcb.rcv_nxt) > 0;
  });
}

void LwipStack::end_time_wait() {
  forget_time_wait([](const tcp_pcb&) { return true; });
}

void LwipStack::acknowledge(const TcpView& refused) {
  tcp_pcb* pcb = find(refused.dst, refused.dst_port, refused.src, refused.src_port);
  if (pcb == nullptr || pcb->state < ESTABLISHED || refused.length() == 0) return;
  tcp_ack_now(pcb);
  tcp_output(pcb);
}

}  // namespace dam::simulation
