# SPDX-License-Identifier: BSD-3-Clause
"""Who has the most of what, found by either plane, and what was lately refused to whom."""
import json

from lib import hello, suite
from lib.plan import plan
from lib.site import SOURCES
from lib.stream import transfer

DENIED = "203.0.113.51"
PLAN = plan(zones={"service": {}, "management": {"management": True},
                   "strict": {"per_source": {"connections": "1r/s burst=2"}}},
            deny=[DENIED],
            add_routes=[{"name": "strict", "listener": "https", "names": ["strict.example"], "zone": "strict",
                         "servers": ["service"]}])
DAM_ONLY = True
COST = 30
BULK = 12 << 20


def _top(site, by):
    return json.loads(site.front.damctl("top", "--by", by, "--json", "--count", "100"))


def _of(site, by, source):
    return next((one for one in _top(site, by)["sources"] if one["client"] == source), None)


def _explained(site, source):
    return {(drop["reason"], drop["zone"]): drop
            for drop in json.loads(site.front.damctl("explain", source, "--json"))["drops"]}


def _slack(one):
    return 2 * one["sampling"] + one["error"]


@suite.each(family=(4, 6))
def test_bulk(site, family):
    """who moves most octets leads by bytes and packets, within what the sampling says it may be off by"""
    heavy, light = SOURCES[family][20], SOURCES[family][21]
    pair, other = site.connect(source=heavy, family=family), site.connect(source=light, family=family)
    transfer(pair[1], pair[0], BULK, 60)
    transfer(other[0], other[1], 2000, 10)
    listed = heavy if family == 4 else heavy.split("::")[0] + "::/64"
    # The test before this one has its own heavy source, of the other family.
    first = suite.eventually(lambda: next((one for one in _top(site, "bytes")["sources"][:2]
                                           if one["client"] == listed and one["value"] + _slack(one) > BULK), None),
                             5, "the heavy source first, with all its octets")
    assert first["value"] < 1.25 * BULK + _slack(first), (first, BULK)
    packets = _of(site, "packets", listed)
    assert packets and packets["value"] * 1514 > BULK / 2, packets
    for end in (pair, other):
        site.finish(*end)


def test_connections(site):
    """connections are counted one by one"""
    source = SOURCES[4][22]
    before = (_of(site, "connections", source) or {"value": 0})["value"]
    pairs = [site.connect(source=source) for _ in range(30)]
    found = suite.eventually(lambda: next((one for one in [_of(site, "connections", source)]
                                           if one and one["value"] >= before + 30), None), 5, "all of them")
    assert (found["value"], found["error"], found["sampling"]) == (30, 0, 0), found
    for pair in pairs:
        site.finish(*pair)


def test_violations(site):
    """a macro is found by its violations, and explain says what was refused to it, where and how often"""
    macro, person = SOURCES[4][23], SOURCES[4][24]
    site.finish(*site.connect(text=hello.client_hello("strict.example"), source=person))
    for _ in range(12):
        client = site.open(source=macro)
        client.send(hello.client_hello("strict.example"))
        client.drop()
    drop = suite.eventually(lambda: _explained(site, macro).get(("source_connections", "strict")), 5, "the drops")
    assert drop["proven"] and 9 <= drop["count"] <= 10 and drop["ago_ms"] < 10_000, drop
    assert drop["text"], drop
    top = _top(site, "violations")["sources"]
    assert top[0]["client"] == macro and 9 <= top[0]["value"] <= 10, top
    assert all(one["client"] != person for one in top), top
    assert "source_connections" in site.front.damctl("explain", macro)
    assert not _explained(site, person)


def test_forged(site):
    """what proves nothing is explained as perhaps forged, and leads no list"""
    try:
        site.open(source=DENIED, timeout=1.5)
    except OSError:
        pass
    drop = suite.eventually(lambda: _explained(site, DENIED).get(("denied", "front")), 5, "the drop")
    assert not drop["proven"], drop
    for by in ("packets", "bytes", "connections", "violations"):
        assert _of(site, by, DENIED) is None, by


def test_top_words(site):
    """top says what it counts over and how far it can be off"""
    text = site.front.damctl("top", "--by", "connections")
    assert "at most" in text and "in the last" in text, text
    assert site.front.try_damctl("top", "--by", "looks").returncode == 2
    top = _top(site, "packets")
    assert top["unlisted_most"] == 190 and top["lost"] == 0, top
