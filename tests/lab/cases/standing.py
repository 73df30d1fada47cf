# SPDX-License-Identifier: BSD-3-Clause
"""driver: xdp keeps connections, buckets and bans in the kernel: they outlive the dataplane, and the
next one goes on with them."""
import contextlib
import json
import os
import signal
import subprocess
import time

from lib import hello, suite
from lib.plan import plan
from lib.restart import dead, end, finish_all, other_limits, start
from lib.stream import transfer

BAN = {"ban": {"after": 3, "within": "30s", "for": "120s"}}
ZONES = {"management": {"management": True}, "service": {},
         "banning": {"exceeded": BAN, "per_source": {"concurrent": 1}},
         "slow": {"per_source": {"bytes_down": "300kB/s burst=60kB"}}}
PLAN = plan(zones=ZONES, timeouts={"hello": "3s", "connect": "2s", "closing": "1s"},
            add_listeners={"banning": {"port": 8443, "protocol": "tls"}},
            add_routes=[{"name": "slow", "listener": "https", "names": ["slow.example"], "zone": "slow",
                         "servers": ["service"]},
                        {"name": "banning", "listener": "banning", "names": ["banning.example"], "zone": "banning",
                         "servers": ["service"]}])
DAM_ONLY = True
ONLY_ON = "xdp", "only driver: xdp keeps connections in the kernel"
COST = 40
MIB = 1 << 20
DEVICES = ("front", "service", "management")


def _programs(site):
    """Devices of the edge with an XDP program."""
    with site.edge:
        text = subprocess.run(["ip", "-json", "-details", "link"], text=True, capture_output=True, check=True).stdout
    return {link["ifname"]: link["xdp"]["prog"]["id"] for link in json.loads(text) if link.get("xdp")}


def _gro(site, device):
    with site.edge:
        text = subprocess.run(["ethtool", "-k", device], text=True, capture_output=True, check=True).stdout
    return text.split("generic-receive-offload: ")[1].split()[0]


@suite.each(how=["SIGKILL", "SIGTERM"], family=[4, 6])
def test_connections_survive(site, how, family):
    """connections go on while no dataplane runs, and under the next one; that one serves new ones beside them"""
    suite.eventually(lambda: site.front.table("flows") == 0, 10, "an empty table")
    pairs = [site.connect(family=family, source=source) for source in site.sources[family][:20]]
    before = _programs(site)
    for client, server in pairs:
        transfer(client, server, 10000)
    with dead(site, getattr(signal, how)):
        assert _programs(site) == before, (_programs(site), before)
        for client, server in pairs[:10]:
            transfer(client, server, MIB // 4)
            transfer(server, client, MIB // 4)
    assert sorted(_programs(site)) == sorted(DEVICES) and _programs(site) != before, "the new program took over"
    suite.eventually(lambda: site.front.table("flows") == len(pairs), 3, "the table's fill")
    more = [site.connect(family=family, source=source) for source in site.sources[family][:20]]
    # What ended under the new one is free again: it knew whose ports and places they were.
    finish_all(site, pairs + more)


def test_survives_many_deaths(site):
    """a connection outlives five dataplanes that are killed one after the other, some before they have a policy"""
    client, server = site.connect()
    for round_ in range(5):
        end(site)
        if round_ % 2:
            site.front.start_dataplane("--fresh")
            os.kill(site.front.worker_pid(), signal.SIGKILL)
            site.front.dataplane.wait(10)
        transfer(client, server, 100000)
        start(site)
        transfer(server, client, 100000)
    site.finish(client, server)


def test_hello_under_way(site):
    """a client whose hello is under way when the dataplane dies is told by the next one, and one that has only its
    cookie gets in"""
    text = hello.client_hello("service.example")
    begun, proven = site.open(), site.open(source=site.sources[4][5])
    begun.send(text[:100])
    suite.eventually(lambda: site.front.table("half_open") >= 1, 3, "a hello that is waited for")
    with dead(site):
        proven.send(text)
    server = site.servers["service"].take(proven.local)
    transfer(server, proven, 1000)
    suite.eventually(lambda: site.front.table("half_open") == 0, 3, "nothing half open")
    begun.expect_reset(10)


def test_bans_survive(site):
    """a ban holds while no dataplane runs, and under the next one"""
    banned, free = site.sources[4][7], site.sources[4][8]
    text = hello.client_hello("banning.example")
    site.connect(source=banned, port=8443, text=text)
    for _ in range(3):
        site.open(source=banned, port=8443).send(text)
    suite.eventually(lambda: site.front.zone("banning")["bans"], 3, "a ban")

    assert site.is_refused(banned, port=8443)
    with dead(site):
        assert site.is_refused(banned, port=8443)
    assert site.is_refused(banned, port=8443)
    site.finish(*site.connect(source=free, port=8443, text=text))


@suite.each(family=[4, 6])
def test_no_promises(site, family):
    """three seconds after the dataplane's end no client is let in to where nobody waits for it; standing
    connections go on, and under the next one all is as before"""
    client, server = site.connect(family=family)
    stranger = site.sources[family][9]
    assert not site.is_refused(stranger, family)
    with dead(site):
        time.sleep(3)
        assert site.is_refused(stranger, family)
        transfer(client, server, 100000)
        transfer(server, client, 100000)
    assert not site.is_refused(stranger, family)
    site.finish(client, server)
    site.finish(*site.connect(family=family))


def test_buckets_survive(site):
    """a zone's buckets hold while no dataplane runs"""
    client, server = site.connect(text=hello.client_hello("slow.example"))
    with dead(site):
        server.sock.setblocking(False)
        begun, got = time.monotonic(), 0
        client.sock.settimeout(0.2)
        while time.monotonic() < begun + 3:
            with contextlib.suppress(OSError):
                server.sock.send(bytes(65536))
            with contextlib.suppress(OSError):
                got += len(client.sock.recv(1 << 20))
        seconds = time.monotonic() - begun
    site.note(f"{got / 1000:.0f} kB in {seconds:.1f} s")
    assert 100_000 < got < 60_000 + 300_000 * seconds, f"{got} bytes in {seconds:.1f} s"


@suite.each(gro=["on", "off"])
def test_detach(site, gro):
    """damctl detach is refused while a dataplane runs; after its end it leaves no program, no pin, and gro as it was"""
    front = site.front
    status, said = front.detach()
    assert status == 1 and "Another dam-dataplane works on the tables" in said, (status, said)
    end(site, signal.SIGTERM)
    assert front.detach()[0] == 0
    try:
        for device in DEVICES:
            site.edge.run("ethtool", "-K", device, "gro", gro)
        start(site)
        client, _ = site.connect()
        assert _gro(site, "front") == "off"
        end(site)
        assert _gro(site, "front") == "off", "frames put together from several cannot be translated"
        status, said = front.detach()
        assert status == 0 and "front is free of the dam" in said, (status, said)
        assert not _programs(site) and not os.path.exists(front.pins)
        assert {_gro(site, device) for device in DEVICES} == {gro}
        client.reset()
        status, said = front.detach()
        assert status == 0 and "Nothing of the dam is attached" in said, (status, said)
    finally:
        for device in DEVICES:
            site.edge.run("ethtool", "-K", device, "gro", "off")
        if not front.alive():
            start(site)
    site.finish(*site.connect())


def _poke(front, offset, value):
    """Changes an octet of the pinned control record, as another version would have written it."""
    pin = os.path.join(front.pins, "dam_control")
    shown = json.loads(subprocess.run(["bpftool", "-j", "map", "lookup", "pinned", pin, "key", "0", "0", "0", "0"],
                                      text=True, capture_output=True, check=True).stdout)
    octets = [int(octet, 16) for octet in shown["value"]]
    was, octets[offset] = octets[offset], value
    subprocess.run(["bpftool", "map", "update", "pinned", pin, "key", "0", "0", "0", "0", "value",
                    *map(str, octets)], check=True, capture_output=True)
    return was


def test_another_version(site):
    """tables of another version are not touched: the dataplane says what to do, and their connections go on"""
    front = site.front
    client, server = site.connect()
    end(site)
    version = _poke(front, 4, 99)
    front.start_dataplane("--fresh")
    suite.eventually(lambda: "left by another version" in front.said(), 10, "a refusal in words")
    assert "damctl detach" in front.said() and "tables of version 99" in front.said(), front.said()
    transfer(client, server, 100000)
    transfer(server, client, 100000)
    front.end(front.dataplane)
    _poke(front, 4, version)
    assert front.detach("--other-version") == (0, "")  # of this version: left alone
    start(site)
    site.finish(client, server)


def test_upgrade_from_another_version(site):
    """what an upgrade asks for: tables of another version go, and it begins anew with connections"""
    front = site.front
    client, server = site.connect()
    end(site)
    _poke(front, 4, 99)
    status, said = front.detach("--other-version")
    assert status == 0 and "all connections with it" in said, (status, said)
    start(site)
    client.send(b"is anybody there?")
    client.expect_closed(10)
    server.drop()
    site.finish(*site.connect())


def test_other_limits(site):
    """under other limits the connections of before cannot go on: they end, the log says why, and new ones come"""
    front = site.front
    client, _ = site.connect()
    front.write({**PLAN, "limits": {"flows": 30000}})
    with dead(site):
        pass
    with other_limits(site, PLAN, flows=30000):
        assert "The connections of the run before end, for limits.flows" in front.said(), front.said()
        client.send(b"is anybody there?")
        client.expect_reset(10)
        suite.eventually(lambda: front.server_up("service"), 5, "the server up")
        site.finish(*site.connect())
