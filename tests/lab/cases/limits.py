# SPDX-License-Identifier: BSD-3-Clause
"""Bounded tables, full: strangers are refused with a counted reason, and management is still served."""
import time

from lib import hello, suite
from lib.plan import plan

PLAN = plan(
    limits={"flows": 1024, "half_open": 128, "half_open_per_source": 64, "management_share": "25%",
            "hold": "1MiB"},
    timeouts={"hello": "2s", "connect": "5s", "closing": "200ms", "port_rest": "200ms",
              "probe_interval": "500ms"},
    add_servers={"slow": {"role": "service", "n": 16, "port": 443}},
    add_routes=[{"name": "slow", "listener": "https", "names": ["slow.example"], "zone": "service",
                 "servers": ["slow"]}])
DAM_ONLY = True
COST = 25


def _settle(site):
    """Until the tables are as good as empty again."""
    site.tidy()
    time.sleep(0.3)
    site.tidy()  # those that the servers accepted meanwhile
    suite.eventually(lambda: site.front.table("flows") <= 4 and site.front.table("half_open") <= 4, 10,
                     "that the tables empty")


def _decided(site):
    """Clients of the service zone that were let in, or refused for want of room."""
    drops = site.front.drops()
    return site.front.zone("service")["opened"] + drops["flow_table_full"] + drops["hold_full"]


def _service_client(site, number, family=4):
    client = site.open(family=family, source=site.sources[family][number % 50])
    client.send(hello.client_hello("service.example"))
    return client


def _over(client):
    """Was it reset?"""
    before = client.sock.gettimeout()
    client.sock.setblocking(False)
    try:
        return client.sock.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    finally:
        client.sock.settimeout(before)


def _sort(site, clients):
    """Those that reached the server, and those that were refused; together they are all."""
    waiting, served, refused = clients, [], []

    def all_sorted():
        nonlocal waiting
        served.extend(one for one in waiting if site.servers["service"].has(one.local))
        waiting = [one for one in waiting if one not in served]
        refused.extend(one for one in waiting if _over(one))
        waiting = [one for one in waiting if one not in refused]
        return not waiting

    suite.eventually(all_sorted, 20, "that each client is either served or refused")
    return served, refused


def _management_served(site, times=3, within=2, **fields):
    for _ in range(times):
        start = time.monotonic()
        site.finish(*site.connect("management.example", **fields))
        assert time.monotonic() - start < within, f"{time.monotonic() - start:.2f} s"


@suite.each(family=[4, 6])
def test_flow_table(site, family):
    """a full flow table refuses strangers, counts them, keeps its flows, and still serves management"""
    live = []
    site.finish(*site.connect(family=family))  # the dam has found the server by ARP or NDP
    before = _decided(site)
    with site.counted("flow_table_full", 20):
        for number in range(850):
            live.append(_service_client(site, number, family))
            if number % 40 == 39:  # it is the flow table that fills, not the few buffers for hellos
                suite.eventually(lambda: _decided(site) - before >= len(live) - 8, 10, "that hellos are served")
        _management_served(site, family=family)
        served, refused = _sort(site, live)  # a hello for which there was no buffer comes again, later
    assert 700 <= len(served) <= 768, len(served)
    server = site.servers["service"].take(served[0].local)
    site.keep(server).read(len(hello.client_hello("service.example")))
    served[0].send(b"still mine")  # an established flow is not disturbed
    server.expect(b"still mine")
    assert len(refused) >= 80, len(refused)
    _settle(site)
    site.finish(*site.connect(family=family))


def test_management_share(site):
    """management connections fill their reserved share while the service has filled its own"""
    live = []
    for number in range(800):
        live.append(_service_client(site, number))
    time.sleep(0.3)
    kept = [site.connect("management.example", source=site.sources[4][number]) for number in range(20)]
    for client, server in kept:
        client.send(b"ping")
        server.expect(b"ping")
    _settle(site)


def test_half_open(site):
    """silent strangers from everywhere push each other out, not those who speak"""
    crowd = []
    with site.counted("half_open_limit", 50):
        for number in range(300):
            crowd.append(site.open(source=site.sources[4][number % 50]))
        for _ in range(3):
            site.finish(*site.connect())
        _management_served(site)
    assert site.front.table("half_open") <= 128
    _settle(site)


@suite.each(family=[4, 6])
def test_silent_strangers_go(site, family):
    """when their time is over, silent strangers are gone from the table"""
    crowd = [site.open(family=family, source=site.sources[family][number]) for number in range(40)]
    suite.eventually(lambda: site.front.table("half_open") >= 30, 2, "thirty strangers in the table")
    for client in crowd:
        client.expect_closed(5)
    suite.eventually(lambda: site.front.table("half_open") <= 2, 3, "an empty table")


def test_hold_memory(site):
    """the memory for bytes that wait for a server is bounded; management still gets some"""
    service = site.servers["slow"]
    v4 = list(service.addresses)[0]
    big = hello.client_hello("slow.example", padding=12000)
    with site.service.rules("chain in { type filter hook input priority 0; "
                            f"ip daddr {v4} tcp flags syn drop; }}"):
        crowd = []
        with site.counted("hold_full", 5):
            for number in range(110):
                client = site.open(source=site.sources[4][number % 50])
                client.send(big)
                crowd.append(client)
            time.sleep(0.2)
        text = hello.client_hello("management.example", post_quantum=True)
        site.finish(*site.connect("management.example", text=text))
        _settle(site)
    suite.eventually(lambda: site.front.server_up("slow"), 5, "the slow server to be up again")
