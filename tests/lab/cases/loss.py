# SPDX-License-Identifier: BSD-3-Clause
"""A file each way while both cables lose, double and reorder packets: 2 % on the client's side, 1 % on
the server's. `--full` makes it 1 GiB."""
import threading

from lib import hello, suite
from lib.plan import plan
from lib.stream import both_ways, noise, transfer

PLAN = plan(timeouts={"hello": "10s", "connect": "5s"})
WIRES = {"client": ["--loss", 2, "--duplicate", 1, "--reorder", 3, "--seed", 11],
         "service": ["--loss", 1, "--duplicate", 2, "--reorder", 1, "--seed", 12]}
COST = 60
MIB = 1 << 20


def _file(site):
    return site.options.bulk_mib * MIB


@suite.seconds(900)
@suite.each(family=[4, 6])
def test_upload(site, family):
    """a file uploaded over bad cables arrives whole"""
    client, server = site.connect(family=family)
    with site.bad_cables(20):
        rate = transfer(client, server, _file(site))
    assert client.info()["total_retrans"] > 100, client.info()
    site.note(f"{rate / 1e6:.0f} Mbit/s")
    site.finish(client, server)


@suite.seconds(900)
@suite.each(family=[4, 6])
def test_download(site, family):
    """a file downloaded over bad cables arrives whole"""
    client, server = site.connect(family=family)
    with site.bad_cables(20):
        rate = transfer(server, client, _file(site))
    assert server.info()["total_retrans"] > 100, server.info()
    site.note(f"{rate / 1e6:.0f} Mbit/s")
    site.finish(client, server)


@suite.seconds(300)
@suite.each(options=["no timestamps", "no SACK", "no window scale", "none of them"])
def test_bare(site, options):
    """a smaller file each way, for a client that lacks options"""
    names = {"no timestamps": ["timestamps"], "no SACK": ["sack"], "no window scale": ["window_scaling"],
             "none of them": ["timestamps", "sack", "window_scaling"]}[options]
    with site.client.sysctls({f"net.ipv4.tcp_{name}": 0 for name in names}):
        client, server = site.connect()
    with site.bad_cables(5):
        both_ways(client, server, 2 * MIB)
    site.finish(client, server)


def test_reno(site):
    """the same with Reno, which leans on every duplicate ACK, at both ends"""
    settings = {"net.ipv4.tcp_congestion_control": "reno"}
    with site.client.sysctls(settings), site.service.sysctls(settings):
        client, server = site.connect()
        with site.bad_cables(5):
            both_ways(client, server, 2 * MIB)
    site.finish(client, server)


def test_handshakes(site):
    """handshakes, post-quantum hellos and closings survive lost packets, 100 times, ten at a time"""
    failures = []

    def connections(source):
        try:
            for number in range(10):
                text = hello.client_hello("service.example", post_quantum=bool(number % 2))
                client, server = site.connect(text=text, source=source, server_timeout=20)
                client.send(noise(2000, number))
                server.expect(noise(2000, number))
                server.send(noise(5000, number))
                client.expect(noise(5000, number))
                client.half_close()
                server.expect_eof()
                server.close()
                client.expect_eof()
                client.close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=connections, args=(site.sources[4][n],)) for n in range(10)]
    with site.bad_cables(5):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures, failures
