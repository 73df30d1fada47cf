// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/lookalikes.h"

#include <chrono>
#include <utility>

namespace dam::control {

namespace {

constexpr auto kLookalikeRound = std::chrono::seconds(1);
constexpr uint32_t kFlowsAtOnce = 4096;
constexpr int64_t kNsOfAMs = 1'000'000;
constexpr uint64_t kNsOfASecond = 1'000'000'000;
constexpr double kPercent = 100;
constexpr auto kQuestionPatience = std::chrono::seconds(3);
constexpr auto kErasePatience = std::chrono::seconds(3);

int64_t unix_ms_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int64_t window_ms(const Policy& policy) {
  return static_cast<int64_t>(policy.lookalikes->window_ns) / kNsOfAMs;
}

}  // namespace

Lookalikes::Lookalikes(std::filesystem::path database, Ends ends)
    : file_(std::move(database)), ends_(std::move(ends)), alarm_([this] { round(); }) {
  follow(policy_now());
  alarm_.set(AlarmClock::Clock::now() + kLookalikeRound);
}

Lookalikes::~Lookalikes() = default;

std::shared_ptr<const Policy> Lookalikes::policy_now() const {
  auto policy = ends_.policy();
  return policy != nullptr && policy->lookalikes ? policy : nullptr;
}

bool Lookalikes::wants_log() const {
  const std::lock_guard lock(mutex_);
  return store_ != nullptr;
}

void Lookalikes::take(const v1::Log& log) { accumulators_.take(log, unix_ms_now()); }

void Lookalikes::take(const std::string& server, const Signal& signal) {
  accumulators_.take(server, signal, unix_ms_now());
}

std::shared_ptr<BehaviourStore> Lookalikes::store_now() const {
  const std::lock_guard lock(mutex_);
  if (store_ != nullptr) return store_;
  if (wanted_) throw NoLookalikes("there is no database: " + file_.string() + " is not there");
  throw NoLookalikes("the policy wants no look-alikes: lookalikes in dam.yaml");
}

Network Lookalikes::source_with(const Address& address) const {
  const auto policy = policy_now();
  if (policy == nullptr) {
    throw NoLookalikes("the policy wants no look-alikes: lookalikes in dam.yaml");
  }
  return source_of(address, policy->lookalikes->source_prefix);
}

double Lookalikes::usual_distance() const {
  const auto policy = policy_now();
  return policy == nullptr ? 0 : policy->lookalikes->within_percent / kPercent;
}

SimilarAnswer Lookalikes::similar(const SimilarQuery& query) const {
  const auto store = store_now();
  try {
    return store->open(kQuestionPatience)->similar(query);
  } catch (const std::exception& error) {
    throw NoLookalikes(std::string("the look-alikes' database does not say: ") + error.what());
  }
}

// In the order in which a source's behaviour goes on: nothing of it can slip by.
uint64_t Lookalikes::forget(const Network& source) {
  const auto store = store_now();
  uint64_t gone = 0;
  {
    const std::lock_guard lock(ending_);
    gone = accumulators_.forget(source);
  }
  const auto waiting = store->forget(source, kQuestionPatience);
  if (!waiting) {
    throw NoLookalikes("it is not erased: some of it is on its way to the database, which is slow");
  }
  gone += *waiting;
  return gone + erase(*store, source);
}

// What is much goes in steps, so that nobody else of the database is held up for long.
uint64_t Lookalikes::erase(const BehaviourStore& store, const Network& source) const {
  const auto until = std::chrono::steady_clock::now() + kErasePatience;
  uint64_t gone = 0;
  try {
    const auto database = store.open(kQuestionPatience);
    do {
      const Purged step = database->erase(source);
      gone += step.windows;
      if (!step.more) return gone;
    } while (std::chrono::steady_clock::now() < until);
  } catch (const std::exception& error) {
    throw NoLookalikes(std::string("the look-alikes' database still has some of it: ") +
                       error.what());
  }
  throw NoLookalikes("not all of it is erased yet: " + std::to_string(gone) +
                     " windows are, and it goes on where it is when you ask again");
}

LookalikeCounts Lookalikes::counts() const {
  LookalikeCounts counts;
  const auto [sources, refused] = accumulators_.counts();
  counts.sources = sources;
  counts.refused = refused;
  const std::lock_guard lock(mutex_);
  counts.wanted = wanted_;
  if (store_ != nullptr) counts.rows = store_->counts();
  return counts;
}

// A file that cannot be looked at is there: the store says what is wrong with it.
bool Lookalikes::has_place() const {
  std::error_code wrong;
  return std::filesystem::exists(file_, wrong) || wrong;
}

void Lookalikes::tell_place(bool wanted, bool found) {
  const bool missed = wanted && !found;
  if (missed && !std::exchange(missed_, missed) && ends_.say) {
    ends_.say(false, "no look-alikes are kept: " + file_.string() +
                         " is not there, which says how to reach their database");
  }
  missed_ = missed;
}

// The database is spoken to while the policy wants it and its file is there. True: so it is.
bool Lookalikes::follow(const std::shared_ptr<const Policy>& policy) {
  const bool kept = policy != nullptr && has_place();
  tell_place(policy != nullptr, kept);
  accumulators_.set_policy(kept ? policy : nullptr);
  std::shared_ptr<BehaviourStore> gone;  // ends, which may take its time, without the lock
  const std::lock_guard lock(mutex_);
  wanted_ = policy != nullptr;
  if (!kept) {
    gone.swap(store_);
    return false;
  }
  if (store_ == nullptr) {
    store_ = std::make_shared<BehaviourStore>(file_, ends_.limits, ends_.say);
  }
  const LookalikePolicy& rules = *policy->lookalikes;
  store_->set_rules(std::chrono::seconds(rules.keep_ns / kNsOfASecond), rules.rows);
  return true;
}

std::optional<std::vector<v1::Flow>> Lookalikes::open_flows() const {
  std::vector<v1::Flow> all;
  v1::Request request;
  request.mutable_flows()->set_state("established");
  request.mutable_flows()->set_most(kFlowsAtOnce);
  size_t looked_at = 0;
  do {
    if (looked_at >= Accumulators::kMostFlows) return std::nullopt;
    std::string untold;  // the link says what is wrong with it
    const auto reply = ends_.ask(request, untold);
    if (!reply || !reply->ok()) return std::nullopt;
    for (const v1::Flow& flow : reply->flows().flows()) {
      if (!flow.closing()) all.push_back(flow);  // else the log tells of it soon
    }
    looked_at += static_cast<size_t>(reply->flows().flows_size());
    request.mutable_flows()->set_from(reply->flows().next());
  } while (request.flows().from() != 0);
  return all;
}

void Lookalikes::round() {
  const auto policy = policy_now();
  if (follow(policy)) {
    const int64_t now_ms = unix_ms_now();
    const int64_t window = now_ms / window_ms(*policy);
    const int64_t before = std::exchange(window_, window);
    if (before != 0 && before != window) {
      if (const auto flows = open_flows()) accumulators_.flows(*flows, now_ms);
      const std::lock_guard lock(ending_);
      store_now()->offer(accumulators_.end_window(now_ms));
    }
  }
  alarm_.set(AlarmClock::Clock::now() + kLookalikeRound);
}

}  // namespace dam::control
