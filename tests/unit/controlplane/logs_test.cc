// SPDX-License-Identifier: BSD-3-Clause
// Lines of the logs: each is as config/log.schema.json says, files never outgrow their bounds, and
// what is missing is told to the last one.
#include "controlplane/logs/logs.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <numeric>
#include <set>
#include <sstream>

#include "controlplane/logs/log_feed.h"
#include "controlplane/logs/log_file.h"
#include "tests/unit/controlplane/log_lines.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

struct Folder {
  Folder() {
    char name[] = "/tmp/dam-logs-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

std::vector<nlohmann::json> lines_in(const fs::path& file) {
  std::ifstream in(file);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back(nlohmann::json::parse(line));
    EXPECT_TRUE(is_log_line(lines.back())) << line;
  }
  return lines;
}

LogRecord refusal(uint64_t count) { return sample_refusal(count); }

constexpr int64_t kNow = 1'700'000'010'000'000'000;

v1::EndedConnection ended_connection() {
  v1::EndedConnection one;
  one.set_ended_unix_ns(1'700'000'000'042'000'000);
  one.set_client("203.0.113.7");
  one.set_client_port(50'000);
  one.set_listener("https");
  one.set_zone("web");
  one.set_server("web-1");
  one.set_lasted_ns(1'500'000'000);
  one.set_bytes_up(1234);
  one.set_bytes_down(4'294'967'295);
  one.set_end("closed");
  one.set_stands_for(10);
  return one;
}

LogLine line(const std::string& text) { return {LogKind::policy, 0, 1, "", text}; }

// What the sinks of a test were given, line by line.
struct Taken {
  std::mutex mutex;
  std::vector<nlohmann::json> lines;
  std::atomic<bool> fails{false};
  std::atomic<bool> waits{false};
  std::vector<nlohmann::json> now() {
    const std::lock_guard lock(mutex);
    return lines;
  }
};

class TakingWriter : public LogWriter {
 public:
  TakingWriter(Taken& taken, bool again) : taken_(taken), again_(again) {}
  Written write(const LogBatch& batch, std::string& wrong) override {
    while (taken_.waits) std::this_thread::sleep_for(1ms);
    if (taken_.fails) {
      wrong = "it does not work";
      return {0, again_};
    }
    const std::lock_guard lock(taken_.mutex);
    for (const LogLine& one : batch) taken_.lines.push_back(nlohmann::json::parse(one.text));
    return {batch.size(), false};
  }
  void stop() override { taken_.waits = false; }

 private:
  Taken& taken_;
  const bool again_;
};

Logs::MakeSinks sinks_to(Taken& taken, SinkLimits limits = {}) {
  return [&taken, limits](const LogRules&) {
    std::vector<std::unique_ptr<LogSink>> sinks;
    sinks.push_back(std::make_unique<LogSink>("test", std::make_unique<TakingWriter>(taken, false),
                                              limits, [](const std::string&) {}));
    return sinks;
  };
}

LogRules rules_with(uint64_t lines_per_second) {
  LogRules rules;
  rules.lines_per_second = lines_per_second;
  rules.file = LogFile{};
  return rules;
}

// Over all lines of refusals, and of refusals that have none.
uint64_t sum_of(const std::vector<nlohmann::json>& lines, const std::string& of) {
  uint64_t sum = 0;
  for (const auto& one : lines) {
    if (one["kind"] == of || (one["kind"] == "log" && (one["of"] == of || one["of"] == "test"))) {
      sum += one["count"].get<uint64_t>();
    }
  }
  return sum;
}

TEST(Logs, the_committed_schema_is_what_the_list_says) {
  EXPECT_TRUE(file_text(source_root() / "config/log.schema.json") == log_schema().dump(2) + "\n")
      << "damctl schema --log > config/log.schema.json";
}

TEST(Logs, the_schema_refuses_what_no_line_is) {
  const auto good = nlohmann::json::parse(line_of(refusal(3)));
  EXPECT_TRUE(is_log_line(good));
  for (const char* key : {"time", "kind", "reason", "count"}) {
    auto bad = good;
    bad.erase(key);
    EXPECT_FALSE(is_log_line(bad)) << key;
  }
  auto bad = good;
  bad["colour"] = "red";
  EXPECT_FALSE(is_log_line(bad));
  bad = good;
  bad["count"] = -1;
  EXPECT_FALSE(is_log_line(bad));
}

TEST(Logs, a_time_is_utc_with_milliseconds) {
  LogRecord record = refusal(1);
  record.at_unix_ns = 1'700'000'000'042'999'999;
  EXPECT_EQ(nlohmann::json::parse(line_of(record))["time"], "2023-11-14T22:13:20.042Z");
}

TEST(Logs, text_of_strangers_stays_one_line_and_short) {
  LogRecord record{LogKind::policy, 0, 1, {{"version", 1}}};
  record.fields["text"] = std::string("a\nb\xff\"") + std::string(5000, 'x') + "ä";
  const std::string text = line_of(record);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_LT(text.size(), 1300u);
  EXPECT_TRUE(is_log_line(nlohmann::json::parse(text)));
}

TEST(Logs, each_event_that_has_a_line_is_one_by_the_schema) {
  const std::vector<Event> events{{EventKind::policy, "7", "", 1, "version 7 is in force"},
                                  {EventKind::dataplane, "", "", 1, "the dataplane answers"},
                                  {EventKind::ban, "203.0.113.0/24", "", 1, "it is banned"},
                                  {EventKind::ban, "operator", "expired", 3, "banned no more"},
                                  {EventKind::limit, "web", "tx_full", 5, "full"},
                                  {EventKind::server, "web", "", 1, "the server is down"}};
  for (const Event& event : events) {
    const auto record = record_of(event);
    ASSERT_TRUE(record);
    EXPECT_TRUE(is_log_line(nlohmann::json::parse(line_of(*record)))) << line_of(*record);
  }
  EXPECT_FALSE(record_of({EventKind::violation, "web", "shadow", 5, ""}));
  // The dataplane tells whose these are.
  EXPECT_FALSE(record_of({EventKind::violation, "web", "source_packets", 5, "over"}));
  EXPECT_FALSE(record_of({EventKind::route, "web", "no_route", 5, "none"}));
  EXPECT_FALSE(record_of({EventKind::limit, "web", "hold_full", 5, "full"}));
  EXPECT_FALSE(record_of({EventKind::ban, "web", "zone_banned", 5, "the zone has banned sources"}));
  EXPECT_TRUE(is_log_line(nlohmann::json::parse(line_of(record_of_lost("ban", 1, 2, "why")))));
}

TEST(LogFile, is_bounded_with_all_that_it_keeps) {
  const Folder folder;
  LogFileWriter writer(folder.path / "log", 1000, 2);
  std::string wrong;
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(writer.write({line(std::to_string(1000 + i) + std::string(95, '.'))}, wrong).lines,
              1u);
  }
  EXPECT_EQ(wrong, "");
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path)) {
    names.insert(entry.path().filename());
    EXPECT_LE(entry.file_size(), 1000u);
    EXPECT_GE(entry.file_size(), 200u);
  }
  EXPECT_EQ(names, (std::set<std::string>{"log", "log.1", "log.2"}));
  EXPECT_NE(file_text(folder.path / "log").find("1199."), std::string::npos);
  struct stat about {};
  ASSERT_EQ(stat((folder.path / "log").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0640u);
}

TEST(LogFile, without_old_ones_begins_anew) {
  const Folder folder;
  LogFileWriter writer(folder.path / "log", 100, 0);
  std::string wrong;
  for (int i = 0; i < 9; ++i)
    writer.write({line(std::string(60, static_cast<char>('0' + i)))}, wrong);
  EXPECT_EQ(file_text(folder.path / "log"), std::string(60, '8') + "\n");
}

TEST(LogFile, goes_on_after_a_torn_line_and_after_it_was_removed) {
  const Folder folder;
  std::ofstream(folder.path / "log") << "whole\nto";
  LogFileWriter writer(folder.path / "log", 1000, 2);
  std::string wrong;
  writer.write({line("next")}, wrong);
  EXPECT_EQ(file_text(folder.path / "log"), "whole\nnext\n");
  fs::remove(folder.path / "log");
  writer.write({line("again")}, wrong);
  EXPECT_EQ(file_text(folder.path / "log"), "again\n");
}

TEST(LogFile, one_that_was_moved_away_is_left_alone) {
  const Folder folder;
  LogFileWriter writer(folder.path / "log", 20, 0);
  std::string wrong;
  writer.write({line("before")}, wrong);
  fs::rename(folder.path / "log", folder.path / "saved");
  for (int i = 0; i < 5; ++i) writer.write({line("afterwards")}, wrong);
  EXPECT_EQ(file_text(folder.path / "saved"), "before\n");
  EXPECT_EQ(file_text(folder.path / "log"), "afterwards\n");
}

TEST(LogFile, what_an_earlier_policy_kept_goes) {
  const Folder folder;
  for (const char* name : {"log.1", "log.2", "log.3", "log.100"}) {
    std::ofstream(folder.path / name) << "old\n";
  }
  LogFileWriter writer(folder.path / "log", 1000, 2);
  std::string wrong;
  writer.write({line("next")}, wrong);
  EXPECT_TRUE(fs::exists(folder.path / "log.2"));
  EXPECT_FALSE(fs::exists(folder.path / "log.3"));
  EXPECT_FALSE(fs::exists(folder.path / "log.100"));
}

TEST(LogFile, is_no_link_and_no_device) {
  const Folder folder;
  std::ofstream(folder.path / "other") << "";
  fs::create_symlink(folder.path / "other", folder.path / "log");
  for (const fs::path& path :
       {folder.path / "log", folder.path / "no" / "log", fs::path("/dev/null")}) {
    LogFileWriter writer(path, 1000, 2);
    std::string wrong;
    EXPECT_EQ(writer.write({line("x")}, wrong).lines, 0u);
    EXPECT_NE(wrong, "");
  }
}

TEST(LogFile, a_full_disk_has_whole_lines_and_the_number_of_those_that_are_missing) {
  const Folder folder;
  if (mount("tmpfs", folder.path.c_str(), "tmpfs", 0, "size=16k") != 0) GTEST_SKIP() << "no root";
  std::ofstream(folder.path / "filler") << std::string(8192, 'x') << std::flush;
  std::vector<std::string> said;
  {
    LogSink sink("test", std::make_unique<LogFileWriter>(folder.path / "log", 1 << 20, 2), {},
                 [&said](const std::string& text) { said.push_back(text); });
    const auto offer = [&sink](const LogRecord& record) {
      sink.offer({record.kind, record.at_unix_ns, record.count, "", line_of(record)});
    };
    for (int i = 0; i < 500; ++i) offer(refusal(2));
    ASSERT_TRUE(
        comes_true([&] { return sink.counts().queued == 0 && sink.counts().not_written > 0; }));
    fs::remove(folder.path / "filler");
    std::this_thread::sleep_for(50ms);
    offer(refusal(2));
    ASSERT_TRUE(
        comes_true([&] { return sink.counts().lines[static_cast<size_t>(LogKind::log)] == 1; }));
  }
  EXPECT_EQ(sum_of(lines_in(folder.path / "log"), "refusal"), 501u * 2);
  EXPECT_EQ(said.size(), 2u);  // once that it fails, once that it is well
  umount(folder.path.c_str());
}

TEST(LogSink, nobody_waits_for_one_that_is_stuck_and_what_finds_no_room_is_counted) {
  Taken taken;
  taken.waits = true;
  SinkLimits limits;
  limits.queue_lines = 100;
  limits.batch_lines = 10;
  {
    LogSink sink("test", std::make_unique<TakingWriter>(taken, true), limits,
                 [](const std::string&) {});
    for (int i = 0; i < 1000; ++i) {
      const LogRecord record = refusal(3);
      sink.offer({record.kind, 0, record.count, "", line_of(record)});
    }
    EXPECT_GE(sink.counts().queue_full, 890u);
    taken.waits = false;
    ASSERT_TRUE(comes_true([&] { return sum_of(taken.now(), "refusal") == 3000; }));
  }
}

TEST(LogSink, tries_again_where_that_may_help_and_not_for_ever) {
  Taken taken;
  taken.fails = true;
  SinkLimits limits;
  limits.first_pause = limits.longest_pause = 1ms;
  limits.tries = 3;
  LogSink sink("test", std::make_unique<TakingWriter>(taken, true), limits,
               [](const std::string&) {});
  const LogRecord record = refusal(5);
  sink.offer({record.kind, 0, record.count, "", line_of(record)});
  ASSERT_TRUE(comes_true([&] { return sink.counts().not_written == 1; }));
  taken.fails = false;
  sink.offer({record.kind, 0, record.count, "", line_of(record)});
  ASSERT_TRUE(comes_true([&] { return sum_of(taken.now(), "refusal") == 10; }));
}

TEST(LogSink, ends_soon_though_its_writer_does_not) {
  Taken taken;
  taken.waits = true;
  const auto begun = std::chrono::steady_clock::now();
  {
    LogSink sink("test", std::make_unique<TakingWriter>(taken, true), {},
                 [](const std::string&) {});
    for (int i = 0; i < 5000; ++i) sink.offer(line("{}"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 30s);
}

TEST(Logs, a_second_has_so_many_lines_of_a_kind_and_tells_the_rest) {
  Taken taken;
  {
    Logs logs(sinks_to(taken));
    logs.set_rules(rules_with(10));
    const auto now = Logs::Clock::now();
    for (int i = 0; i < 100; ++i) logs.add(refusal(7), now);
    const auto ban = record_of({EventKind::ban, "203.0.113.7", "", 1, "banned"});
    logs.add(*ban, now);
    logs.tick(now + 1s);
  }
  EXPECT_EQ(sum_of(taken.lines, "refusal"), 700u);
  EXPECT_EQ(taken.lines.size(), 12u);
  for (const auto& one : taken.lines) EXPECT_TRUE(is_log_line(one)) << one;
}

TEST(Logs, a_connection_is_a_line_by_the_schema) {
  v1::EndedConnection one = ended_connection();
  const auto told = nlohmann::json::parse(line_of(record_of(one, kNow)));
  EXPECT_TRUE(is_log_line(told)) << told;
  EXPECT_EQ(told["time"], "2023-11-14T22:13:30.000Z");
  EXPECT_EQ(told["ago_ms"], 9958);
  EXPECT_EQ(told["duration_ms"], 1500);
  EXPECT_EQ(told["bytes_down"], 4'294'967'295);
  EXPECT_EQ(told["sampled"], 10);
  EXPECT_EQ(record_of(one, kNow).count, 10u);
  one.clear_server();
  one.set_end("refused");
  one.set_reason("server_down");
  const auto refused = nlohmann::json::parse(line_of(record_of(one, kNow)));
  EXPECT_TRUE(is_log_line(refused)) << refused;
  EXPECT_EQ(refused["reason"], "server_down");
  EXPECT_FALSE(refused.contains("server"));
  one.set_end("somehow");
  EXPECT_FALSE(is_log_line(nlohmann::json::parse(line_of(record_of(one, kNow)))));
}

TEST(Logs, a_refusal_is_a_line_by_the_schema) {
  v1::Refusals one;
  one.set_zone("web");
  one.set_reason("source_connections");
  one.set_count(17);
  one.set_proven(true);
  one.set_client("2001:db8:1::/64");
  EXPECT_TRUE(is_log_line(nlohmann::json::parse(line_of(record_of(one, kNow)))));
  one.clear_client();
  const auto of_many = nlohmann::json::parse(line_of(record_of(one, kNow)));
  EXPECT_TRUE(is_log_line(of_many));
  EXPECT_FALSE(of_many.contains("client"));
}

TEST(Logs, counts_go_on_when_the_rules_change) {
  const Folder folder;
  Logs logs(sinks_in({.folder = folder.path}, [](const std::string&) {}));
  LogRules rules = rules_with(1000);
  for (const uint64_t keep : {1, 2, 3}) {
    rules.file->keep = keep;
    logs.set_rules(rules);
    logs.add(refusal(1));
    ASSERT_TRUE(comes_true([&] {
      return logs.counts()["file"].lines[static_cast<size_t>(LogKind::refusal)] == keep;
    }));
  }
  rules.file.reset();
  logs.set_rules(rules);
  EXPECT_EQ(logs.counts()["file"].lines[static_cast<size_t>(LogKind::refusal)], 3u);
  EXPECT_EQ(lines_in(folder.path / "dam.jsonl").size(), 3u);
}

std::optional<v1::Reply> no_dataplane(const v1::Request& /*request*/) { return std::nullopt; }

TEST(Logs, a_change_of_places_counts_what_their_queues_still_write_and_what_comes_meanwhile) {
  Taken taken;
  taken.waits = true;
  Logs logs(sinks_to(taken));
  logs.set_rules(rules_with(1000));
  for (int i = 0; i < 10; ++i) logs.add(refusal(1));
  LogRules others = rules_with(1000);
  others.file->keep = 1;
  std::thread change([&] { logs.set_rules(others); });
  ASSERT_TRUE(comes_true([&] { return logs.counts()["test"].queue_most == 0; }));
  logs.add(refusal(5));
  taken.waits = false;
  change.join();
  ASSERT_TRUE(comes_true([&] { return taken.now().size() == 11; }));
  EXPECT_EQ(logs.counts()["test"].lines[static_cast<size_t>(LogKind::refusal)], 10u);
  EXPECT_EQ(taken.now().back()["of"], "log");
  EXPECT_EQ(taken.now().back()["count"], 5);
}

struct FeedTest : testing::Test {
  FeedTest() { policy->logs = rules_with(100'000); }
  Taken taken;
  Logs logs{sinks_to(taken)};
  EventLog events;
  const std::shared_ptr<Policy> policy = std::make_shared<Policy>();
};

TEST_F(FeedTest, events_become_lines_once_and_those_that_were_missed_are_told) {
  for (size_t i = 0; i < EventLog::kMost + 5; ++i) {
    events.add({EventKind::violation, "web", "shadow", 1, "x"});
  }
  {
    const LogFeed feed(logs, events, no_dataplane, [this] { return policy; });
    events.add({EventKind::server, "web", "", 1, "the server is down"});
    ASSERT_TRUE(comes_true([&] { return taken.now().size() == 2; }));
    events.add({EventKind::ban, "203.0.113.7", "", 1, "banned"});
    events.close();
  }
  ASSERT_TRUE(comes_true([&] { return taken.now().size() == 3; }));
  EXPECT_EQ(taken.lines[0]["kind"], "log");
  EXPECT_GE(taken.lines[0]["lost"], 5);
  EXPECT_EQ(taken.lines[1]["name"], "web");
  EXPECT_EQ(taken.lines[2]["subject"], "203.0.113.7");
}

// A dataplane with two answers full of connections, of which the first says that there is more.
TEST_F(FeedTest, takes_all_that_the_dataplane_has_and_tells_what_it_lost) {
  std::atomic<int> asked{0};
  const auto dataplane = [&asked](const v1::Request& request) {
    v1::Reply reply;
    v1::Log& log = *reply.mutable_log();
    if (!request.has_take_log() || asked >= 2) return std::optional(reply);
    for (int i = 0; i < 100; ++i) *log.add_connections() = ended_connection();
    log.set_more(asked == 0);
    log.set_lost_connections(asked == 0 ? 7 : 0);
    ++asked;
    return std::optional(reply);
  };
  {
    const LogFeed feed(logs, events, dataplane, [this] { return policy; });
    ASSERT_TRUE(comes_true([&] { return taken.now().size() == 201; }));
  }
  EXPECT_EQ(asked, 2);
  uint64_t lost = 0;
  for (const auto& one : taken.lines) {
    EXPECT_TRUE(is_log_line(one)) << one;
    if (one["kind"] == "log") lost += one["count"].get<uint64_t>();
  }
  EXPECT_EQ(lost, 7u);
}

}  // namespace
}  // namespace dam::control
