// SPDX-License-Identifier: BSD-3-Clause
// Connections as operators see and end them.
#include <gtest/gtest.h>

#include "tests/unit/engine/small_site.h"
#include "tests/unit/engine/standing.h"

namespace dam::test {
namespace {

std::vector<FlowGlance> look(SmallSite& site) {
  std::vector<FlowGlance> all;
  const Worker& worker = site.engine().worker(0);
  for (uint32_t i = 0; i < worker.flow_capacity(); ++i) {
    if (const auto seen = worker.glance(i)) all.push_back(*seen);
  }
  return all;
}

TEST(Inspect, AConnectionIsSeenWithItsPlaceAndState) {
  SmallSite site;
  EXPECT_TRUE(look(site).empty());
  const auto c = stand(site);
  ASSERT_TRUE(c);
  const auto seen = look(site);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_TRUE(dam_address_equal(&seen[0].client, &kClient));
  EXPECT_EQ(seen[0].client_port.raw, dam_hton16(c->client.port).raw);
  EXPECT_EQ(seen[0].state, DAM_FLOW_established);
  EXPECT_EQ(seen[0].zone_slot, kServiceZone);
  EXPECT_EQ(seen[0].source_port, dam_ntoh16(c->header.packet.src_port));
}

TEST(Inspect, ItsIdIsTheSecondHalfOfItsUniqueId) {
  SmallSite site;
  Policy policy = site.draft();
  policy.servers[0].tlvs = kTlvUniqueId;
  site.apply(policy);
  const auto c = establish(site, {}, "www.example.org");
  ASSERT_TRUE(c);
  uint64_t second = 0;
  std::memcpy(&second, c->header.payload().data() + 31 + 8, sizeof second);
  EXPECT_EQ(look(site).at(0).id.number(), second);
  EXPECT_EQ(FlowId::of(second).number(), second);
}

TEST(Inspect, AnEndedConnectionIsResetAtBothEndsAndOthersGoOn) {
  SmallSite site;
  ClientSide second;
  second.port = 40001;
  const auto first = stand(site), other = stand(site, second);
  ASSERT_TRUE(first && other);
  const FlowId id = look(site).at(0).id;
  ASSERT_TRUE(site.engine().worker(0).end(id));
  const auto seen = site.advance(5 * kMillisecond);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 1u);
  EXPECT_EQ(count_tcp(seen, kServicePort, DAM_TCP_RST), 1u);
  EXPECT_EQ(site.drops(DAM_DROP_ended, kServiceZone), 1u);
  ASSERT_EQ(look(site).size(), 1u);
  EXPECT_NE(look(site)[0].id.index, id.index);
}

TEST(Inspect, AnIdOfAnEarlierLifeOrOfNoPlaceEndsNobody) {
  SmallSite site;
  ASSERT_TRUE(stand(site));
  FlowId id = look(site).at(0).id;
  Worker& worker = site.engine().worker(0);
  ASSERT_TRUE(worker.end({0, id.index, id.epoch + 1}));
  ASSERT_TRUE(worker.end({0, id.index + 1, id.epoch}));
  ASSERT_TRUE(worker.end({0, 0xffffffff, id.epoch}));
  site.advance(5 * kMillisecond);
  EXPECT_EQ(site.flows(), 1u);
  EXPECT_EQ(site.drops(DAM_DROP_ended), 0u);
}

TEST(Inspect, MoreThanCanBeToldAtOnceEndOneTickAfterTheOther) {
  SmallSite site;
  const auto all = stand_many(site, 50);
  ASSERT_EQ(all.size(), 50u);
  for (const FlowGlance& seen : look(site)) ASSERT_TRUE(site.engine().worker(0).end(seen.id));
  const auto seen = site.advance(100 * kMillisecond);
  EXPECT_EQ(count_tcp(seen, kFrontPort, DAM_TCP_RST), 50u);
  EXPECT_EQ(count_tcp(seen, kServicePort, DAM_TCP_RST), 50u);
  EXPECT_EQ(site.flows(), 0u);
}

TEST(SpscQueue, HoldsSoManyAndSaysWhenItIsFull) {
  SpscQueue<FlowId, 16> queue;
  for (uint32_t i = 0; i < 16u; ++i) ASSERT_TRUE(queue.push({0, i, 1}));
  EXPECT_FALSE(queue.push({0, 1, 1}));
  FlowId id;
  for (uint32_t i = 0; i < 16u; ++i) {
    ASSERT_TRUE(queue.pop(id));
    EXPECT_EQ(id.index, i);
  }
  EXPECT_FALSE(queue.pop(id));
  EXPECT_TRUE(queue.push({0, 7, 1}));
}

}  // namespace
}  // namespace dam::test
