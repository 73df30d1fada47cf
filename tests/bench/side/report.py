# SPDX-License-Identifier: BSD-3-Clause
"""What tools/bench --side-by-side prints: medians and spreads, and the dam against what it shall reach."""
import statistics

# part: (headline, unit, factor, name of the unit, latency too)
PARTS = {
    "connections": ("new connections, 64 at once", "connection", 1e6, "us", True),
    "paced": ("new connections at a steady rate", "connection", 1e6, "us", True),
    "bulk": ("downloads on 4 connections, a GB", "gb", 1, "s", False),
    "requests": ("requests on 32 living connections, at a steady rate", "request", 1e6, "us", True),
}
# part: ((against, at most so many times theirs), …), of the front's core time
REACH = {"connections": (("routing", 1), ("nat", 1), ("haproxy", 0.25)), "bulk": (("routing", 1), ("nat", 1))}


def median(rounds, key):
    return statistics.median(one[key] for one in rounds)


def _ratio(ours, theirs, key):
    below = median(theirs, key)
    return median(ours, key) / below if below > 0 else float("nan")


def _figure(rounds, key, factor=1.0, digits=1):
    values = [one[key] * factor for one in rounds]
    spread = f"({min(values):.{digits}f} - {max(values):.{digits}f})"
    return f"{statistics.median(values):>10.{digits}f} {spread:<19}"


def _part_lines(part, fronts):
    headline, unit, factor, short, latency = PARTS[part]
    digits = 1 if latency else 2
    columns = [("core " + short, f"core_per_{unit}", factor), ("threads " + short, f"threads_per_{unit}", factor)]
    columns += [("p50 us", "p50_us", 1), ("p99 us", "p99_us", 1)] if latency else [("GB/s", "gb_a_second", 1)]
    yield ""
    yield headline
    yield (f"  {'':<10}" + "".join(f"{title:>10} {'':<19}" for title, _, _ in columns)).rstrip()
    for name, rounds in fronts.items():
        yield (f"  {name:<10}" + "".join(_figure(rounds, key, times, digits) for _, key, times in columns)).rstrip()
    yield from _verdicts(part, fronts)


def _verdicts(part, fronts):
    if "dam" not in fronts:
        return
    unit = PARTS[part][1]
    for other, most in REACH.get(part, ()):
        if other in fronts:
            ratios = [_ratio(fronts["dam"], fronts[other], f"{kind}_per_{unit}") for kind in ("core", "threads")]
            yield (f"  dam / {other}: {ratios[0]:.2f} by core, {ratios[1]:.2f} by threads; to reach: {most} "
                   f"({'met' if max(ratios) <= most else 'missed'})")
    if part == "requests" and "routing" in fronts:
        ratio = _ratio(fronts["dam"], fronts["routing"], "p99_us")
        yield f"  dam / routing, p99: {ratio:.2f}; to reach: 1 ({'met' if ratio <= 1 else 'missed'})"


def _idle_lines(fronts):
    yield ""
    yield "nothing offered, then requests: processes of the front, no kernel thread"
    for name, parts in fronts.items():
        idle, busy = parts
        yield (f"  {name:<10}idle {idle['process_s'] / idle['wall_s']:>7.2%} of a core, {idle['process_woke'] / idle['wall_s']:>7.1f} "
               f"wakes/s; with {busy['a_second']:.0f} requests/s {busy['process_woke'] / busy['wall_s']:>7.1f} wakes/s")


def _over_limit_lines(fronts):
    yield ""
    yield "one source that opens connections far beyond its limit, and what the honest see alone and beside it"
    yield (f"  {'':<10}{'served':>8}{'allowed':>8}{'refused':>8} {'honest alone p50, p99 us':>26} {'beside it':>20} {'lost':>5}"
           f" {'core us/refused':>16} {'threads us/refused':>19}")
    for name, rounds in fronts.items():
        macro = [one["macro"] for one in rounds]
        latency = [f"{median([one[when] for one in rounds], 'p50_us'):>10.0f} {median([one[when] for one in rounds], 'p99_us'):>9.0f}"
                   for when in ("alone", "beside")]
        lost = sum(one[when]["lost"] for one in rounds for when in ("alone", "beside"))
        yield (f"  {name:<10}{median(macro, 'answers'):>8.0f}{median(rounds, 'allowed'):>8.0f}{median(macro, 'lost'):>8.0f}       {latency[0]} {latency[1]} {lost:>5}"
               f" {median(rounds, 'core_per_refused') * 1e6:>16.2f} {median(rounds, 'threads_per_refused') * 1e6:>19.2f}")


def _flood_lines(fronts, seconds):
    yield ""
    yield "new connections of both names, without and with SYNs from forged sources"
    yield (f"  {'':<10}{'flood':<12}{'SYNs/s':>10} {'lost':>6} {'service p50, p99 us':>24} {'management p50, p99 us':>24}"
           f" {'core us/SYN':>12} {'threads us/SYN':>15}")
    for name, rounds in fronts.items():
        for flood in rounds[0]:
            yield f"  {name:<10}{flood:<12}" + _flood_figures([one[flood] for one in rounds], seconds)
    yield from _flood_verdicts(fronts)


def _flood_figures(rounds, seconds):
    names = [one["names"] for one in rounds]
    lost = sum(seen["lost"] for one in names for seen in one.values())
    latency = [" ".join(f"{statistics.median(one[name][key] for one in names):>11.0f}" for key in ("p50_us", "p99_us"))
               for name in ("service", "management")]
    if "arrived" not in rounds[0]:
        return f"{0:>10} {lost:>6}  {latency[0]}  {latency[1]}"
    syns = statistics.median(one["arrived"] / seconds for one in rounds)
    costs = " ".join(f"{median(rounds, f'{kind}_per_syn') * 1e6:>13.2f}" for kind in ("core", "threads"))
    return f"{syns:>10.0f} {lost:>6}  {latency[0]}  {latency[1]} {costs}"


def _flood_verdicts(fronts):
    for flood in [name for name in fronts.get("dam", [{}])[0] if name != "calm"]:
        for other in [name for name in fronts if not name.startswith("dam")]:
            ours, theirs = ([one[flood] for one in fronts[front]] for front in ("dam", other))
            p99 = [statistics.median(max(seen["p99_us"] for seen in one["names"].values()) for one in rounds)
                   for rounds in (ours, theirs)]
            yield (f"  {flood}: dam / {other}: p99 {p99[0] / p99[1]:.3f}, to reach: 0.05; a SYN "
                   f"{_ratio(ours, theirs, 'core_per_syn'):.2f} by core, {_ratio(ours, theirs, 'threads_per_syn'):.2f} "
                   "by threads, to reach: 0.1")


def render(result):
    machine = result["machine"]
    trips = ", ".join(f"{one:.0f}" for one in machine["round_trip_ns"])
    yield f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}; {machine['date']}"
    yield (f"front on core {machine['front_core']}, clients and servers on core {machine['other_core']}; a cache line there and "
           f"back: {trips} ns; background {machine['background']:.1%} of the front's core, taken off; stolen {machine['stolen_s']:.2f} s")
    for name, says in machine["fronts"].items():
        yield f"  {name:<10}{says}"
    yield f"medians of {result['rounds']} interleaved rounds (least - most)"
    for frames, parts in result["frames"].items():
        if not parts:
            continue
        yield ""
        yield {"wire": "frames of at most 1,514 bytes on every cable",
               "super": "super-frames of up to 64 KiB (TSO, GSO, GRO)"}[frames]
        for part, fronts in parts.items():
            if part in PARTS and fronts:
                yield from _part_lines(part, fronts)
    if result["idle"]:
        yield from _idle_lines(result["idle"])
    if result["over-limit"]:
        yield from _over_limit_lines(result["over-limit"])
    if result["flood"]:
        size = result["size"]
        yield from _flood_lines(result["flood"], size["honest"] / size["honest_rate"] + 1)
