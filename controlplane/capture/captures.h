// SPDX-License-Identifier: BSD-3-Clause
// The dataplane's capture, and the file that somebody makes of it. What is captured waits in the
// dataplane; here is nothing that must last.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "controlplane/dataplane_link/ask.h"

namespace dam::control {

struct CaptureResult {
  enum class Outcome {
    done,
    wrong,       // what was asked for cannot be
    busy,        // another one is under way, or somebody fetches it: `capture`
    none,        // there is no such capture
    unreachable  // the dataplane does not say
  };
  Outcome outcome = Outcome::done;
  v1::Capture capture;  // without frames
  std::string why;      // of all but done
};

class CaptureFile;

class Captures {
 public:
  explicit Captures(Ask ask) : ask_(std::move(ask)) {}

  CaptureResult start(const v1::StartCapture& asked) const;
  CaptureResult look(uint64_t id = 0) const;  // at the last one
  CaptureResult stop(uint64_t id) const;
  // One at a time. Null after `result` says why.
  std::shared_ptr<CaptureFile> open(uint64_t id, CaptureResult& result);
  // Files end, so that who fetches one does not keep this process from ending.
  void close() { closed_ = true; }

 private:
  friend CaptureFile;
  CaptureResult ask(const v1::Request& request, v1::Capture& capture) const;

  const Ask ask_;
  std::atomic<bool> open_{false};
  std::atomic<bool> closed_{false};
};

// The pcapng file, piece by piece, while the capture goes on. The capture ends with it.
class CaptureFile {
 public:
  CaptureFile(Captures& captures, v1::Capture about);
  ~CaptureFile();
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;

  // More of it, whole blocks; none while none has come for a moment. False: that was all.
  bool next(std::string& octets);

 private:
  void begin(std::string& octets);
  bool is_over(const CaptureResult& result, const v1::Capture& now);
  void add(const v1::CapturedFrame& frame, std::string& octets);

  Captures& captures_;
  const v1::Capture about_;
  bool begun_ = false;
  bool ended_ = false;
  std::chrono::steady_clock::time_point heard_at_;  // the dataplane
  uint32_t interfaces_ = 0;                         // described so far
};

}  // namespace dam::control
