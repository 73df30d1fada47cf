# SPDX-License-Identifier: BSD-3-Clause
"""What tools/bench prints: medians beside their targets."""
import os
import statistics

# Name, what one unit is, and the target in ns for it.
TARGETS = [
    ("splice/1M", "established packet, buckets charged", 67),
    ("splice/requests", "the same, its zone counting requests", None),
    ("syn_cookie", "SYN answered with a cookie", 67),
    ("banned", "packet of a denied source (1 M CIDRs)", 25),
    ("over_bucket", "packet over its bucket", 60),
    ("flow_open", "cookie ACK checked, flow made", 250),
    ("client_hello/500", "ClientHello, 1 segment, routed", 1000),
    ("client_hello/1800", "ClientHello, 2 segments, routed", 2000),
    ("harness", "the loop alone (included above)", None),
]

# The XDP program's, by BPF_PROG_TEST_RUN. Those with a harness have the frame's copying in them.
XDP_TARGETS = [
    ("xdp/splice/1k", "established packet, buckets charged", 150),
    ("xdp/splice/1M", "the same, a million flows at random", 300),
    ("xdp/splice/requests", "the same, its zone counting requests", None),
    ("xdp/syn_cookie", "SYN answered with a cookie", 120),
    ("xdp/syn_cookie/1M", "the same beside a million flows", None),
    ("xdp/banned", "packet of a denied source (1 M CIDRs)", 50),
    ("xdp/over_bucket", "packet over its bucket", 110),
    ("xdp/over_bucket/1M", "the same, a million flows at random", None),
]
XDP_YARDSTICKS = [
    ("xdp/lru_bucket", "a plain LRU-hash token bucket", None),
    ("xdp/bare_drop", "a program that only drops", None),
    ("xdp/bare_tx", "a program that only sends back", None),
    ("xdp/miss", "one dependent read from 128 MiB", None),
    ("xdp/harness", "the copying, then a bare drop", None),
]


def machine():
    """Names the processor, for people who compare two runs."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        model = next((line.split(":", 1)[1].strip() for line in cpuinfo
                      if line.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores, Linux {os.uname().release}"


def busy_warning(load):
    if load < 0.5:
        return ""
    return (f"note: the load average was {load:.1f} at the start; on a machine that does other "
            "things these numbers are too high")


def medians(result):
    """{name: {counter: median over the repetitions}} of the plain runs."""
    runs = {}
    for run in result["benchmarks"]:
        if run.get("run_type") == "iteration" and "ns_per_packet" in run:
            runs.setdefault(run["run_name"], []).append(run)
    keys = ("ns_per_packet", "cycles_per_packet", "Mpps")
    return {name: {key: statistics.median(run[key] for run in group) for key in keys} |
                  {"low": min(run["ns_per_packet"] for run in group),
                   "high": max(run["ns_per_packet"] for run in group)}
            for name, group in runs.items()}


def verdict(ns, target):
    if target is None:
        return ""
    if ns <= target:
        return "met"
    return f"missed by {ns - target:.0f} ns ({ns / target:.1f}x)"


def benchmark_lines(result):
    measured = medians(result)
    yield (f"{'benchmark':<18}{'what':<40}{'ns':>8}{'(least - most)':>18}{'cycles':>8}{'Mpps':>8}"
           f"{'target':>8}  verdict")
    for name, what, target in TARGETS:
        if name not in measured:
            continue
        row = measured[name]
        spread = f"({row['low']:.1f} - {row['high']:.1f})"
        aim = f"{target} ns" if target else ""
        yield (f"{name:<18}{what:<40}{row['ns_per_packet']:>8.1f}{spread:>18}"
               f"{row['cycles_per_packet']:>8.0f}{row['Mpps']:>8.2f}{aim:>8}  "
               f"{verdict(row['ns_per_packet'], target)}")


def xdp_lines(measured):
    """What the copying takes is measured by itself, and taken off once more beside what was measured."""
    harness, bare = (measured.get(name) for name in ("xdp/harness", "xdp/bare_drop"))
    copying = harness["ns_per_packet"] - bare["ns_per_packet"] if harness and bare else 0
    for name, what, target in XDP_TARGETS + XDP_YARDSTICKS:
        if name not in measured:
            continue
        row = measured[name]
        spread = f"({row['low']:.1f} - {row['high']:.1f})"
        net, aim, says = "", "", ""
        if (name, what, target) in XDP_TARGETS:
            net = f"{row['ns_per_packet'] - copying:.1f}"
            aim, says = f"{target} ns" if target else "", verdict(row["ns_per_packet"] - copying, target)
        yield f"{name:<20}{what:<40}{row['ns_per_packet']:>8.1f}{spread:>18}{net:>8}{aim:>8}  {says}"


def xdp_table(result):
    measured = {name: row for name, row in medians(result).items() if name.startswith("xdp/")}
    if not measured:
        return []
    return ["", "the XDP program in the kernel, BPF_PROG_TEST_RUN; ns a packet; net: without copying the frame there",
            "", f"{'benchmark':<20}{'what':<40}{'ns':>8}{'(least - most)':>18}{'net':>8}{'target':>8}  verdict of net",
            *xdp_lines(measured)]


def chain_lines(context):
    macswap = context.get("testpmd_macswap")
    if macswap:
        yield (f"{'testpmd macswap':<18}{'net_null in and out, same run':<40}"
               f"{macswap['ns_per_packet']:>8.1f}{'':>18}{macswap['cycles_per_packet']:>8.0f}"
               f"{1000 / macswap['ns_per_packet']:>8.2f}")
    memif = context.get("memif")
    if memif:
        yield ""
        yield "over net_memif, 64-byte frames, one process a core: generator -> X -> sink"
        for name, run in memif.items():
            yield f"  X = {name:<40}{run['mpps']:>8.2f} Mpps" if "mpps" in run else (
                f"  X = {name:<40} failed: {run['error']}")
    before = context.get("core_round_trip_ns")
    if before:
        after = context.get("core_round_trip_ns_after")
        yield (f"one cache line between the two cores and back: {before:.0f} ns before"
               + (f", {after:.0f} ns after" if after else ""))


def render(result):
    context = result["context"]
    head = [context.get("machine", ""),
            f"one core, bursts of 32, {int(context['live_flows']):,} live flows; median of "
            "interleaved repetitions; ns of CPU time for each packet (hello), TSC cycles"]
    return "\n".join(["", *head, "", *benchmark_lines(result), *xdp_table(result), *chain_lines(context)])
