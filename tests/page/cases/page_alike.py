# SPDX-License-Identifier: BSD-3-Clause
"""What the live page says of sources that behave alike, of a real PostgreSQL with pgvector."""
import os
import subprocess
import sys

from lib import hello, suite
from lib.site import SOURCES
from lib.stream import transfer

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from visit import PLAN, READY, ROOT, Visit, begin_again, close_office, office  # noqa: E402

DAM_ONLY = True
COST = 60
DEBIAN = os.path.join(ROOT, "build", "site", "debian13")  # tests/page/run unpacks it
ALIKE, OTHER = [SOURCES[4][number] for number in (52, 53, 54)], SOURCES[4][55]
teardown = close_office
EXPLAIN = "[aria-label='Explain {}']"


class Database:
    """As a site has it: config/site's SQL. It ends with its input, and the file that the dam is told of says where it is."""

    def __init__(self, directory):
        self.file = os.path.join(directory, "lookalikes.database")
        words = ["unshare", "--mount", "--net", "tests/lookalikes/database.sh", DEBIAN, "sh", "-c", "echo $$ $DAM_TEST_DATABASE; read end"]
        self.process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        pid, _, socket = self.process.stdout.readline().strip().partition(" ")
        assert socket, "the database has not started"
        with open(os.open(self.file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(f"host=/proc/{pid}/root{socket} dbname=site user=dam password='its word'\n")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.process.stdin.close()
        self.process.wait(20)


def _act(site):
    """Three sources that do the same, and one that does something else, until the dam has written them down."""
    same, another = hello.client_hello("service.example"), hello.client_hello("service.example", alpn=["new/1"])
    for _ in range(3):
        for source in ALIKE:
            site.finish(*site.connect(text=same, source=source))
    for _ in range(4):
        client, server = site.connect(text=another, source=OTHER)
        transfer(client, server, 20_000)
        site.finish(client, server)


def _written(site):
    lines = [line for line in site.front.metrics().splitlines() if line.startswith("dam_lookalikes_written_rows_total ")]
    return bool(lines) and float(lines[0].split()[1]) >= len(ALIKE) + 1


def _shown(visit):
    return visit.value("[...document.querySelectorAll('[data-alike] li')].map((one) => one.textContent.trim())")


def _explain(site, visit, source):
    """All three go on alike until the list of the busiest has it."""
    def listed():
        for one in ALIKE:
            client, server = site.connect(source=one)
            transfer(client, server, 300_000)
            site.finish(client, server)
        return visit.value(f"!!document.querySelector(\"{EXPLAIN.format(source)}\")")

    suite.eventually(listed, 30, "the source in the list", every=1)
    visit.press(EXPLAIN.format(source))
    visit.until(f"document.querySelector('[data-explained]')?.dataset.explained === {source!r}", "what the dam says of it")


@suite.seconds(180)
def test_alike(site):
    """an operator who asks why a source is let in sees who behaves like it, how far apart and in what; a viewer does not"""
    front = office(site)
    with Database(front.directory) as database:
        front.apply({**PLAN, "lookalikes": {"window": "10s", "within": "10%"}})
        begin_again(site, "--lookalikes-database", database.file)
        suite.eventually(lambda: "dam_lookalikes_database_up 1" in front.metrics(), 20, "the database")
        _act(site)
        suite.eventually(lambda: _written(site), 30, "the vectors")
        with Visit(site, "operator") as visit:
            visit.until(READY, "the page")
            _explain(site, visit, ALIKE[0])
            visit.until("document.querySelectorAll('[data-alike] li').length >= 2", "who behaves like it")
            told = _shown(visit)
            site.note("; ".join(told))
            assert {one.split("/")[0] for one in told} == set(ALIKE[1:]), told
            assert all("% apart; " in one for one in told), told
            assert visit.axe() == [], visit.axe()
            visit.screenshot("alike")
        with Visit(site, "viewer") as visit:
            visit.until(READY, "the page")
            _explain(site, visit, ALIKE[0])
            assert visit.asks("GET", f"/v1/similar/{ALIKE[0]}")[0] == 403
            assert not visit.value("!!document.querySelector('[data-alike]')")
    front.apply(PLAN)
    begin_again(site)
