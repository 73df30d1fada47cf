// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/logs/log_journal.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace dam::control {

namespace {

constexpr timeval kPatience{0, 200'000};  // with a journal that has no room for a line

int priority_of(LogKind kind) {
  return kind == LogKind::refusal || kind == LogKind::log ? LOG_WARNING : LOG_INFO;
}

}  // namespace

// Values have no line's end: text is JSON, and the names of zones are names.
std::string journal_entry(const LogLine& line) {
  std::string entry = "MESSAGE=" + line.text + "\nSYSLOG_IDENTIFIER=dam\nPRIORITY=" +
                      std::to_string(priority_of(line.kind)) +
                      "\nDAM_KIND=" + log_kind_name(line.kind) + "\n";
  if (!line.zone.empty()) entry += "DAM_ZONE=" + line.zone + "\n";
  return entry;
}

LogJournalWriter::LogJournalWriter(std::filesystem::path socket) : path_(std::move(socket)) {}

LogJournalWriter::~LogJournalWriter() { close(); }

void LogJournalWriter::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

bool LogJournalWriter::connect(std::string& wrong) {
  if (socket_ >= 0) return true;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path_.native().size() >= sizeof to.sun_path) {
    wrong = path_.string() + " is too long for a socket";
    return false;
  }
  std::memcpy(to.sun_path, path_.c_str(), path_.native().size());
  socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_ >= 0 &&
      setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience) == 0 &&
      ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    return true;
  }
  wrong = path_.string() + ": " + std::strerror(errno);
  close();
  return false;
}

LogWriter::Written LogJournalWriter::write(const LogBatch& batch, std::string& wrong) {
  Written result{0, true};
  if (!connect(wrong)) return result;
  for (const LogLine& line : batch) {
    if (stopping_) return result;
    const std::string entry = journal_entry(line);
    if (send(socket_, entry.data(), entry.size(), MSG_NOSIGNAL) < 0) {
      wrong = path_.string() + ": " +
              (errno == EAGAIN ? "journald takes no more" : std::strerror(errno));
      close();  // it may be another one by the next time
      return result;
    }
    ++result.lines;
  }
  return result;
}

}  // namespace dam::control
