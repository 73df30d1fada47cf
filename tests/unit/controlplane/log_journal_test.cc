// SPDX-License-Identifier: BSD-3-Clause
// Lines to the journal: a real systemd-journald where this machine has one, and a socket of our own
// that does not read, or is not there.
#include "controlplane/logs/log_journal.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "tests/unit/controlplane/log_lines.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr char kJournald[] = "/lib/systemd/systemd-journald";
constexpr char kJournalctl[] = "/usr/bin/journalctl";

// Ends with the object. /run and /var/log are its own: the machine's journal is left alone.
class Journald {
 public:
  Journald() : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNS) == 0 &&
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0 &&
        mount("tmpfs", "/var/log", "tmpfs", 0, nullptr) == 0) {
      execl(kJournald, kJournald, "damtest", nullptr);
    }
    _exit(1);
  }
  ~Journald() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  Journald(const Journald&) = delete;
  Journald& operator=(const Journald&) = delete;

  fs::path socket() const { return root() + "/run/systemd/journal.damtest/socket"; }

  // What `journalctl -t dam` says.
  std::vector<nlohmann::json> entries() const {
    const std::string command = std::string(kJournalctl) + " -D " + root() +
                                "/var/log/journal/*.damtest -t dam -o json --no-pager 2>&1";
    FILE* out = popen(command.c_str(), "r");
    std::vector<nlohmann::json> entries;
    std::array<char, 8192> line{};
    while (fgets(line.data(), line.size(), out) != nullptr) {
      if (line[0] == '{') entries.push_back(nlohmann::json::parse(line.data()));
    }
    pclose(out);
    return entries;
  }

 private:
  std::string root() const { return "/proc/" + std::to_string(pid_) + "/root"; }
  const pid_t pid_;
};

// Whoever wants reads it.
struct DatagramSocket {
  explicit DatagramSocket(const fs::path& path)
      : fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.native().copy(at.sun_path, sizeof at.sun_path - 1);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  }
  ~DatagramSocket() { close(fd); }
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;
  // Empty: nothing waits.
  std::string next() const {
    std::string text(65'536, '\0');
    const ssize_t got = recv(fd, text.data(), text.size(), MSG_DONTWAIT);
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
  }
  const int fd;
};

const LogSink::Say kSilent = [](const std::string&) {};

TEST(LogJournal, an_entry_has_the_line_and_the_fields_that_one_filters_by) {
  LogLine line{LogKind::refusal, 0, 1, "web", "{}"};
  EXPECT_EQ(journal_entry(line),
            "MESSAGE={}\nSYSLOG_IDENTIFIER=dam\nPRIORITY=4\nDAM_KIND=refusal\nDAM_ZONE=web\n");
  line.kind = LogKind::server;
  line.zone = "";
  EXPECT_EQ(journal_entry(line),
            "MESSAGE={}\nSYSLOG_IDENTIFIER=dam\nPRIORITY=6\nDAM_KIND=server\n");
}

TEST(LogJournal, a_real_journald_takes_each_line_once_with_its_fields) {
  if (geteuid() != 0 || !fs::exists(kJournald) || !fs::exists(kJournalctl)) {
    GTEST_SKIP() << "no root, or no systemd-journald";
  }
  const Journald journald;
  ASSERT_TRUE(comes_true([&] { return fs::exists(journald.socket()); }));
  {
    LogSink sink("journal", std::make_unique<LogJournalWriter>(journald.socket()), {}, kSilent);
    for (uint64_t i = 1; i <= 200; ++i) sink.offer(line_to_offer(sample_refusal(i)));
    ASSERT_TRUE(comes_true(
        [&] { return sink.counts().lines[static_cast<size_t>(LogKind::refusal)] == 200; }));
  }
  ASSERT_TRUE(comes_true([&] { return journald.entries().size() >= 200; }));
  const auto entries = journald.entries();
  ASSERT_EQ(entries.size(), 200u);
  for (uint64_t i = 0; i < 200; ++i) {
    const auto line = nlohmann::json::parse(entries[i]["MESSAGE"].get<std::string>());
    EXPECT_TRUE(is_log_line(line)) << line;
    EXPECT_EQ(line["count"], i + 1);
    EXPECT_EQ(entries[i]["PRIORITY"], "4");
    EXPECT_EQ(entries[i]["DAM_KIND"], "refusal");
    EXPECT_EQ(entries[i]["DAM_ZONE"], "web");
  }
}

TEST(LogJournal, one_that_is_not_there_costs_lines_and_is_told_once_it_is) {
  const TemporaryFolder folder;
  const fs::path path = folder.file("socket");
  SinkLimits limits;
  limits.first_pause = limits.longest_pause = 1ms;
  limits.tries = 3;
  std::vector<std::string> said;
  LogSink sink("journal", std::make_unique<LogJournalWriter>(path), limits,
               [&said](const std::string& text) { said.push_back(text); });
  for (int i = 0; i < 5; ++i) sink.offer(line_to_offer(sample_refusal(7)));
  ASSERT_TRUE(comes_true([&] { return sink.counts().not_written == 5; }));
  const DatagramSocket journal(path);
  sink.offer(line_to_offer(sample_refusal(7)));
  ASSERT_TRUE(
      comes_true([&] { return sink.counts().lines[static_cast<size_t>(LogKind::refusal)] == 1; }));
  const std::string first = journal.next();
  EXPECT_NE(first.find("\"of\":\"journal\",\"lost\":5,\"count\":35"), std::string::npos) << first;
  EXPECT_NE(first.find("\nDAM_KIND=log\n"), std::string::npos) << first;
  EXPECT_NE(journal.next().find("DAM_KIND=refusal"), std::string::npos);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_NE(said[0].find("No such file"), std::string::npos) << said[0];
}

TEST(LogJournal, one_that_does_not_read_holds_nobody_and_gets_the_rest_when_it_does) {
  const TemporaryFolder folder;
  const DatagramSocket journal(folder.file("socket"));
  SinkLimits limits;
  limits.first_pause = limits.longest_pause = 1ms;
  limits.tries = 1'000'000;
  LogSink sink("journal", std::make_unique<LogJournalWriter>(folder.file("socket")), limits,
               kSilent);
  for (uint64_t i = 0; i < 2000; ++i) sink.offer(line_to_offer(sample_refusal(i)));
  std::string got;
  uint64_t next = 0;
  ASSERT_TRUE(comes_true([&] {
    while (!(got = journal.next()).empty()) {
      EXPECT_NE(got.find("\"count\":" + std::to_string(next) + "}"), std::string::npos) << got;
      ++next;
    }
    return next == 2000;
  })) << next;
}

TEST(LogJournal, one_that_never_reads_does_not_keep_us_from_ending) {
  const TemporaryFolder folder;
  const DatagramSocket journal(folder.file("socket"));
  const auto begun = std::chrono::steady_clock::now();
  {
    LogSink sink("journal", std::make_unique<LogJournalWriter>(folder.file("socket")), {}, kSilent);
    for (uint64_t i = 0; i < 5000; ++i) sink.offer(line_to_offer(sample_refusal(i)));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 30s);
}

TEST(LogJournal, goes_on_with_the_one_that_comes_after) {
  const TemporaryFolder folder;
  const fs::path path = folder.file("socket");
  LogJournalWriter writer(path);
  std::string wrong;
  {
    const DatagramSocket journal(path);
    EXPECT_EQ(writer.write({line_to_offer(sample_refusal(1))}, wrong).lines, 1u);
  }
  fs::remove(path);
  const DatagramSocket journal(path);
  EXPECT_EQ(writer.write({line_to_offer(sample_refusal(2))}, wrong).lines, 0u);
  EXPECT_EQ(writer.write({line_to_offer(sample_refusal(2))}, wrong).lines, 1u);
  EXPECT_NE(journal.next().find("\"count\":2"), std::string::npos);
}

}  // namespace
}  // namespace dam::control
