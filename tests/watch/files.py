# SPDX-License-Identifier: BSD-3-Clause
"""What can be said of config/prometheus and config/grafana without a running site."""
import glob
import json
import os
import re
import subprocess
import sys

import yaml

from raised import ROOT

FOLDER = f"{ROOT}/config/prometheus"
GRAFANA = f"{ROOT}/config/grafana"
# Of Grafana's list (@grafana/data, valueFormats): a name that it does not know is shown as a suffix.
UNITS = {"none", "short", "percentunit", "s", "bytes", "Bps", "pps", "cps", "reqps", "dateTimeFromNow"}


def read_yaml(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def rules(name):
    return [rule for group in read_yaml(f"{FOLDER}/{name}.yml")["groups"] for rule in group["rules"]]


def dashboards():
    found = {}
    for path in sorted(glob.glob(f"{GRAFANA}/dashboards/*.json")):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)] = json.load(file)
    return found


def promtool(*words):
    done = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def check_promtool():
    """promtool finds the configuration and the rules right, and its tests of them hold"""
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "recording.yml", "alerts.yml")
    promtool("test", "rules", "tests.yml")


def check_tested():
    """every alert has a test in which it fires, and is asked for where all is well"""
    tests = read_yaml(f"{FOLDER}/tests.yml")["tests"]
    asked = [one for test in tests for one in test["alert_rule_test"]]
    names = {rule["alert"] for rule in rules("alerts")}
    assert {one["alertname"] for one in asked if one.get("exp_alerts")} == names
    assert {one["alertname"] for one in tests[0]["alert_rule_test"]} == names


def check_runbook(damctl):
    """every alert has severity, summary, description and its paragraph in the runbook, whose commands damctl knows"""
    with open(f"{FOLDER}/RUNBOOK.md", encoding="utf-8") as file:
        text = file.read()
    parts = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    assert list(parts) == [rule["alert"] for rule in rules("alerts")]
    for rule in rules("alerts"):
        assert rule["labels"]["severity"] in ("critical", "warning"), rule
        assert rule["for"] and rule["annotations"]["summary"] and rule["annotations"]["description"], rule
        assert rule["annotations"]["runbook_url"] == f"config/prometheus/RUNBOOK.md#{rule['alert'].lower()}", rule
        assert "`damctl " in parts[rule["alert"]] and len(parts[rule["alert"]]) > 200, rule["alert"]
    for line in sorted(set(re.findall(r"`damctl ([^`]+)`", text))):
        _check_command(damctl, line)


def _check_command(damctl, line):
    """Its help knows the command, and every option that stands anywhere in the line."""
    command = re.match(r"(?:(?:zone|server) set|route add|clients revoke|[a-z]+|)(?=\s|$|-)", line)
    said = subprocess.run([damctl, *command[0].split(), "--help"], capture_output=True, text=True, timeout=20, check=False)
    assert f"\nUsage: damctl {command[0]}".rstrip() + " [" in said.stdout, f"damctl {line}: {said}"
    for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", line):
        assert re.search(rf"^ .*(?<![\w-]){option}(?![\w-])", said.stdout, re.MULTILINE), f"damctl {line}: no {option} in {said.stdout}"


def check_generated():
    """the dashboards are what generate.py writes"""
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        done = subprocess.run([sys.executable, "-B", "-c", "import json, sys, generate; json.dump(dict(generate.texts()), sys.stdout)"],
                              cwd=GRAFANA, stdout=subprocess.PIPE, stderr=nothing, text=True, timeout=20, check=True)
    written = json.loads(done.stdout)
    assert sorted(written) == sorted(dashboards()) and len(written) == 4, sorted(written)
    for name, text in written.items():
        with open(f"{GRAFANA}/dashboards/{name}", encoding="utf-8") as file:
            assert file.read() == text, f"{name} is another: config/grafana/generate.py writes it anew"


def _check_dashboard(name, board):
    assert board["uid"] + ".json" == name and board["schemaVersion"] >= 36 and board["title"] and board["description"], name
    variables = {one["name"]: one for one in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus", name
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"]), f"{name}: ids twice"
    taken = set()
    for panel in board["panels"]:
        where = f"{name}: {panel.get('title')}"
        assert panel["title"] and panel["description"].endswith("."), where
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, where
        assert panel["datasource"]["uid"] == "${datasource}" and panel["targets"], where
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, f"{where}: lies over another, or outside"
        taken |= cells
        used = set(re.findall(r"\$\{?(\w+)", " ".join(one["expr"] for one in panel["targets"])))
        assert used <= set(variables), f"{where}: unknown variable"


def check_dashboards():
    """every dashboard has a data source to choose, every panel a title, a description, a unit, a place of its own"""
    boards = dashboards()
    assert len({board["uid"] for board in boards.values()}) == len({board["title"] for board in boards.values()}) == 4
    for name, board in boards.items():
        _check_dashboard(name, board)
    source = read_yaml(f"{GRAFANA}/provisioning/datasources/dam.yml")["datasources"][0]
    assert source["type"] == "prometheus"
    assert read_yaml(f"{GRAFANA}/provisioning/dashboards/dam.yml")["providers"][0]["type"] == "file"


def expressions():
    """Where it stands → what is to have data at any time. An alert's has data when it fires."""
    found = {f"recording.yml: {rule['record']}": rule["expr"] for rule in rules("recording")}
    for name, board in dashboards().items():
        for panel in board["panels"]:
            for target in panel["targets"]:
                found[f"{name}: {panel['title']} ({target['refId']})"] = target["expr"].replace("$instance", "edge")
    return found
