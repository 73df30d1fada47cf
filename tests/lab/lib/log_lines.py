# SPDX-License-Identifier: BSD-3-Clause
"""Every line that the dam logs while tests run is held against config/log.schema.json."""
import json
import os
import re

ROOT = os.path.join(os.path.dirname(__file__), "../../..")
_TYPES = {"string": str, "integer": int, "boolean": bool}


def _schema():
    with open(os.path.join(ROOT, "config/log.schema.json")) as handle:
        return {one["title"]: one for one in json.load(handle)["oneOf"]}


SCHEMA = _schema()


def judge(line):
    """By what the schema uses; the unit tests have a whole validator."""
    assert line.get("kind") in SCHEMA, f"no kind of the schema: {line}"
    kind = SCHEMA[line["kind"]]
    missing = set(kind["required"]) - set(line)
    assert not missing, f"{missing} missing in {line}"
    for name, value in line.items():
        assert name in kind["properties"], f"{name} is no field of {line}"
        wanted = kind["properties"][name]
        assert type(value) is _TYPES[wanted.get("type", "string")], f"{name} has another type in {line}"
        assert value in wanted.get("enum", [value]), f"{name} is none of {wanted['enum']} in {line}"
        assert value == wanted.get("const", value), f"{name} is not {wanted['const']} in {line}"
        if "minimum" in wanted:
            assert value >= wanted["minimum"], f"{name} is too small in {line}"
        if "pattern" in wanted:
            assert re.search(wanted["pattern"], value), f"{name} is not like {wanted['pattern']} in {line}"


def lines_in(folder, kind=None):
    """All of them, the oldest first, judged."""
    lines = []
    for name in ("dam.jsonl.1", "dam.jsonl"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path) as handle:
                lines += [json.loads(one) for one in handle if one.endswith("\n")]
    for line in lines:
        judge(line)
    return [line for line in lines if kind in (None, line["kind"])]


class Reader:
    """Judges what has come since it was last asked."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "dam.jsonl")
        self.inode, self.at = None, 0

    def judge_new(self):
        if not os.path.exists(self.path):
            return
        with open(self.path, "rb") as handle:
            about = os.fstat(handle.fileno())
            if about.st_ino != self.inode or about.st_size < self.at:
                self.inode, self.at = about.st_ino, 0
            handle.seek(self.at)
            for line in handle:
                if not line.endswith(b"\n"):
                    break
                self.at += len(line)
                judge(json.loads(line))
