// SPDX-License-Identifier: BSD-3-Clause
// Lines to Loki: what arrives is as documented and each line once, through every kind of outage;
// what does not is told; certificates are checked, and secrets are for their own host alone.
#include "controlplane/logs/log_loki.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/controlplane/health_servers.h"
#include "tests/unit/controlplane/log_lines.h"
#include "tests/unit/controlplane/loki_receiver.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

using namespace std::chrono_literals;

SinkLimits quick(int tries = 1000) {
  SinkLimits limits;
  limits.first_pause = limits.longest_pause = 10ms;
  limits.batch_lines = 100;
  limits.tries = tries;
  return limits;
}

std::string answers_of(const std::vector<std::string>& said) {
  std::string all;
  for (const std::string& one : said) all += one + "\n";
  return all;
}

struct LogLokiTest : testing::Test {
  const uint16_t port = free_port();
  const TemporaryFolder folder;
  std::atomic<bool> over{false};  // who waits for it goes on
  LokiReceiver loki;
  std::mutex said_mutex;
  std::vector<std::string> said;
  LogLokiWriter::Place place{"http://127.0.0.1:" + std::to_string(port), "", "", ""};

  void TearDown() override {
    over = true;
    EXPECT_EQ(answers_of(loki.objections()), "");
  }
  std::unique_ptr<LogSink> sink(const SinkLimits& limits) {
    return std::make_unique<LogSink>("loki", std::make_unique<LogLokiWriter>(place), limits,
                                     [this](const std::string& text) {
                                       const std::lock_guard lock(said_mutex);
                                       said.push_back(text);
                                     });
  }
  std::string heard() {
    const std::lock_guard lock(said_mutex);
    return answers_of(said);
  }
  // Counts of the refusals that arrived, in their order.
  std::vector<uint64_t> counts() const {
    std::vector<uint64_t> counts;
    for (const auto& entry : loki.entries()) {
      if (entry.labels.at("kind") == "refusal") counts.push_back(entry.line["count"]);
    }
    return counts;
  }
  static std::vector<uint64_t> from_one_to(uint64_t last) {
    std::vector<uint64_t> numbers;
    for (uint64_t i = 1; i <= last; ++i) numbers.push_back(i);
    return numbers;
  }
  static void offer_refusals(LogSink& sink, uint64_t last) {
    for (uint64_t i = 1; i <= last; ++i) sink.offer(line_to_offer(sample_refusal(i)));
  }
  bool all_written(const LogSink& sink, uint64_t lines) const {
    return comes_true(
        [&] { return sink.counts().lines[static_cast<size_t>(LogKind::refusal)] == lines; });
  }
  // One try. 0: not taken.
  size_t push_one(std::string& wrong) {
    LogLokiWriter writer(place);
    return writer.write({line_to_offer(sample_refusal(1))}, wrong).lines;
  }
};

TEST_F(LogLokiTest, lines_arrive_in_streams_of_kind_and_zone_in_order) {
  loki.begin(port);
  auto to_loki = sink(quick());
  for (uint64_t i = 1; i <= 350; ++i) {
    to_loki->offer(line_to_offer(sample_refusal(i, i % 2 == 0 ? "web" : "management")));
  }
  LogRecord down = *record_of({EventKind::server, "web", "", 1, "the server is down"});
  down.at_unix_ns = unix_ns_now();
  to_loki->offer(line_to_offer(down));
  ASSERT_TRUE(all_written(*to_loki, 350));
  ASSERT_TRUE(comes_true([&] { return loki.entries().size() == 351; }));
  std::map<std::map<std::string, std::string>, uint64_t> last;
  for (const auto& entry : loki.entries()) {
    if (entry.labels.at("kind") == "server") {
      EXPECT_FALSE(entry.labels.contains("zone"));
      continue;
    }
    uint64_t& before = last[entry.labels];
    EXPECT_GT(entry.line["count"], before);
    before = entry.line["count"];
  }
  EXPECT_EQ(last.size(), 2u);
  EXPECT_EQ(loki.doubles(), 0u);
}

TEST(LokiStreams, time_goes_on_within_a_stream_and_only_there) {
  LokiStreams streams;
  const auto at = [](int64_t ns, const char* zone) {
    return LogLine{LogKind::refusal, ns, 1, zone, "{}"};
  };
  const auto times = [&streams](const LogBatch& batch) {
    std::string all;
    const auto body = nlohmann::json::parse(streams.body_of(batch));
    for (const auto& stream : body["streams"]) {
      all += stream["stream"]["zone"];
      for (const auto& value : stream["values"]) all += " " + value[0].get<std::string>();
      all += ";";
    }
    return all;
  };
  const LogBatch first{at(500, "web"), at(300, "web"), at(300, "web"), at(300, "a")};
  EXPECT_EQ(times(first), "a 300;web 300 301 500;");
  EXPECT_EQ(times(first), "a 300;web 300 301 500;") << "the same once more";
  streams.done();
  EXPECT_EQ(times({at(400, "web"), at(700, "web")}), "web 501 700;");
  streams.done();
  constexpr int64_t kHour = 3'600'000'000'000;
  EXPECT_EQ(times({at(kHour, "web")}), "web 3600000000000;");
  streams.done();
  EXPECT_EQ(times({at(800, "web")}), "web 800;") << "a clock that was set back is believed";
}

TEST_F(LogLokiTest, what_it_may_take_later_goes_again_and_arrives_once) {
  loki.begin(port);
  loki.will({{429, false, {}}, {503, false, {}}, {500, false, {}}, {}, {502, false, {}}});
  auto to_loki = sink(quick());
  offer_refusals(*to_loki, 10);
  ASSERT_TRUE(all_written(*to_loki, 10));
  to_loki->offer(line_to_offer(sample_refusal(11)));
  ASSERT_TRUE(all_written(*to_loki, 11));
  EXPECT_EQ(counts(), from_one_to(11));
  EXPECT_EQ(loki.doubles(), 0u);
  EXPECT_EQ(to_loki->counts().not_written, 0u);
}

TEST_F(LogLokiTest, what_was_taken_though_it_said_otherwise_is_there_once) {
  loki.begin(port);
  loki.will({{503, true, {}}, {500, true, {}}});
  auto to_loki = sink(quick());
  offer_refusals(*to_loki, 1);
  ASSERT_TRUE(all_written(*to_loki, 1));
  EXPECT_EQ(counts(), from_one_to(1));
  EXPECT_EQ(loki.doubles(), 2u);
}

TEST_F(LogLokiTest, lines_wait_for_one_that_is_not_there_yet_or_goes) {
  auto to_loki = sink(quick());
  offer_refusals(*to_loki, 5);
  ASSERT_TRUE(comes_true([&] { return !heard().empty(); }));
  loki.begin(port);
  ASSERT_TRUE(all_written(*to_loki, 5));
  loki.end();
  for (uint64_t i = 6; i <= 10; ++i) to_loki->offer(line_to_offer(sample_refusal(i)));
  std::this_thread::sleep_for(50ms);
  loki.begin(port);
  ASSERT_TRUE(all_written(*to_loki, 10));
  EXPECT_EQ(counts(), from_one_to(10));
  EXPECT_NE(heard().find("connect"), std::string::npos) << heard();
}

TEST_F(LogLokiTest, what_it_refuses_is_lost_at_once_and_told) {
  for (const int answer : {400, 401, 404, 307, 260}) {
    LokiReceiver other;
    const uint16_t its_port = free_port();
    other.begin(its_port);
    other.will({{answer, false, [](httplib::Response& response) {
                   response.set_header("Location", "/loki/api/v1/push");
                   response.set_content("entry too far\x1b[2Jbehind", "text/plain");
                 }}});
    place.url = "http://127.0.0.1:" + std::to_string(its_port);
    auto to_loki = sink(quick());
    to_loki->offer(line_to_offer(sample_refusal(9)));
    ASSERT_TRUE(comes_true([&] { return to_loki->counts().not_written == 1; })) << answer;
    to_loki->offer(line_to_offer(sample_refusal(1)));
    ASSERT_TRUE(all_written(*to_loki, 1));
    EXPECT_EQ(other.requests().size(), 2u) << answer;
    ASSERT_EQ(other.entries().size(), 2u);
    for (const auto& entry : other.entries()) {
      if (entry.labels.at("kind") != "log") continue;
      EXPECT_EQ(entry.line["of"], "loki");
      EXPECT_EQ(entry.line["lost"], 1);
      EXPECT_EQ(entry.line["count"], 9);
    }
  }
  EXPECT_NE(heard().find("answers 400: entry too far [2Jbehind"), std::string::npos) << heard();
}

TEST_F(LogLokiTest, it_is_not_tried_for_ever) {
  loki.begin(port);
  loki.will(std::vector<LokiReceiver::Mood>(3, {503, false, {}}));
  auto to_loki = sink(quick(3));
  to_loki->offer(line_to_offer(sample_refusal(5)));
  ASSERT_TRUE(comes_true([&] { return to_loki->counts().not_written == 1; }));
  EXPECT_EQ(loki.requests().size(), 3u);
}

TEST_F(LogLokiTest, one_that_does_not_answer_has_its_time_and_keeps_nobody_from_ending) {
  const LokiReceiver::Mood silent{204, true, [this](httplib::Response&) {
                                    while (!over) std::this_thread::sleep_for(1ms);
                                  }};
  loki.begin(port);
  loki.will({silent, silent});
  place.answer_within = 100ms;
  std::string wrong;
  EXPECT_EQ(push_one(wrong), 0u);
  EXPECT_NE(wrong.find("timed out"), std::string::npos) << wrong;
  place.answer_within = 600s;
  const auto begun = std::chrono::steady_clock::now();
  {
    const auto to_loki = sink(quick());
    offer_refusals(*to_loki, 5000);
    ASSERT_TRUE(comes_true([&] { return loki.requests().size() == 2; }));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 60s);
}

TEST_F(LogLokiTest, an_endless_answer_fills_nothing) {
  loki.begin(port);
  loki.will({{400, false, [](httplib::Response& response) {
                response.set_content(std::string(8 << 20, 'x'), "text/plain");
              }}});
  std::string wrong;
  EXPECT_EQ(push_one(wrong), 0u);
  EXPECT_LT(wrong.size(), 300u);
}

TEST_F(LogLokiTest, the_tenant_is_said) {
  loki.begin(port);
  place.tenant = "edge";
  std::string wrong;
  EXPECT_EQ(push_one(wrong), 1u);
  EXPECT_EQ(loki.requests().at(0).tenant, "edge");
}

struct LogLokiTlsTest : LogLokiTest {
  const Authority authority;
  void SetUp() override {
    std::ofstream(folder.file("ca.pem")) << authority.pem();
    std::ofstream(folder.file("netrc")) << "machine localhost login dam password hunter2\n";
    place.url = "https://localhost:" + std::to_string(port);
    place.ca = folder.file("ca.pem");
    place.netrc = folder.file("netrc");
  }
  void begin_with(const Authority& by, const CertificateWish& wish) {
    by.write(folder.path(), "loki", wish);
    const LokiReceiver::Certificate certificate{folder.file("loki.pem"), folder.file("loki.key")};
    loki.begin(port, &certificate);
  }
};

TEST_F(LogLokiTlsTest, lines_go_to_one_with_a_good_certificate_and_say_who_writes) {
  begin_with(authority, {{"localhost"}});
  std::string wrong;
  EXPECT_EQ(push_one(wrong), 1u) << wrong;
  ASSERT_EQ(loki.requests().size(), 1u);
  EXPECT_EQ(loki.requests()[0].authorization, "Basic ZGFtOmh1bnRlcjI=");
}

TEST_F(LogLokiTlsTest, nothing_goes_to_one_with_a_certificate_of_another_authority) {
  const Authority other;
  begin_with(other, {{"localhost"}});
  std::string wrong;
  EXPECT_EQ(push_one(wrong), 0u) << "of the same name, with another key";
  place.ca = "";
  EXPECT_EQ(push_one(wrong), 0u) << "none of the system's";
  EXPECT_NE(wrong.find("certificate"), std::string::npos) << wrong;
  EXPECT_TRUE(loki.requests().empty());
}

TEST_F(LogLokiTlsTest, nothing_goes_to_one_with_a_certificate_of_another_name) {
  begin_with(authority, {{"loki.example"}});
  std::string wrong;
  EXPECT_EQ(push_one(wrong), 0u);
  EXPECT_TRUE(loki.requests().empty());
}

TEST_F(LogLokiTlsTest, nothing_goes_to_one_with_an_expired_certificate) {
  begin_with(authority, {{"localhost"}, -7200, -3600});
  std::string wrong;
  EXPECT_EQ(push_one(wrong), 0u);
  EXPECT_TRUE(loki.requests().empty());
}

TEST_F(LogLokiTlsTest, the_secret_is_told_no_other_host) {
  std::ofstream(folder.file("netrc")) << "machine loki.example login dam password hunter2\n";
  begin_with(authority, {{"localhost"}});
  std::string wrong;
  EXPECT_EQ(push_one(wrong), 1u) << wrong;
  EXPECT_EQ(loki.requests().at(0).authorization, "");
}

TEST_F(LogLokiTlsTest, the_secret_is_not_told_in_clear) {
  place.url = "http://localhost:" + std::to_string(port);
  loki.begin(port);
  std::string wrong;
  EXPECT_EQ(push_one(wrong), 1u) << wrong;
  EXPECT_EQ(loki.requests().at(0).authorization, "");
}

}  // namespace
}  // namespace dam::control
