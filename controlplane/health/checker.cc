// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/health/checker.h"

#include <algorithm>
#include <ctime>

namespace dam::control {

namespace {

bool is_same_server(const CheckPlan& a, const CheckPlan& b) {
  return a.addresses == b.addresses && a.port == b.port;
}

bool fails(const Finding& finding) { return finding.fails; }

bool has(const std::vector<Finding>& findings, const Finding& one) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& other) {
    return other.kind == one.kind && other.message == one.message;
  });
}

}  // namespace

std::chrono::nanoseconds jittered(uint64_t interval_ns, std::mt19937_64& dice) {
  std::uniform_int_distribution<uint64_t> pick(interval_ns - interval_ns / 10,
                                               interval_ns + interval_ns / 10);
  return std::chrono::nanoseconds(pick(dice));
}

Checker::Checker(Parts parts) : parts_(std::move(parts)) {
  for (size_t i = 0; i < kAtOnce; ++i) threads_.emplace_back([this] { run(); });
}

Checker::~Checker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Checker::replan(std::vector<CheckPlan> plans) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, Subject> fresh;
  ++generation_;
  for (CheckPlan& plan : plans) {
    const auto old = subjects_.find(plan.server);
    const bool stays = old != subjects_.end() && is_same_server(old->second.plan, plan);
    Subject& subject = fresh[plan.server];
    if (stays) {
      subject = old->second;
      subject.certificates.clear();
    }
    subject.busy = false;
    subject.generation = generation_;
    const uint64_t first_ns = std::min<uint64_t>(plan.check.interval_ns, 1'000'000'000);
    subject.due = Clock::now() + std::chrono::nanoseconds(dice_() % first_ns);
    subject.plan = std::move(plan);
    if (stays) keep_certificates(old->second, subject);
  }
  subjects_ = std::move(fresh);
  wake_.notify_all();
}

// Of names that are its own still; what they mean is judged by the new routes. Those that another
// authority would have to vouch for are looked at again first.
void Checker::keep_certificates(const Subject& old, Subject& subject) {
  if (old.plan.check.ca.value != subject.plan.check.ca.value) return;
  const int64_t now = std::time(nullptr);
  for (const auto& [where, seen] : old.certificates) {
    if (!subject.plan.shows(seen.name)) continue;
    CertificateSeen kept = seen;
    kept.findings = judge(seen.certificate, subject.plan, seen.name, seen.speaks_h2, now);
    subject.certificates.insert_or_assign(where, std::move(kept));
  }
}

void Checker::spare(std::vector<std::string> servers) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, subject] : subjects_) {
    subject.spared = std::find(servers.begin(), servers.end(), name) != servers.end();
  }
  wake_.notify_all();
}

std::map<std::string, ServerHealth> Checker::health() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, ServerHealth> all;
  for (const auto& [name, subject] : subjects_) all[name] = subject.health;
  return all;
}

std::vector<CertificateSeen> Checker::certificates() const {
  const std::lock_guard lock(mutex_);
  std::vector<CertificateSeen> all;
  for (const auto& [name, subject] : subjects_) {
    for (const auto& [where, seen] : subject.certificates) all.push_back(seen);
  }
  return all;
}

// Whom to look at now; else when to look again.
Checker::Subject* Checker::next_due(Clock::time_point& when) {
  Subject* first = nullptr;
  for (auto& [name, subject] : subjects_) {
    if (subject.busy || subject.spared) continue;
    if (first == nullptr || subject.due < first->due) first = &subject;
  }
  if (first == nullptr) return nullptr;
  when = std::min(when, first->due);
  return first->due <= Clock::now() ? first : nullptr;
}

void Checker::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto when = Clock::now() + std::chrono::hours(1);
    Subject* subject = next_due(when);
    if (subject == nullptr) {
      wake_.wait_until(lock, when);
      continue;
    }
    subject->busy = true;
    const CheckPlan plan = subject->plan;
    const uint64_t generation = subject->generation;
    const uint64_t turn = subject->turn++;
    lock.unlock();
    Round round = look_at(
        plan, turn, [&] { return parts_.dam_sees(plan.server); }, authorities_, &stopping_);
    lock.lock();
    if (stopping_) return;  // what was broken off says nothing
    const auto found = subjects_.find(plan.server);
    if (found == subjects_.end() || found->second.generation != generation) continue;
    const Verdict before = found->second.health.verdict;
    const bool void_before = found->second.health.unchecked;
    std::vector<std::string> said;
    note(found->second, std::move(round), said);
    const ServerHealth& now = found->second.health;
    const bool changed = now.verdict != before || now.unchecked != void_before;
    lock.unlock();
    for (const std::string& sentence : said) parts_.say(plan.server, sentence);
    if (changed) parts_.changed();
    lock.lock();
  }
}

void Checker::note(Subject& subject, Round round, std::vector<std::string>& said) {
  subject.busy = false;
  subject.due = Clock::now() + jittered(subject.plan.check.interval_ns, dice_);
  for (CertificateSeen& seen : round.certificates) {
    subject.certificates.insert_or_assign(seen.where(), std::move(seen));
  }
  ServerHealth& health = subject.health;
  const std::vector<Finding> before = std::move(health.findings);
  health.findings = std::move(round.findings);
  health.certificate_ends_unix = 0;
  for (const auto& [where, seen] : subject.certificates) {
    health.certificate_ends_unix = health.certificate_ends_unix == 0
                                       ? seen.ends_unix()
                                       : std::min(health.certificate_ends_unix, seen.ends_unix());
    for (const Finding& finding : seen.findings) {
      if (!has(health.findings, finding)) health.findings.push_back(finding);
    }
  }
  const auto bad = std::find_if(health.findings.begin(), health.findings.end(), fails);
  if (round.outcome == Round::Outcome::well && bad != health.findings.end()) {
    round.outcome = Round::Outcome::failed;
    round.words = bad->message;
  }
  const std::string who = "server " + subject.plan.server;
  for (const Finding& finding : health.findings) {
    if (!has(before, finding)) said.push_back(who + ": " + finding.message + "; " + finding.hint);
  }
  health.words = round.words;
  health.last_well = round.outcome == Round::Outcome::well;
  health.last_seconds = round.seconds;
  health.last_unix = std::time(nullptr);
  const Check& check = subject.plan.check;
  if (round.outcome == Round::Outcome::unchecked) {
    if (++subject.unchecked_in_a_row < check.fall) return;
    subject.rise_fall = {};
    health.unchecked = true;
    health.verdict = Verdict::unknown;
    return;
  }
  subject.unchecked_in_a_row = 0;
  health.unchecked = false;
  const Verdict now = subject.rise_fall.note(health.last_well, check.rise, check.fall);
  if (now == health.verdict) return;
  health.verdict = now;
  health.changed_unix = health.last_unix;
  said.push_back(who + (now == Verdict::up ? " is up" : " is down") + ": " + health.words);
}

}  // namespace dam::control
