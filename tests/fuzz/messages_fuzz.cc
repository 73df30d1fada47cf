// SPDX-License-Identifier: BSD-3-Clause
// Any octets on the control socket, through the socket itself: framing, messages, checks, and all
// that they change in an engine with connections. Each answer can be read by the control plane.
#include <google/protobuf/stubs/logging.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "dataplane/ipc/control_socket.h"
#include "dataplane/ipc/framing.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/conversation.h"
#include "tests/fuzz/steered_dam.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace dam::fuzz {
namespace {

std::string socket_path() {
  return std::filesystem::temp_directory_path() / ("dam-fuzz." + std::to_string(getpid()));
}

// The control plane's end: everything is written before the dataplane looks, as far as it fits.
class Peer {
 public:
  explicit Peer(std::string_view octets) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_path().c_str(), sizeof address.sun_path - 1);
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    check(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
          "connected");
    check(send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(octets.size()),
          "sent");
    shutdown(fd_, SHUT_WR);
  }
  ~Peer() { close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Answers are taken while they come, or the dataplane would wait for room.
  void read_all() {
    char piece[65536];
    for (ssize_t got; (got = recv(fd_, piece, sizeof piece, 0)) > 0;) {
      answers_.append(piece, static_cast<size_t>(got));
    }
  }
  void check_answers(size_t requests) const {
    size_t at = 0, count = 0;
    for (; at + kLengthBytes <= answers_.size(); ++count) {
      const uint32_t bytes = get_length(answers_.data() + at);
      check(bytes <= kMaxMessageBytes && bytes <= answers_.size() - at - kLengthBytes, "whole");
      v1::Reply reply;
      check(reply.ParseFromArray(answers_.data() + at + kLengthBytes, static_cast<int>(bytes)),
            "the control plane can read each answer");
      at += kLengthBytes + bytes;
    }
    check(at == answers_.size(), "nothing between answers");
    check(count == requests || count == requests + 1, "an answer each, and one to nonsense");
  }

 private:
  int fd_;
  std::string answers_;
};

// The engine is made once something is asked that only an engine can answer; most is refused by
// its looks.
struct Handler {
  std::unique_ptr<SteeredDam> dam;
  size_t requests = 0;
  v1::Reply operator()(const v1::Request& request) {
    ++requests;
    if (auto reply = answer_without_engine(request)) return *reply;
    if (!dam) dam = std::make_unique<SteeredDam>();
    return dam->handle(request);
  }
};

void run(std::string_view octets) {
  static ControlSocket socket(socket_path());
  Handler handler;
  Peer peer(octets);
  socket.serve(std::chrono::milliseconds(0), [](const v1::Request&) { return v1::Reply(); });
  while (socket.connected()) {
    socket.serve(std::chrono::milliseconds(0),
                 [&](const v1::Request& request) { return handler(request); });
    peer.read_all();
  }
  peer.check_answers(handler.requests);
}

}  // namespace
}  // namespace dam::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  if (seed % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string made =
      dam::fuzz::mutated({reinterpret_cast<const char*>(data), size}, seed / 8 + 1);
  if (made.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, made.data(), made.size());
  return made.size();
}

// Two conversations as one: the first half of one, the second of the other.
extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* a, size_t a_size, const uint8_t* b,
                                            size_t b_size, uint8_t* out, size_t max_size,
                                            unsigned seed) {
  using namespace dam::fuzz;
  auto first = requests_in({reinterpret_cast<const char*>(a), a_size});
  auto second = requests_in({reinterpret_cast<const char*>(b), b_size});
  if (first.empty() || second.empty()) return 0;
  first.resize(1 + seed % first.size());
  first.insert(first.end(), second.begin() + static_cast<ptrdiff_t>(seed / 7 % second.size()),
               second.end());
  const std::string made = octets_of(first);
  if (made.size() > max_size) return 0;
  std::memcpy(out, made.data(), made.size());
  return made.size();
}

// Each run makes an engine: its memory is used again soon, not kept back to catch late uses.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=1"; }

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it would tell of each text that is none
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dam::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
