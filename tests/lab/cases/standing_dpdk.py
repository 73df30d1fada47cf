# SPDX-License-Identifier: BSD-3-Clause
"""driver: dpdk keeps connections, buckets and bans in memory that outlives the dataplane. Nobody forwards between two
of them: connections wait, and go on under the next one."""
import os
import pathlib
import signal
import struct
import subprocess
import threading
import time

from lib import hello, suite
from lib.plan import plan
from lib.restart import dead, end, finish_all, other_limits, start
from lib.stream import transfer

BAN = {"ban": {"after": 3, "within": "30s", "for": "120s"}}
ZONES = {"management": {"management": True}, "service": {},
         "banning": {"exceeded": BAN, "per_source": {"concurrent": 1}},
         "slow": {"per_source": {"bytes_down": "300kB/s burst=600kB"}}}
PLAN = plan(zones=ZONES, timeouts={"hello": "3s", "connect": "2s", "closing": "1s"},
            add_listeners={"banning": {"port": 8443, "protocol": "tls"}},
            add_routes=[{"name": "slow", "listener": "https", "names": ["slow.example"], "zone": "slow",
                         "servers": ["service"]},
                        {"name": "banning", "listener": "banning", "names": ["banning.example"], "zone": "banning",
                         "servers": ["service"]}])
DAM_ONLY = True
ONLY_ON = "dpdk", "driver: xdp keeps them in the kernel (standing)"
COST = 60
MIB = 1 << 20


def _tables(site):
    return pathlib.Path(site.front.tables, "tables")


@suite.each(how=["SIGKILL", "SIGTERM"], family=[4, 6])
def test_connections_survive(site, how, family):
    """connections go on under the next dataplane, with what was sent meanwhile; that one serves new ones beside them"""
    suite.eventually(lambda: site.front.table("flows") == 0, 10, "an empty table")
    pairs = [site.connect(family=family, source=source) for source in site.sources[family][:20]]
    for client, server in pairs:
        transfer(client, server, 10000)
    with dead(site, getattr(signal, how)):
        for client, server in pairs[:10]:
            client.send(b"while nobody is there")
            server.send(b"and back")
    for client, server in pairs[:10]:
        server.expect(b"while nobody is there")
        client.expect(b"and back")
    suite.eventually(lambda: site.front.table("flows") == len(pairs), 3, "the table's fill")
    more = [site.connect(family=family, source=source) for source in site.sources[family][:20]]
    # What ended under the new one is free again: it knew whose ports and places they were.
    finish_all(site, pairs + more)


def test_gap(site):
    """a conversation stalls for no longer than a restart takes and TCP needs to send again"""
    client, server = site.connect()
    gaps, stop = [], threading.Event()

    def talk():
        while not stop.is_set():
            begun = time.monotonic()
            client.send(b"ping")
            server.expect(b"ping")
            server.send(b"pong")
            client.expect(b"pong")
            gaps.append(time.monotonic() - begun)
            time.sleep(0.005)

    talker = threading.Thread(target=talk)
    talker.start()
    begun = time.monotonic()
    with dead(site):
        gone = time.monotonic() - begun
    back = time.monotonic() - begun
    stop.wait(3)
    stop.set()
    talker.join(20)
    site.note(f"longest turn {max(gaps):.2f} s; the process was gone after {gone:.2f}, the next had its policy and servers after {back:.2f} s")
    assert not talker.is_alive() and max(gaps) < 10, gaps[-5:]
    site.finish(client, server)


def test_survives_many_deaths(site):
    """a connection outlives five dataplanes that are killed one after the other, some before they have a policy"""
    client, server = site.connect()
    for round_ in range(5):
        end(site)
        if round_ % 2:
            site.front.start_dataplane("--fresh")
            os.kill(site.front.worker_pid(), signal.SIGKILL)
            site.front.dataplane.wait(10)
        start(site)
        transfer(client, server, 100000)
        transfer(server, client, 100000)
    site.finish(client, server)


@suite.each(direction=["up", "down"])
def test_bulk(site, direction):
    """a transfer that is under way is whole, whatever the moment of the kill"""
    client, server = site.connect()
    sender, receiver = (client, server) if direction == "up" else (server, client)
    sender.sock.settimeout(30)
    receiver.sock.settimeout(30)
    mover = threading.Thread(target=transfer, args=(sender, receiver, 16 * MIB), daemon=True)
    failed = []
    threading.excepthook = lambda what: failed.append(what.exc_value)
    mover.start()
    for _ in range(3):
        with dead(site):
            pass
        time.sleep(0.2)
    mover.join(40)
    assert not mover.is_alive() and not failed, failed
    site.finish(client, server)


def test_hello_under_way(site):
    """a client whose hello is under way when the dataplane dies is told by the next one"""
    text = hello.client_hello("service.example")
    begun = site.open()
    begun.send(text[:100])
    suite.eventually(lambda: site.front.table("half_open") >= 1, 3, "a hello that is waited for")
    with dead(site):
        pass
    suite.eventually(lambda: site.front.table("half_open") == 0, 3, "nothing half open")
    begun.expect_reset(10)


def test_cookie_survives(site):
    """who had but a cookie when the dataplane died gets in at the next one"""
    proven = site.open(source=site.sources[4][5])
    text = hello.client_hello("service.example")
    suite.eventually(lambda: site.front.table("half_open") >= 1, 3, "the client's place")
    with dead(site):
        proven.send(text)
    server = site.servers["service"].take(proven.local)
    server.expect(text)
    transfer(server, proven, 1000)
    site.finish(proven, server)


def test_bans_survive(site):
    """a ban holds under the next dataplane"""
    banned, free = site.sources[4][7], site.sources[4][8]
    text = hello.client_hello("banning.example")
    site.connect(source=banned, port=8443, text=text)
    for _ in range(3):
        site.open(source=banned, port=8443).send(text)
    suite.eventually(lambda: site.front.zone("banning")["bans"], 3, "a ban")

    assert site.is_refused(banned, port=8443)
    with dead(site):
        pass
    assert site.is_refused(banned, port=8443)
    site.finish(*site.connect(source=free, port=8443, text=text))


def test_buckets_survive(site):
    """a bucket that was emptied is not full again under the next dataplane"""
    client, server = site.connect(text=hello.client_hello("slow.example"))
    transfer(server, client, 600_000)
    begun = time.monotonic()
    with dead(site):
        pass
    transfer(server, client, 1_200_000)
    seconds = time.monotonic() - begun
    site.note(f"1,200 kB in {seconds:.1f} s, 300 kB/s allowed")
    assert 1_200_000 < 60_000 + 300_000 * seconds, f"{seconds:.1f} s"


def test_other_limits(site):
    """under other limits the connections of before cannot go on: they end, the log says why, and new ones come"""
    front = site.front
    client, _ = site.connect()
    with other_limits(site, PLAN, flows=30000):
        assert "The connections of the run before end, for limits" in front.said(), front.said()
        client.send(b"is anybody there?")
        client.expect_reset(10)
        suite.eventually(lambda: front.server_up("service"), 5, "the server up")
        site.finish(*site.connect())


@suite.each(offset=[4, 8, 0])
def test_another_version(site, offset):
    """tables that another version has left, or none has finished, are not misread: it begins anew, and says so"""
    front = site.front
    client, _ = site.connect()
    end(site)
    with open(_tables(site), "r+b") as tables:
        tables.seek(offset)
        was = struct.unpack("<I", tables.read(4))[0]
        tables.seek(offset)
        tables.write(struct.pack("<I", was + 1))
    start(site)
    assert offset == 0 or "left by another version" in front.said(), front.said()
    client.send(b"is anybody there?")
    client.expect_reset(10)
    site.finish(*site.connect())


def test_no_memory(site):
    """where there is no such memory the dam runs all the same, and says that its connections end with it"""
    front, folder = site.front, pathlib.Path(site.front.tables)
    end(site)
    assert front.detach()[0] == 0 and not folder.exists()
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M,mode=0700", "none", folder], check=True)
    try:
        start(site)
        assert "Connections will end with this process" in front.said() and "MiB of memory left" in front.said(), front.said()
        site.finish(*site.connect())
        end(site)
    finally:
        subprocess.run(["umount", folder], check=True)
        if not front.alive():
            start(site)
    assert "WARNING" not in front.said(), front.said()


def test_a_strangers_folder(site):
    """a folder that somebody else has made first is not used"""
    front, folder = site.front, pathlib.Path(site.front.tables)
    end(site)
    front.detach()
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    try:
        start(site)
        assert f"{folder} is not root's alone" in front.said(), front.said()
        end(site)
        status, said = front.detach()  # does the rest all the same
        assert status == 1 and "not root's alone" in said and "Nothing of the dam is attached" in said, (status, said)
    finally:
        folder.rmdir()
        if not front.alive():
            start(site)


def test_detach(site):
    """damctl detach is refused while a dataplane runs; after its end it gives the memory back, and connections end"""
    front = site.front
    client, _ = site.connect()
    status, said = front.detach()
    assert status == 1 and "Another dam-dataplane works on the tables" in said, (status, said)
    end(site, signal.SIGTERM)
    assert _tables(site).exists()
    status, said = front.detach()
    assert status == 0 and "all connections with it" in said and not os.path.exists(front.tables), (status, said)
    start(site)
    client.send(b"is anybody there?")
    client.expect_reset(10)
    site.finish(*site.connect())
