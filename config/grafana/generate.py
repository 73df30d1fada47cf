#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes dashboards/*.json from panels.py: config/grafana/generate.py [FOLDER]. Grafana's own editor may be used on a copy; what
is kept is panels.py, where a panel is a line and two dashboards cannot differ by accident."""
import json
import pathlib
import sys

from panels import DASHBOARDS

HERE = pathlib.Path(__file__).parent
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# No state is told by colour alone: each has its word.
WORDS = {"up": ("down", "up"), "yes": ("no", "yes"), "needed": ("no", "yes")}
SIZES = {"stat": (4, 4), "timeseries": (12, 8), "bargauge": (12, 8)}  # of 24 columns; rows


def variables():
    return [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
            {"name": "instance", "label": "Edge", "type": "query", "datasource": SOURCE, "refresh": 2,
             "query": {"query": "label_values(dam_policy_version, instance)", "refId": "instance"}}]


def mappings(words):
    if words is None:
        return []
    good = "0" if words == "needed" else "1"
    options = {str(value): {"text": text, "color": "green" if str(value) == good else "red"}
               for value, text in enumerate(WORDS[words])}
    return [{"type": "value", "options": options}]


def own_options(kind):
    if kind == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    return {"reduceOptions": {"calcs": ["lastNotNull"]}, "orientation": "horizontal" if kind == "bargauge" else "auto"}


def panel(number, place, kind, title, description, unit, queries, words=None):
    width, height = SIZES[kind]
    targets = [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
               for i, (expression, legend) in enumerate(queries)]
    return {"id": number, "type": kind, "title": title, "description": description, "datasource": SOURCE,
            "gridPos": {"x": place[0], "y": place[1], "w": width, "h": height}, "targets": targets,
            "fieldConfig": {"defaults": {"unit": unit, "min": 0, "mappings": mappings(words)}, "overrides": []},
            "options": own_options(kind)}


def laid_out(entries):
    """From left to right, a new row where the next does not fit."""
    x = y = row = 0
    for number, entry in enumerate(entries, 1):
        width, height = SIZES[entry["kind"]]
        if x + width > 24 or (row and height != row):
            x, y = 0, y + row
        yield panel(number, (x, y), **entry)
        x, row = x + width, height


def dashboard(uid, title, description, entries):
    return {"uid": uid, "title": title, "description": description, "schemaVersion": 37, "version": 1, "editable": False,
            "tags": ["dam"], "timezone": "browser", "refresh": "15s", "time": {"from": "now-3h", "to": "now"},
            "links": [{"title": "Traffic Dam", "type": "dashboards", "tags": ["dam"], "asDropdown": True, "keepTime": True}],
            "templating": {"list": variables()}, "panels": list(laid_out(entries))}


def texts():
    """File name and text of each."""
    for one in DASHBOARDS:
        yield one["uid"] + ".json", json.dumps(dashboard(**one), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "dashboards")
    for name, text in texts():
        (folder / name).write_text(text, encoding="utf-8")
