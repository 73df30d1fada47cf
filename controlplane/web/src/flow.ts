// SPDX-License-Identifier: BSD-3-Clause
// From counters that only count up to rates, and the last ten minutes of them.
import type { Counters, Zones } from "./api";

export const KEPT_S = 600;

export interface ZoneFlow {
  passed: number; // packets each second, from clients
  held: number; // packets each second
  bytes: number; // each second, from clients
  shadow: number; // what would have been held back each second
}

export interface Point {
  at: number; // Unix time, s
  drops?: Record<string, number>; // each second, of all zones, by reason; also what was not refused; absent: not known
}

export interface Flow {
  zones: Record<string, ZoneFlow>;
  most: Record<string, number>; // packets each second that came, the most in the time kept
  points: Point[];
  last?: Zones;
}

export const noFlow: Flow = { zones: {}, most: {}, points: [] };

// A dataplane that was restarted counts from zero again: no rate is below it.
const rate = (now: number, before: number, seconds: number) => Math.max(0, now - before) / seconds;

function zoneFlow(now: Counters, before: Counters, seconds: number): ZoneFlow {
  return {
    passed: rate(now.packets_up, before.packets_up, seconds),
    held: rate(now.dropped, before.dropped, seconds),
    bytes: rate(now.bytes_up, before.bytes_up, seconds),
    shadow: rate(now.shadow_exceeded, before.shadow_exceeded, seconds),
  };
}

// away: the dataplane counts nothing, and what is read of it is of before.
export function flowAfter(flow: Flow, now: Zones, away: boolean): Flow {
  const seconds = flow.last ? now.sampled_at - flow.last.sampled_at : 0;
  if (!flow.last || seconds <= 0) return { ...flow, last: now };
  const zones: Flow["zones"] = {};
  const most: Flow["most"] = {};
  const drops: Point["drops"] = {};
  for (const zone of now.zones) {
    const before = flow.last.zones.find((one) => one.name === zone.name)?.counters;
    if (away || !zone.counters || !before) continue;
    const one = zoneFlow(zone.counters, before, seconds);
    zones[zone.name] = one;
    // Falls by half in about ten minutes, so that the scale does not jump.
    most[zone.name] = Math.max(one.passed + one.held, (flow.most[zone.name] ?? 0) * 0.999);
    for (const [reason, count] of Object.entries(zone.counters.drops)) {
      drops[reason] = (drops[reason] ?? 0) + rate(count, before.drops[reason] ?? 0, seconds);
    }
  }
  const at = Date.now() / 1000;
  const known = Object.keys(zones).length > 0;
  const points = [...flow.points.filter((one) => one.at > at - KEPT_S), known ? { at, drops } : { at }];
  return { zones, most, points, last: now };
}
