// SPDX-License-Identifier: BSD-3-Clause
// The source table's lock-free code, taken apart at every atomic operation: before each one a fibre
// may give way to another, as a seeded dice decides, so that races which real threads meet once in
// a blue moon come up in every run, and come up again with the same seed. What the dice would not
// find in a lifetime is played by a script.
#include <gtest/gtest.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

void give_way(const void* address = nullptr);  // before an operation on it

// This copy of the code lives in a namespace of its own, beside the one that everybody else links.
// NOLINTBEGIN
#define dam dam_interleaved
#define __atomic_load_n(at, ...) (give_way(at), __atomic_load_n(at, __VA_ARGS__))
#define __atomic_store_n(at, ...) (give_way(at), __atomic_store_n(at, __VA_ARGS__))
#define __atomic_fetch_add(at, ...) (give_way(at), __atomic_fetch_add(at, __VA_ARGS__))
#define __atomic_fetch_sub(at, ...) (give_way(at), __atomic_fetch_sub(at, __VA_ARGS__))
#define __atomic_compare_exchange_n(at, ...) \
  (give_way(at), __atomic_compare_exchange_n(at, __VA_ARGS__))
#include "dataplane/engine/source_entry.cc"
#include "dataplane/engine/source_table.cc"
// NOLINTEND

namespace dam {
namespace {

constexpr std::array<uint64_t, 2> kSecret = {7, 8};
constexpr uint32_t kNone = SourceTable::kNone;

// Fibres of one thread, and the dice that decides who goes on.
class Fibres {
 public:
  explicit Fibres(uint32_t seed) : random_(seed) {}

  void run(std::vector<std::function<void()>> bodies) {
    begin(std::move(bodies));
    running_ = this;
    while (!alive_.empty()) {
      current_ = alive_[random_() % alive_.size()];
      swapcontext(&scheduler_, &contexts_[current_]);
    }
    running_ = nullptr;
  }

  void begin(std::vector<std::function<void()>> bodies) {
    bodies_ = std::move(bodies);
    for (std::size_t i = 0; i < bodies_.size(); ++i) start(i);
  }

  // That one alone goes on, until it is about to do an atomic operation at an address for which
  // `until` holds, or to its end.
  void go_on(std::size_t fibre, std::function<bool(const void*)> until) {
    until_ = std::move(until);
    current_ = fibre;
    running_ = this;
    swapcontext(&scheduler_, &contexts_[fibre]);
    running_ = nullptr;
  }
  void finish(std::size_t fibre) {
    go_on(fibre, [](const void*) { return false; });
  }

  static void give_way(const void* address) {
    if (running_ == nullptr) return;
    const bool stays = running_->until_ ? !running_->until_(address) : running_->random_() % 2 == 0;
    if (stays) return;
    swapcontext(&running_->contexts_[running_->current_], &running_->scheduler_);
  }

 private:
  static constexpr std::size_t kMost = 4;
  static constexpr std::size_t kStackBytes = 256 * 1024;

  void start(std::size_t i) {
    if (!stacks()[i]) stacks()[i] = std::make_unique<char[]>(kStackBytes);
    getcontext(&contexts_[i]);
    contexts_[i].uc_stack.ss_sp = stacks()[i].get();
    contexts_[i].uc_stack.ss_size = kStackBytes;
    contexts_[i].uc_link = &scheduler_;
    makecontext(&contexts_[i], &Fibres::enter, 0);
    alive_.push_back(i);
  }

  static void enter() {
    const std::size_t me = running_->current_;
    running_->bodies_[me]();
    std::erase(running_->alive_, me);
  }

  static std::array<std::unique_ptr<char[]>, kMost>& stacks() {
    static std::array<std::unique_ptr<char[]>, kMost> kept;
    return kept;
  }

  static inline Fibres* running_ = nullptr;
  std::minstd_rand random_;
  std::function<bool(const void*)> until_;  // empty: the dice decides
  std::vector<std::function<void()>> bodies_;
  std::array<ucontext_t, kMost> contexts_;
  ucontext_t scheduler_{};
  std::vector<std::size_t> alive_;
  std::size_t current_ = 0;
};

SourceKey key_of(const SourceTable& table, uint32_t number) {
  return table.key(dam_address_v4(__builtin_bswap32(0xc6120000 + number)), 1, 32, 64);
}

// What must be true of the keys that the fibres fight over. Changed between the atomic operations
// of the others, so it is exact.
struct Oracle {
  struct Key {
    std::vector<uint32_t> held;  // indices, one a reference
    uint64_t tat_ns = 0;         // charged up to here
  };
  std::array<Key, 3> keys;
  uint64_t now_ns = 1000;
  std::vector<std::string> errors;

  void acquired(SourceTable& table, uint32_t number, uint32_t index) {
    Key& key = keys[number];
    for (const uint32_t other : key.held) {
      if (other != index) errors.push_back("two entries for one key");
    }
    for (uint32_t i = 0; i < keys.size(); ++i) {
      if (i != number && std::count(keys[i].held.begin(), keys[i].held.end(), index) != 0) {
        errors.push_back("one entry for two keys");
      }
    }
    key.held.push_back(index);
    if (key.tat_ns > now_ns && table[index].tat_ns[0] != key.tat_ns) {
      errors.push_back("a charge was forgotten");
    }
  }
};

void use_keys(SourceTable& table, Oracle& oracle, uint32_t me, uint32_t seed) {
  std::minstd_rand random(seed * 31 + me + 1);
  for (int i = 0; i < 6; ++i) {
    const auto number = static_cast<uint32_t>(random() % oracle.keys.size());
    Oracle::Key& key = oracle.keys[number];
    const uint32_t index = table.acquire(me, key_of(table, number), oracle.now_ns);
    if (index == kNone) continue;
    oracle.acquired(table, number, index);
    if (random() % 3 == 0) {
      key.tat_ns = std::max(key.tat_ns, oracle.now_ns + 50);
      table[index].tat_ns[0] = key.tat_ns;
    }
    give_way();
    key.held.erase(std::find(key.held.begin(), key.held.end(), index));
    table.release(index);
    oracle.now_ns += random() % 40;
  }
}

// A table of two buckets with few free slots, so that everybody works on the same lines.
void fill_up(SourceTable& table, uint32_t leave_free) {
  for (uint32_t number = 100; table.used() + leave_free < table.slots(); ++number) {
    ASSERT_NE(table.acquire(0, key_of(table, number), 0), kNone);
  }
}

void fight(uint32_t seed) {
  SourceTable table(1, 4, kSecret);
  fill_up(table, seed % 4 + 1);
  const uint32_t filled = table.used();
  Oracle oracle;
  std::vector<std::function<void()>> bodies;
  for (uint32_t me = 0; me < 3; ++me) {
    bodies.push_back([&, me] { use_keys(table, oracle, me, seed); });
  }
  bodies.push_back([&] {
    for (int i = 0; i < 6; ++i) table.sweep(3, oracle.now_ns, table.slots());
  });
  Fibres(seed + 1).run(std::move(bodies));
  ASSERT_TRUE(oracle.errors.empty()) << oracle.errors[0] << ", seed " << seed;
  table.sweep(0, oracle.now_ns + 1000, table.slots());
  ASSERT_EQ(table.used(), filled) << "a slot was lost, seed " << seed;
}

TEST(SourceTableInterleaved, OneEntryAKeyNoChargeForgottenNoSlotLost) {
  for (uint32_t seed = 0; seed < 2000 && !testing::Test::HasFatalFailure(); ++seed) fight(seed);
}

// Two buckets, of which a script sees the words.
struct Laid {
  std::vector<dam_source_bucket> buckets{2};
  std::vector<dam_source_entry> entries{2 * DAM_SOURCE_SLOTS};
  std::vector<uint64_t> request_tats_ns = std::vector<uint64_t>(2 * DAM_SOURCE_SLOTS);
  SourceTable table{buckets, entries, request_tats_ns, 4, kSecret};

  // The nth key whose first bucket is bucket 0.
  SourceKey key(uint32_t nth) const {
    for (uint32_t number = 0;; ++number) {
      const SourceKey key = key_of(table, number);
      if (dam_source_place_of(key.hash, 2).first == 0 && nth-- == 0) return key;
    }
  }
  bool is_word(const void* address) const {
    const auto* at = static_cast<const uint8_t*>(address);
    const auto* begin = reinterpret_cast<const uint8_t*>(buckets.data());
    return at >= begin && at < begin + 2 * sizeof(dam_source_bucket) && (at - begin) % 64 >= 8;
  }
  bool is_control(const void* address) const { return address == &buckets[0].control; }
  bool is_naming() const { return static_cast<uint32_t>(buckets[0].control) != 0; }
  int reserved() const {
    int count = 0;
    for (const dam_source_bucket& bucket : buckets) {
      count += static_cast<int>(std::count_if(std::begin(bucket.word), std::end(bucket.word),
                                              [](uint32_t word) { return (word & 3) == 1; }));
    }
    return count;
  }
};

// The word that a late helper wants to finish has been freed since, and is reserved again for an
// entry that may never be published: another worker makes one of the same key.
TEST(SourceTableInterleaved, ALateHelperFinishesOnlyThePublicationThatItSaw) {
  enum : std::size_t { kMaker, kHelper, kSlow, kQuick };
  Laid laid;
  SourceTable& table = laid.table;
  const SourceKey gone = laid.key(0), wanted = laid.key(1);
  std::array<uint32_t, 4> got{};
  const auto acquire = [&](uint32_t me) { got[me] = table.acquire(me, wanted, 1000); };
  Fibres fibres(1);
  fibres.begin({[&] {
                  table.release(table.acquire(kMaker, gone, 1000));
                  table.sweep(kMaker, 1000, table.slots());
                },
                [&] { acquire(kHelper); }, [&] { acquire(kSlow); }, [&] { acquire(kQuick); }});
  fibres.go_on(kMaker, [&](const void*) { return laid.is_naming(); });
  fibres.go_on(kHelper, [&](const void* at) { return laid.is_word(at); });
  fibres.finish(kMaker);
  ASSERT_EQ(table.used(), 0u) << "its entry has come and gone";
  fibres.go_on(kSlow, [&](const void* at) { return laid.is_control(at) && laid.reserved() == 1; });
  fibres.go_on(kQuick, [&](const void* at) { return laid.is_control(at) && laid.reserved() == 2; });
  ASSERT_EQ(laid.reserved(), 2) << "both are about to publish";
  fibres.finish(kHelper);
  fibres.finish(kQuick);
  fibres.finish(kSlow);
  EXPECT_EQ(got[kHelper], got[kQuick]) << "two entries for one key";
  EXPECT_EQ(got[kHelper], got[kSlow]) << "two entries for one key";
  EXPECT_EQ(table.references(table[got[kHelper]]), 3u);
  EXPECT_EQ(table.used(), 1u);
}

}  // namespace
}  // namespace dam

void give_way(const void* address) { dam::Fibres::give_way(address); }
