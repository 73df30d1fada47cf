# SPDX-License-Identifier: BSD-3-Clause
"""What a scenario promises, and whether that held."""
import struct
from dataclasses import dataclass, field


@dataclass
class Promise:
    """What may fail, and why; everything else may not."""
    retried: float = 0            # share of visits that may need another try
    lost: tuple = ()              # zones whose visits may get nothing while it lasts
    broken: tuple = ()            # zones whose conversations may break
    management_p99_ms: float = 1000
    why: str = ""


@dataclass
class Scenario:
    name: str
    play: object                  # called with the world; gives words about what it found, or None
    promise: Promise = field(default_factory=Promise)
    only_on: str = ""             # a driver
    wires: dict = field(default_factory=dict)


class Drops:
    """Reasons that grow meanwhile. A dataplane that starts begins at zero."""

    def __init__(self, front):
        self.front, self.before = front, self._now(front)

    @staticmethod
    def _now(front):
        try:
            counters = front.counters()
            cookies = sum(counters.worker(index)["cookies_sent"] for index in range(counters.workers))
            return {**counters.drops(), "(cookies sent)": cookies}
        except (OSError, RuntimeError, struct.error):
            return {}

    def grown(self):
        after = self._now(self.front)
        grown = {reason: count - (self.before.get(reason, 0) if count >= self.before.get(reason, 0) else 0)
                 for reason, count in after.items()}
        return {reason: count for reason, count in sorted(grown.items(), key=lambda one: -one[1])
                if count and reason != "none"}


def failures(promise, seen, banned, header_errors):
    """Words about each promise that was broken."""
    found = []
    for zone, visits in seen["visits"].items():
        asked = visits["ok"] + visits["lost"]
        if not asked:
            found.append(f"no visit to {zone}")
        if visits["lost"] and zone not in promise.lost:
            found.append(f"{visits['lost']} of {asked} visits to {zone} got nothing: {visits['why']}")
        if zone not in promise.lost and visits["retried"] > promise.retried * asked:
            found.append(f"{visits['retried']} of {asked} visits to {zone} needed another try: {visits['why']}")
    p99 = seen["visits"]["management"]["p99_ms"]
    if p99 is not None and p99 > promise.management_p99_ms:
        found.append(f"p99 of visits to management is {p99:.0f} ms")
    broken = [one for one in seen["broken"] if one["who"].split("-")[0] not in promise.broken]
    if broken:
        found.append(f"{len(broken)} conversations broke: {broken[:3]}")
    if seen["wrong"]:
        found.append(f"{seen['wrong']} answers with wrong bytes")
    if banned:
        found.append(f"innocent sources are banned: {sorted(banned)}")
    if header_errors:
        found.append(f"bad PROXY headers: {header_errors[:2]}")
    return found


def _ms(value):
    return "–" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def words(seen, banned, drops):
    """The line below a scenario's name."""
    parts = []
    for zone, visits in seen["visits"].items():
        retried = f", {visits['retried']} at another try" if visits["retried"] else ""
        parts.append(f"{zone} {visits['ok']}/{visits['ok'] + visits['lost']}{retried} "
                     f"p50 {_ms(visits['p50_ms'])} p99 {_ms(visits['p99_ms'])} ms")
    top = ", ".join(f"{reason} {count:,}" for reason, count in list(drops.items())[:6])
    return ("; ".join(parts) + f"\n    conversations: {len(seen['broken'])} broke, {seen['turns']} turns, slowest "
            f"{seen['slowest_turn_ms'] / 1000:.1f} s, {seen['wrong']} wrong; innocent banned: {len(banned)}\n    drops: {top or 'none'}")
