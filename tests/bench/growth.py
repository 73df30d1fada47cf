# SPDX-License-Identifier: BSD-3-Clause
"""How a packet's cost grows with the site: one benchmark, run again and again with one size changed."""
import collections
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from plot import svg

Line = collections.namedtuple("Line", "program benchmark says")
Curve = collections.namedtuple("Curve", "name title option values lines more")
ENGINE, KERNEL = "dam_bench", "xdp_bench"
FEW = ["--flows=20000"]
CURVES = [
    Curve("flows", "live connections, picked at random", "--flows", [1000, 10_000, 100_000, 1_000_000, 4_000_000, 8_000_000],
          [Line(ENGINE, "splice/1M", "engine: spliced"), Line(KERNEL, "xdp/splice/1M", "XDP: spliced")], []),
    Curve("cidrs", "denied CIDRs, each packet from one of them", "--denied", [1000, 10_000, 100_000, 1_000_000, 8_000_000],
          [Line(ENGINE, "banned", "engine: denied"), Line(KERNEL, "xdp/banned", "XDP: denied")], FEW),
    Curve("bans", "bans of other sources", "--bans", [1, 1000, 10_000, 100_000, 1_000_000],
          [Line(ENGINE, "splice/1M", "engine: spliced"), Line(KERNEL, "xdp/splice/1M", "XDP: spliced")], FEW),
    Curve("zones", "zones, among which the connections lie", "--zones", [1, 4, 16, 61],
          [Line(ENGINE, "splice/1M", "engine: spliced"), Line(KERNEL, "xdp/splice/1M", "XDP: spliced")], FEW),
    Curve("names", "server names in the routes", "--names", [10, 100, 1000, 10_000, 100_000],
          [Line(ENGINE, "client_hello/500", "engine: ClientHello routed")], FEW),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def _medians(programs, line, arguments, words):
    """{benchmark: ns}, the median of the repetitions."""
    wanted = [line.benchmark] + (["xdp/harness", "xdp/bare_drop"] if line.program == KERNEL else [])
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = ["taskset", "-c", str(arguments.core), programs / line.program, *words,
                   f"--benchmark_filter=^({'|'.join(wanted)})$", f"--benchmark_repetitions={arguments.repetitions}",
                   f"--benchmark_min_time={arguments.seconds}", f"--benchmark_out={out.name}", "--benchmark_out_format=json"]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, command))}:\n{done.stderr}")
        runs = json.load(out)["benchmarks"]
    seen = collections.defaultdict(list)
    for run in runs:
        if run.get("run_type") == "iteration":
            seen[run["run_name"]].append(run["ns_per_packet"])
    return {name: statistics.median(values) for name, values in seen.items()}


def _net(line, medians):
    """Without what the harness of the kernel's benchmarks takes to copy a frame there."""
    copying = medians["xdp/harness"] - medians["xdp/bare_drop"] if line.program == KERNEL else 0
    return medians[line.benchmark] - copying


def measure(programs, arguments, names):
    """{curve: {line: [[size, ns], …]}}; sizes of a curve are gone through line by line, small ones first."""
    result = {}
    for curve in CURVES:
        if curve.name not in names:
            continue
        result[curve.name] = {line.says: [] for line in curve.lines}
        for value in curve.values:
            for line in curve.lines:
                words = [word for word in curve.more if not word.startswith(curve.option)] + [f"{curve.option}={value}"]
                ns = _net(line, _medians(programs, line, arguments, words))
                result[curve.name][line.says].append([value, ns])
                say(f"{curve.name} {value:>9,}  {line.says:<28}{ns:>8.1f} ns")
    return result


def workers(programs):
    """Of two workers, by what they share."""
    done = subprocess.run([programs / "workers_bench"], text=True, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def draw(result, folder):
    """One picture for each curve, and one of the workers."""
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    pictures = {curve.name: (f"ns a packet against {curve.title}", result["curves"][curve.name])
                for curve in CURVES if curve.name in result["curves"]}
    pictures["workers"] = ("ns a packet against workers, by what they share",
                           {row["shared"]: [[1, row["alone_ns"]], [2, row["beside_ns"]]] for row in result["workers"]})
    for name, (title, lines) in pictures.items():
        (pathlib.Path(folder) / f"{name}.svg").write_text(svg(title, lines), encoding="utf-8")
