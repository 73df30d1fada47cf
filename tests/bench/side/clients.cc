// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/side/clients.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "tests/bench/hello_bytes.h"

namespace dam::bench::talk {
namespace {

constexpr uint64_t kSecond = 1'000'000'000, kLook = kSecond / 10;
constexpr uint64_t kNever = UINT64_MAX;

uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kSecond + static_cast<uint64_t>(now.tv_nsec);
}

bool is_over(const Call& call) {
  return call.state() == Call::kOver || call.state() == Call::kLost;
}

}  // namespace

Clients::Clients(const Options& options)
    : options_(options),
      seen_(options.names.size()),
      epoll_(epoll_create1(0)),
      began_ns_(now_ns()) {
  for (const std::string& name : options.names) hellos_.push_back(client_hello(name, kHello));
}

Clients::~Clients() { close(epoll_); }

Call& Clients::open(Request first, uint64_t due_ns) {
  sockaddr_in from = options_.from;
  const auto turn = static_cast<uint32_t>(opened_ % options_.sources);
  from.sin_addr.s_addr = htonl(ntohl(from.sin_addr.s_addr) + turn);
  const auto kind = static_cast<uint32_t>(opened_++ % hellos_.size());
  auto made = std::make_unique<Call>(from, options_.to, hellos_[kind], first);
  Call& call = *made;
  call.kind = kind;
  call.due_ns = due_ns;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.ptr = &call;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, call.fd(), &event);
  calls_.emplace(&call, std::move(made));
  return call;
}

uint64_t Clients::due_ns(uint64_t number) const {
  if (options_.rate <= 0) return began_ns_;
  return began_ns_ + static_cast<uint64_t>(static_cast<double>(number) * 1e9 / options_.rate);
}

bool Clients::may_open(uint64_t number) const {
  if (options_.rate <= 0) return calls_.size() < options_.parallel;
  return due_ns(number) <= now_ns();
}

void Clients::wait(uint64_t until_ns) {
  const uint64_t now = now_ns();
  const uint64_t left = until_ns > now ? std::min(until_ns - now, kLook) : 0;
  const timespec timeout{.tv_sec = 0, .tv_nsec = static_cast<long>(left)};
  std::array<epoll_event, 256> events;
  const int count = epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    on_call(*static_cast<Call*>(events[static_cast<size_t>(i)].data.ptr));
  }
  if (now - looked_ns_ > kLook) give_up();
}

void Clients::on_call(Call& call) {
  const uint64_t answers = call.answers();
  call.on_event();
  if (call.answers() > answers) {
    seen_[call.kind].took_ns.push_back(now_ns() - call.due_ns);
    call.due_ns = kNever;
  }
  settle(call);
}

void Clients::settle(Call& call) {
  if (!is_over(call)) return;
  if (call.state() == Call::kLost) ++seen_[call.kind].lost;
  received_ += call.received();
  calls_.erase(&call);
}

void Clients::give_up() {
  looked_ns_ = now_ns();
  const auto patience_ns = static_cast<uint64_t>(options_.give_up_s * 1e9);
  std::vector<Call*> late;
  for (auto& [call, _] : calls_) {
    if (call->due_ns != kNever && call->due_ns + patience_ns < looked_ns_) late.push_back(call);
  }
  for (Call* call : late) {
    call->lose();
    settle(*call);
  }
}

void Clients::connections() {
  began_ns_ = now_ns();
  uint64_t number = 0;
  while (number < options_.count || !calls_.empty()) {
    const bool more = number < options_.count;
    if (more && may_open(number)) {
      open({.bytes = options_.bytes}, options_.rate > 0 ? due_ns(number) : now_ns());
      ++number;
      wait(0);
    } else {
      wait(more && options_.rate > 0 ? due_ns(number) : kNever);
    }
  }
  ended_ns_ = now_ns();
}

// Those connections whose next request is due and that have their last answer.
void Clients::ask_where_due(std::vector<Call*>& lines, std::vector<uint64_t>& next) {
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] == nullptr || next[i] >= options_.count) continue;
    if (!calls_.contains(lines[i])) {
      lines[i] = nullptr;
    } else if (lines[i]->state() == Call::kIdle && due_ns(next[i]) <= now_ns()) {
      lines[i]->due_ns = due_ns(next[i]);
      lines[i]->ask({.bytes = options_.bytes, .close = false});
      next[i] += lines.size();
    }
  }
}

void Clients::requests() {
  std::vector<Call*> lines;
  std::vector<uint64_t> next;
  for (uint32_t i = 0; i < options_.parallel; ++i) {
    lines.push_back(&open({.bytes = options_.bytes, .close = false}, now_ns()));
    next.push_back(i);
  }
  const auto are_ready = [&] {
    return std::ranges::all_of(calls_, [](auto& one) { return one.first->state() == Call::kIdle; });
  };
  while (!are_ready()) wait(kNever);
  for (Seen& one : seen_) one.took_ns.clear();  // those were handshakes
  began_ns_ = now_ns();
  for (uint64_t until = began_ns_; until != kNever;) {
    wait(until);
    ask_where_due(lines, next);
    until = kNever;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (lines[i] != nullptr && next[i] < options_.count) until = std::min(until, due_ns(next[i]));
    }
    until = until == kNever ? until : std::max(until, now_ns() + 20'000);
  }
  while (!are_ready()) wait(kNever);
  ended_ns_ = now_ns();
}

void Clients::bulk() {
  began_ns_ = now_ns();
  for (uint32_t i = 0; i < options_.parallel; ++i) open({.bytes = options_.bytes}, began_ns_);
  while (!calls_.empty()) wait(kNever);
  ended_ns_ = now_ns();
}

}  // namespace dam::bench::talk
