// SPDX-License-Identifier: BSD-3-Clause
// What one process reads of another's making. The first octet says what:
//   0  the control plane reads a capture off the dataplane's socket and writes pcapng
//   1  damctl reads that file as it comes, in pieces of any size
//   2  the dataplane reads records of the kernel's ring: sights, and frames for a capture
//   3  the dataplane reads what it saved before: start, policy, states of servers, bans
//   4  the control plane reads the counters' file
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fcntl.h>
#include <google/protobuf/stubs/logging.h>

#include <cstring>
#include <ctime>
#include <memory>

#include "controlplane/capture/captures.h"
#include "controlplane/dataplane_link/connection.h"
#include "dataplane/drivers/xdp/sight_record.h"
#include "dataplane/process/log_book.h"
#include "dataplane/process/recent_drops.h"
#include "dataplane/process/replies.h"
#include "dataplane/process/top.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/kept_files.h"
#include "tests/fuzz/pcapng_file.h"
#include "tools/damctl/block_writer.h"

// Nobody waits here: who fetches a capture pauses while no packet comes.
extern "C" int nanosleep(const timespec*, timespec*) { return 0; }

namespace dam::fuzz {
namespace {

// A dataplane that has said all that it will say before it is asked.
class Listener {
 public:
  Listener() : path_(folder().file("control.sock")) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
              listen(fd_, 1) == 0,
          "somebody listens");
  }
  int connect(control::Connection& from, std::string_view says) {
    check(from.open(path_).empty(), "connected");
    const int peer = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    check(send(peer, says.data(), says.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(says.size()),
          "said");
    shutdown(peer, SHUT_WR);
    return peer;
  }

 private:
  std::string path_;
  int fd_;
};

void read_capture(std::string_view octets) {
  static Listener listener;
  control::Connection connection;
  const int peer = listener.connect(connection, octets);
  control::Captures captures([&](const v1::Request& request, std::string& wrong) {
    auto reply = connection.call(request, std::chrono::milliseconds(1000), wrong);
    return reply ? reply : std::optional(refusal({"It is over."}));
  });
  control::CaptureResult result;
  if (const auto file = captures.open(0, result)) {
    PcapngSeen seen;
    std::string piece;
    for (int i = 0; i < 64 && file->next(piece); ++i) check_pcapng(piece, seen);
    check(seen.blocks > 0, "an empty capture is a file, too");
  } else {
    check(result.outcome != control::CaptureResult::Outcome::done, "or there is a reason");
  }
  close(peer);
}

// As much is written as the lengths of whole blocks say.
void read_file(std::string_view octets) {
  static const int kFile = memfd_create("capture", MFD_CLOEXEC);
  check(ftruncate(kFile, 0) == 0 && lseek(kFile, 0, SEEK_SET) == 0, "an empty file");
  ctl::BlockWriter writer(kFile, true);
  std::string taken;
  while (!octets.empty()) {
    const size_t bytes = std::min<size_t>(1 + static_cast<uint8_t>(octets[0]), octets.size());
    taken += octets.substr(0, bytes);
    if (!writer.take(octets.substr(0, bytes))) break;
    octets.remove_prefix(bytes);
  }
  const auto written = static_cast<size_t>(lseek(kFile, 0, SEEK_CUR));
  check(written <= taken.size(), "no more than came");
  std::string file(written, '\0');
  check(pread(kFile, file.data(), written, 0) == static_cast<ssize_t>(written), "it is there");
  check(taken.starts_with(file), "and as it came");
  size_t at = 0;
  while (at < written) at += little32(file, at + 4);
  check(at == written, "whole blocks alone");
}

void read_records(std::string_view octets) {
  const AddressHash hash;
  const auto top = std::make_unique<Top>(hash);
  const auto recent = std::make_unique<RecentDrops>(hash);
  LogBook log;
  Policy policy;
  policy.zones.resize(3);
  uint64_t now_ns = 0;
  while (!octets.empty()) {
    const size_t bytes = std::min<size_t>(static_cast<uint8_t>(octets[0]), octets.size() - 1);
    const std::string exact(octets.substr(1, bytes));
    octets.remove_prefix(1 + bytes);
    dam_sight sight;
    std::span<const uint8_t> frame;
    const auto* data = reinterpret_cast<const uint8_t*>(exact.data());
    if (!read_sight_record({data, exact.size()}, sight, frame)) continue;
    check(frame.data() + frame.size() <= data + exact.size(), "the frame lies in the record");
    top->take(sight);
    recent->take(sight);
    log.take(sight);
    now_ns = sight.at_ns;
    recent->of(sight.client, now_ns);
  }
  v1::Log told;
  log.give(policy, now_ns, now_ns, told);
  v1::TopQuery query;
  query.set_most(10);
  for (const char* by : {"packets", "bytes", "connections", "violations"}) {
    query.set_by(by);
    v1::Top answer;
    check(top->answer(query, now_ns, answer).empty(), "it is answered");
  }
}

}  // namespace
}  // namespace dam::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it would tell of each text that is none
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dam::fuzz;
  using Reader = void (*)(std::string_view);
  static constexpr Reader kReaders[] = {read_capture, read_file, read_records, read_saved,
                                        read_counters};
  if (size == 0 || data[0] >= std::size(kReaders)) return 0;
  kReaders[data[0]]({reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
