# SPDX-License-Identifier: BSD-3-Clause
"""Lines of the dam's logs, judged by config/log.schema.json."""
import functools
import json
import os

ROOT = os.path.join(os.path.dirname(__file__), "../../..")


@functools.cache
def schema():
    with open(os.path.join(ROOT, "config/log.schema.json")) as handle:
        return {one["title"]: one for one in json.load(handle)["oneOf"]}


def judge(line):
    """By what the schema uses; the unit tests have a whole validator."""
    kind = schema()[line["kind"]]
    assert set(kind["required"]) <= set(line) <= set(kind["properties"]), line
    types = {"string": str, "integer": int, "boolean": bool}
    for name, value in line.items():
        wanted = kind["properties"][name].get("type", "string")
        assert type(value) is types[wanted], (name, line)
